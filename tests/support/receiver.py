"""Play another system that receives webhooks, with a real HTTP server in a thread."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def payload(self) -> dict[str, Any]:
        payload: dict[str, Any] = json.loads(self.body)
        return payload

    def verify(self, secret: str) -> dict[str, Any]:
        """Verify a webhook as an integrator does. Raises WebhookVerificationError."""
        payload: dict[str, Any] = Webhook(secret).verify(self.body, self.headers)
        return payload


Behaviour = Callable[["Handler"], object]


class Handler(BaseHTTPRequestHandler):
    server: "Receiver"
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(Received(self.path, dict(self.headers), body))
        self.server.behaviour(self)

    do_GET = do_POST

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Receiver(ThreadingHTTPServer):
    """A receiver that answers 200 until a test says otherwise: `receiver.behaviour = answering(500)`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.received: list[Received] = []
        self.drop = threading.Event()  # set when the server stops, to end slow handlers
        self.behaviour: Behaviour = answering(200)
        self.url = f"http://127.0.0.1:{self.server_port}/hook"
        threading.Thread(target=self.serve_forever, daemon=True, kwargs={"poll_interval": 0.05}).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors: they mean that the other side cut the connection."""

    def stop(self) -> None:
        self.drop.set()
        self.shutdown()
        self.server_close()

    @property
    def types(self) -> list[str]:
        return [each.payload["type"] for each in self.received]


def answering(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    return lambda handler: handler.answer(status, body, **headers)


def answering_in_turn(*statuses: int) -> Behaviour:
    """Give these answers in turn, and repeat the last one for ever."""
    left = list(statuses)

    def behave(handler: Handler) -> None:
        handler.answer(left.pop(0) if len(left) > 1 else left[0])

    return behave
