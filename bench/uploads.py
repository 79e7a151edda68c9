"""Upload photos through the API as another system would: several at once, each again until it is accepted."""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from urllib.parse import urlsplit

BOUNDARY = "a-boundary-of-the-bench"
PAUSE = 0.1  # seconds before a refused photo is sent again
PATIENCE = 120.0  # seconds during which a photo is sent again


@dataclass(frozen=True, slots=True)
class Accepted:
    snapshot: str  # its public ID
    seconds: float  # duration of the accepted request


@dataclass
class Uploads:
    """Send photos to interactions in turn. Sending a photo again gives the same snapshot, so none is stored twice."""

    address: str  # address of the site, without a slash at the end
    key: str
    interactions: Sequence[str]  # their public IDs
    photo: Callable[[int], bytes]  # a different file for each number
    accepted: list[Accepted] = field(default_factory=list)
    # Statuses, or names of connection errors, of the requests that were sent again.
    refused: Counter[str] = field(default_factory=Counter)
    counting: threading.Lock = field(default_factory=threading.Lock)
    local: threading.local = field(default_factory=threading.local)  # each client's connection

    def send(self, numbers: Iterable[int], *, clients: int, each: Callable[[], object] = lambda: None) -> None:
        """Send photos with several clients at once, and call `each` after each acceptance. Raises TimeoutError."""
        with ThreadPoolExecutor(clients) as pool:
            sent = [pool.submit(self.send_one, number) for number in numbers]
            try:
                for one in as_completed(sent):
                    self.accepted.append(one.result())
                    each()
            finally:
                pool.shutdown(cancel_futures=True)

    def send_one(self, number: int, query: str = "") -> Accepted:
        if not hasattr(self.local, "connection"):
            self.local.connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=30)
        return self._insist(self.local.connection, number, query)

    def _insist(self, connection: http.client.HTTPConnection, number: int, query: str = "") -> Accepted:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            started = time.monotonic()
            try:
                status, body = self._ask(connection, number, query)
            except (OSError, http.client.HTTPException) as error:
                connection.close()  # the next request opens it again
                status, body = type(error).__name__, b""
            if status == "202":
                return Accepted(json.loads(body)["id"], time.monotonic() - started)
            if status[0] == "4":
                raise ValueError(f"The API refused a photo: {body.decode()}")
            with self.counting:
                self.refused[status] += 1
            time.sleep(PAUSE)
        raise TimeoutError(f"A photo was not accepted for {PATIENCE:.0f} seconds: {dict(self.refused)}")

    def _ask(self, connection: http.client.HTTPConnection, number: int, query: str) -> tuple[str, bytes]:
        path = f"/api/v1/interactions/{self.interactions[number % len(self.interactions)]}/snapshots{query}"
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="photos"; filename="photo.jpg"\r\n\r\n'
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        }
        body = head.encode() + self.photo(number) + f"\r\n--{BOUNDARY}--\r\n".encode()
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return str(answer.status), answer.read()
