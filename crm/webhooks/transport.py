"""Send a POST to an endpoint: only to public addresses, without redirects or proxies, limited in time and bytes."""

import contextlib
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, parse_headers
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from requests_hardened import Config, HTTPSession
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from crm.webhooks.addresses import NOT_PUBLIC, is_allowed, is_public

CONNECT_SECONDS = 5.0
ANSWER_BYTES = 2048  # No more of the answer is read; the log keeps this much.
MAX_INTERIM_ANSWERS = 20
USER_AGENT = "Rapport-Webhooks/1"


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold the outcome of a request: a status, or an error that says why there is none."""

    seconds: float
    headers: dict[str, str]  # These are the request's headers, as they were sent.
    status: int | None = None
    body: str = ""
    error: str = ""

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        return self.status == HTTPStatus.GONE


def post(url: str, body: str, headers: Mapping[str, str]) -> Answer:
    """Send the body and return the outcome. Never raises because of what the receiver does or fails to do."""
    started = time.monotonic()
    # Ask for an uncompressed answer, because a small compressed one may unpack to a very large text.
    sent = {"Content-Type": "application/json", "User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers}
    try:
        with _session() as session:
            response = session.post(url, data=body.encode(), headers=sent, stream=True)
            with response:
                text = _beginning(response)
                seconds = time.monotonic() - started
                if seconds >= whole_seconds():  # The connection was cut, so the answer may be incomplete.
                    return Answer(seconds, sent, error=_too_slow())
                return Answer(seconds, sent, response.status_code, text)
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        seconds = time.monotonic() - started
        return Answer(seconds, sent, error=_explain(error, url, seconds))


def _session() -> HTTPSession:
    timeout = (CONNECT_SECONDS, float(settings.WEBHOOK_READ_TIMEOUT))
    config = Config(
        ip_filter_enable=True,
        ip_filter_allow_loopback_ips=False,
        never_redirect=True,
        default_timeout=timeout,
        user_agent_override=USER_AGENT,
    )
    session = HTTPSession(config)
    session.trust_env = False  # Use no proxies, and no passwords from a .netrc file.
    session.mount("http://", PublicAdapter(is_https_proto=False))
    session.mount("https://", PublicAdapter(is_https_proto=True))
    return session


def whole_seconds() -> float:
    """Return how many seconds a request may take from the connection to the last byte that is read."""
    return 2.0 * settings.WEBHOOK_READ_TIMEOUT


class FinalResponse(HTTPResponse):
    """Skip interim answers, such as 103 Early Hints, and return the final one (RFC 9110, section 15.2).

    Python itself skips only 100. We treat 101 as a final answer and a failure, because we never ask to
    switch protocols.
    """

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(MAX_INTERIM_ANSWERS):
            read: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]  # typeshed omits this private method.
            if not 100 <= read[1] < 200 or read[1] == HTTPStatus.SWITCHING_PROTOCOLS:
                return read
            parse_headers(self.fp)
        raise HTTPException(f"The receiver sent {MAX_INTERIM_ANSWERS} interim answers and no final one.")


class WatchedConnection(HTTPConnection):
    """Cut the connection after `whole_seconds`, because each byte from a slow receiver restarts the read timeout."""

    response_class = FinalResponse
    _watch: threading.Timer | None = None
    _watched: socket.socket

    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        self._watched = connected.dup()  # TLS takes over the original socket.
        self._watch = threading.Timer(whole_seconds(), _cut, [self._watched])
        self._watch.daemon = True
        self._watch.start()
        return connected

    def close(self) -> None:
        if self._watch:
            self._watch.cancel()
            self._watched.close()
            self._watch = None
        super().close()


class WatchedTLSConnection(WatchedConnection, HTTPSConnection):
    pass


class WatchedPool(HTTPConnectionPool):
    ConnectionCls = WatchedConnection


class WatchedTLSPool(HTTPSConnectionPool):
    ConnectionCls = WatchedTLSConnection


class PublicAdapter(IPFilterAdapter):  # type: ignore[misc]  # The library has no types.
    """Resolve the name once, refuse an address inside a network, and connect to exactly that address.

    Hosts that the operator allows are exempt. They are compared by the name that the HTTP client itself
    reads from the URL.
    """

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": WatchedPool, "https": WatchedTLSPool}

    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> Any:
        as_it_stands = HTTPAdapter.build_connection_pool_key_attributes(self, *args, **kwargs)
        if is_allowed(as_it_stands[0]["host"].strip("[]")):
            return as_it_stands
        host, pool = super().build_connection_pool_key_attributes(*args, **kwargs)
        address = ip_address(host["host"].strip("[]"))
        if not is_public(address):  # The library accepts some addresses that we refuse, such as Azure's metadata.
            raise InvalidIPAddress(address)
        return host, pool


def _cut(connection: socket.socket) -> None:
    with connection, contextlib.suppress(OSError):  # The connection may have ended by itself just now.
        connection.shutdown(socket.SHUT_RDWR)


def _beginning(response: requests.Response) -> str:
    try:
        read = response.raw.read(ANSWER_BYTES, decode_content=False)
    except (HTTPError, OSError) as error:  # The status has arrived, and only the status matters.
        return f"(The answer broke off: {type(error).__name__})"
    return bytes(read).decode(errors="replace").replace("\0", "\ufffd")  # PostgreSQL stores no NUL.


def _explain(error: Exception, url: str, seconds: float) -> str:
    if isinstance(error, InvalidIPAddress):
        return NOT_PUBLIC.format(host=f"{urlsplit(url).hostname} ({error})")
    if isinstance(error, requests.exceptions.SSLError):
        return f"The certificate of the receiver was not accepted: {_reason(error)}"[:200]
    if isinstance(error, requests.ConnectTimeout):
        return f"No connection within {CONNECT_SECONDS:.0f} seconds."
    if isinstance(error, requests.Timeout):
        return f"No answer within {settings.WEBHOOK_READ_TIMEOUT} seconds."
    if seconds >= whole_seconds():
        return _too_slow()
    if isinstance(error, requests.ConnectionError):
        return f"No connection: {_reason(error)}"[:200]
    return f"The request failed: {_reason(error)}"[:200]


def _too_slow() -> str:
    return f"The answer was not there in whole after {whole_seconds():.0f} seconds."


def _reason(error: BaseException) -> str:
    """Return the message of the original error, below the errors that libraries wrapped around it."""
    while below := error.__cause__ or error.__context__:
        error = below
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
