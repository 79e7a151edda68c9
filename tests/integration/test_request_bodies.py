"""Test bodies that break off, arrive in pieces, or are refused unread: what gunicorn passes on, and the result."""

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from crm.http.bodies import MAX_CHUNKED_BYTES, MAX_DRAINED_BYTES
from crm.models import Customer, IdempotentRequest, Interaction
from emotions.models import Snapshot
from tests.support.api import make_key
from tests.support.deployment import Deployment
from tests.support.factories import CustomerFactory, UserFactory, face_photo
from tests.support.nginx import nginx

pytestmark = pytest.mark.parametrize("broker", ["files"], indirect=True)
JSON = {"Content-Type": "application/json"}
BOUNDARY = "a-boundary"


class Client:
    """A client that speaks HTTP/1.1 over one connection."""

    def __init__(self, site: str, secret: str) -> None:
        self.address = urlsplit(site)
        self.headers = {"Authorization": f"Bearer {secret}"}
        self.connection = http.client.HTTPConnection(self.address.netloc, timeout=30)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, f"/api/v1/{path}", body, self.headers | named)
        answer = self.connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content else None

    def send_raw(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        """Send data, which may be shorter than the headers promise, and close this side."""
        host, port = self.address.hostname, self.address.port
        lines = [f"{method} /api/v1/{path} HTTP/1.1", f"Host: {self.address.netloc}"]
        lines += [f"{name}: {value}" for name, value in (self.headers | headers).items()]
        with socket.create_connection((host, port), timeout=30) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            connection.shutdown(socket.SHUT_WR)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return answer.status, json.loads(answer.read())


@pytest.fixture
def client(deployment: Deployment) -> Client:
    return Client(deployment.web(processes=1), make_key(UserFactory())[1])


def form(customer: Customer, photos: int = 2) -> bytes:
    parts = [b'Content-Disposition: form-data; name="customer"\r\n\r\n' + str(customer.uuid).encode()]
    parts += [
        f'Content-Disposition: form-data; name="photos"; filename="{number}.jpg"\r\n\r\n'.encode() + face_photo(number)
        for number in range(photos)
    ]
    return b"".join(f"--{BOUNDARY}\r\n".encode() + part + b"\r\n" for part in parts) + f"--{BOUNDARY}--\r\n".encode()


UPLOAD = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Idempotency-Key": "visit"}


def nothing_is_stored() -> bool:
    return not (Interaction.objects.exists() or Snapshot.objects.exists() or IdempotentRequest.objects.exists())


def test_an_upload_that_breaks_off_stores_nothing_and_can_be_sent_again(client: Client) -> None:
    customer = CustomerFactory()
    whole = form(customer)
    for cut in range(1, len(whole), len(whole) // 9):
        promised = UPLOAD | {"Content-Length": str(len(whole))}
        status, answer = client.send_raw("POST", "snapshots", promised, whole[:cut])
        assert (status, answer["code"]) == (400, "body_incomplete"), cut
        assert nothing_is_stored(), cut
    assert client.send("POST", "snapshots", whole, **_named(UPLOAD))[0] == 202
    assert Snapshot.objects.count() == 2
    assert Interaction.objects.count() == 1


def test_a_short_form_of_a_page_is_refused(deployment: Deployment) -> None:
    """Django reads such a form in one go, and would take the part that arrived for the whole."""
    address = urlsplit(deployment.web(processes=1, DEBUG="true"))
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        head = [f"POST /admin/login/ HTTP/1.1\r\nHost: {address.netloc}", "Content-Length: 20"]
        head.append("Content-Type: application/x-www-form-urlencoded")
        connection.sendall("\r\n".join([*head, "", "username=v"]).encode())
        connection.shutdown(socket.SHUT_WR)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 400


def test_a_form_without_its_closing_boundary_stores_nothing(client: Client) -> None:
    whole = form(CustomerFactory())
    for end in (len(whole) - 4, len(whole) - len(BOUNDARY) - 8, whole.rindex(b"Content-Disposition") + 20):
        for body in (whole[:end], _pieces(whole[:end], 1000)):  # as one body, and as chunks
            status, answer = client.send("POST", "snapshots", body, **_named(UPLOAD))
            assert (status, answer["code"]) == (400, "body_incomplete"), end
            assert nothing_is_stored(), end


@pytest.mark.parametrize("share", [0.3, 0.7, 1.0])
def test_a_chunked_upload_is_taken_whole_or_not_at_all(client: Client, share: float) -> None:
    whole = form(CustomerFactory())
    sent = whole[: int(len(whole) * share)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in _pieces(sent, 1000))
    end = b"0\r\n\r\n" if share == 1 else b""  # without its end, the body breaks off between chunks
    status, answer = client.send_raw("POST", "snapshots", UPLOAD | {"Transfer-Encoding": "chunked"}, chunks + end)
    assert status == (202 if share == 1 else 400), answer
    assert Snapshot.objects.count() == (2 if share == 1 else 0)
    assert share == 1 or nothing_is_stored()


def test_chunked_json_is_read(client: Client) -> None:
    _, customer = client.send("PUT", "customers/by-external-id/t/1", json.dumps({"name": "Old"}), **_named(JSON))
    status, answer = client.send("PATCH", f"customers/{customer['id']}", _pieces(b'{"name": "New"}', 4), **_named(JSON))
    assert (status, answer["name"]) == (200, "New")


def test_a_large_chunked_body_needs_a_length(client: Client) -> None:
    body = _pieces(bytes(MAX_CHUNKED_BYTES + 1), 500_000)
    status, answer = client.send("POST", "snapshots", body, **_named(UPLOAD))
    assert (status, answer["code"]) == (411, "length_required")


@pytest.mark.parametrize("unread", [300_000, MAX_DRAINED_BYTES])
def test_the_connection_outlives_a_refusal_of_a_body_that_nobody_read(client: Client, unread: int) -> None:
    connections = set()
    for _ in range(3):
        assert client.send("POST", "snapshots", bytes(unread), Content_Type="image/jpeg")[0] == 415
        connections.add(client.connection.sock)
        assert client.send("GET", "customers?page_size=1")[0] == 200
    assert connections == {client.connection.sock}


def test_a_refusal_of_a_larger_body_says_that_the_connection_closes(client: Client) -> None:
    host, port = client.address.hostname, client.address.port
    with socket.create_connection((host, port), timeout=30) as connection:
        head = ["POST /api/v1/snapshots HTTP/1.1", f"Host: {client.address.netloc}"]
        head.append(f"Content-Length: {MAX_DRAINED_BYTES + 1}")
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert (answer.status, answer.headers["Connection"]) == (401, "close")


def test_a_byte_order_mark_is_ignored_and_an_encoded_body_refused(client: Client) -> None:
    path = "customers/by-external-id/t/bom"
    status, answer = client.send("PUT", path, b'\xef\xbb\xbf{"name": "B"}', **_named(JSON))
    assert (status, answer["name"]) == (201, "B")
    status, answer = client.send("PUT", path, b"\x1f\x8b", Content_Encoding="gzip", **_named(JSON))
    assert (status, answer["code"]) == (415, "encoding_unsupported")


def test_strangers_cannot_have_a_large_body_stored(deployment: Deployment) -> None:
    """The client announces 400 MB, but only what the operating system buffers is ever accepted."""
    address = urlsplit(deployment.web(processes=1))
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(
            f"POST /admin/login/ HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 400000000\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n".encode()
        )
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert (answer.status, answer.headers["Connection"]) == (413, "close")


class TestBehindNginx:
    @pytest.fixture
    def client(self, deployment: Deployment) -> Iterator[Client]:
        with nginx(deployment.web(processes=1), REQUESTS_PER_SECOND="1", REQUESTS_AT_ONCE="20") as site:
            yield Client(site, make_key(UserFactory())[1])

    def test_an_upload_that_breaks_off_stores_nothing_and_can_be_sent_again(self, client: Client) -> None:
        whole = form(CustomerFactory())
        promised = UPLOAD | {"Content-Length": str(len(whole))}
        # Nginx waits for the rest, and closes the connection when none comes.
        with pytest.raises(http.client.BadStatusLine):
            client.send_raw("POST", "snapshots", promised, whole[: len(whole) // 2])
        assert nothing_is_stored()
        assert client.send("POST", "snapshots", whole, **_named(UPLOAD))[0] == 202

    def test_a_form_without_its_closing_boundary_stores_nothing(self, client: Client) -> None:
        whole = form(CustomerFactory())
        for body in (whole[:-4], _pieces(whole[:-4], 1000)):
            status, answer = client.send("POST", "snapshots", body, **_named(UPLOAD))
            assert (status, answer["code"]) == (400, "body_incomplete")
            assert nothing_is_stored()

    def test_a_chunked_upload_is_taken_however_large(self, client: Client) -> None:
        status, answer = client.send("POST", "snapshots", _pieces(form(CustomerFactory()), 1000), **_named(UPLOAD))
        assert (status, Snapshot.objects.count()) == (202, 2), answer

    def test_only_addresses_of_photos_take_large_bodies(self, client: Client) -> None:
        seven_megabytes = bytes(7 * 1024 * 1024)
        assert client.send("POST", "customers", seven_megabytes, **_named(JSON))[0] == 413
        client.connection.close()
        status, answer = client.send("POST", "snapshots", seven_megabytes, **_named(UPLOAD))
        assert (status, answer["code"]) == (400, "parse_error")  # the body arrived whole, but is not a form

    def test_one_address_has_so_many_requests(self, client: Client) -> None:
        answers = [client.send("GET", "customers?page_size=1")[0] for _ in range(40)]
        assert answers[:20] == [200] * 20
        assert 429 in answers


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("-", "_"): value for name, value in headers.items()}


def _pieces(content: bytes, size: int) -> Iterator[bytes]:
    yield from (content[start : start + size] for start in range(0, len(content), size))
