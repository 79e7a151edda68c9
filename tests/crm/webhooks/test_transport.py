"""Test where requests may go, how long they may take, and how much they may read."""

import socket
import ssl
import subprocess
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from pytest_django import Settings

from crm.webhooks.addresses import check_url, is_public
from crm.webhooks.transport import Answer, post
from tests.support.receiver import Behaviour, Handler, Receiver, answering

INSIDE = [
    "127.0.0.1",
    "127.1",
    "0.0.0.0",  # noqa: S104 - Linux connects to itself
    "2130706433",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "168.63.129.16",
    "192.0.0.192",
    "198.18.0.1",
    "192.88.99.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::a00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[2001:db8::1]",
    "[5f00::1]",
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"]


def try_to_post(url: str) -> Answer:
    return post(url, "{}", {})


@pytest.mark.parametrize("host", INSIDE)
def test_addresses_inside_are_refused_when_typed_and_when_connected_to(host: str, settings: Settings) -> None:
    with pytest.raises(ValidationError, match="public addresses only"):
        check_url(f"https://{host}/hook")
    answer = try_to_post(f"https://{host}/hook")
    assert answer.status is None
    assert answer.error.startswith("Webhooks go to public addresses only")


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))


def resolving_to(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Replace the name server by one that gives these answers in turn, and return the names it is asked for."""
    left, asked = list(answers), []

    def getaddrinfo(host: str, port: int | None, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (left.pop(0), port or 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_a_name_that_leads_inside_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    check_url("https://rebound.example/hook")
    resolving_to(monkeypatch, "169.254.169.254")
    assert "is inside a network" in try_to_post("https://rebound.example/hook").error


def test_a_name_that_changes_its_address_leads_nowhere_inside(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is public when it is checked and loopback later: the connection goes to the checked address."""
    connected: list[str] = []

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        connected.append(address[0])
        raise ConnectionRefusedError(111, "Connection refused")

    asked = resolving_to(monkeypatch, "8.8.8.8", "8.8.8.8", "127.0.0.1", "127.0.0.1")
    monkeypatch.setattr(socket.socket, "connect", connect)
    answer = try_to_post(f"http://rebound.example:{receiver.server_port}/hook")
    assert answer.error == "No connection: Connection refused"
    assert asked == ["rebound.example", "8.8.8.8"]  # the second is the checked address itself
    assert connected == ["8.8.8.8"]
    assert receiver.received == []


def test_the_environment_names_no_proxy(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTPS_PROXY", receiver.url)
    assert try_to_post(receiver.url).status == 200
    assert "public addresses only" in try_to_post("https://10.1.2.3/").error
    assert len(receiver.received) == 1


def test_only_hosts_that_the_operator_names_are_exempt(receiver: Receiver, settings: Settings) -> None:
    assert try_to_post(receiver.url).accepted
    settings.WEBHOOK_ALLOWED_HOSTS = ["localhost"]
    assert "public addresses only" in try_to_post(receiver.url).error
    assert try_to_post(receiver.url.replace("127.0.0.1", "localhost")).accepted


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("ftp://crm.example.com/", "no web address"),
        ("crm.example.com/hook", "no web address"),
        ("https:///hook", "no web address"),
        ("https://crm..example.com/", "no web address"),
        ("https://crm.example.com:0/", "no web address"),
        ("https://crm.example.com:99999/", "no web address"),
        ("https://[::1/", "no web address"),
        ("http://crm.example.com/", "begin with https"),
        ("https://sam:secret@crm.example.com/", "user name and password"),
        ("https://crm.example.com/#top", "follows the #"),
        ("https://crm.example.com/a b", "no spaces"),
        ("https://crm.example.com\\@10.0.0.1/", "no backslashes"),
        ("https://crm.example.com/\0", "plain characters"),
        ("https://localhost/", "inside a network"),
        ("https://LOCALHOST./", "inside a network"),
        ("https://metadata.google.internal/", "inside a network"),
        ("https://printer.local/", "inside a network"),
        (f"https://crm.example.com/{'a' * 500}", "longer than 500"),
    ],
)
def test_an_address_that_cannot_work_is_refused_at_once(url: str, complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        check_url(url)


@pytest.mark.parametrize(
    "url", ["https://crm.example.com/hook?a=1", "https://mylocal.example:8443", "https://8.8.8.8/"]
)
def test_public_web_addresses_are_accepted(url: str) -> None:
    check_url(url)


def test_a_silent_receiver_is_left(receiver: Receiver, settings: Settings) -> None:
    settings.WEBHOOK_READ_TIMEOUT = 1
    receiver.behaviour = lambda handler: handler.rfile.read(1)
    assert try_to_post(receiver.url).error == "No answer within 1 seconds."


@pytest.mark.parametrize(
    "beginning", [b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"]
)
def test_a_receiver_that_answers_drop_by_drop_is_cut(receiver: Receiver, settings: Settings, beginning: bytes) -> None:
    settings.WEBHOOK_READ_TIMEOUT = 1

    def drip(handler: Handler) -> None:
        handler.wfile.write(beginning)
        while True:  # runs until the connection is cut
            handler.wfile.write(b"2")
            handler.server.drop.wait(0.2)

    receiver.behaviour = drip
    answer = try_to_post(receiver.url)
    assert answer.error == "The answer was not there in whole after 2 seconds."
    assert answer.seconds < 10


def test_of_a_long_answer_only_the_beginning_is_read(receiver: Receiver) -> None:
    def flood(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65536)

    receiver.behaviour = flood
    assert try_to_post(receiver.url).body == "x" * 2048


def test_a_broken_answer_is_a_failure_like_any_other(receiver: Receiver) -> None:
    receiver.behaviour = lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH\r\n")
    answer = try_to_post(receiver.url)
    assert not answer.accepted
    assert answer.error


def test_compressed_answers_are_not_unpacked(receiver: Receiver) -> None:
    receiver.behaviour = answering(200, b"\x1f\x8b\x08 not really", **{"Content-Encoding": "gzip"})
    answer = try_to_post(receiver.url)
    assert answer.accepted
    assert answer.body.endswith("not really")


@pytest.fixture
def own_certificate(tmp_path: Path) -> ssl.SSLContext:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost"
    subprocess.run([*command.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(
    receiver: Receiver, own_certificate: ssl.SSLContext
) -> None:
    receiver.socket = own_certificate.wrap_socket(receiver.socket, server_side=True)
    answer = try_to_post(receiver.url.replace("http:", "https:"))
    assert answer.error.startswith("The certificate of the receiver was not accepted: ")
    assert receiver.received == []


def after_interim_answers(*statuses: int) -> Behaviour:
    def behave(handler: Handler) -> None:
        for status in statuses:
            handler.wfile.write(f"HTTP/1.1 {status} Interim\r\nLink: </style.css>; rel=preload\r\n\r\n".encode())
        handler.answer(200, b"done")

    return behave


@pytest.mark.parametrize("interim", [(100,), (102,), (103,), (103, 103, 100), (199,)])
def test_interim_answers_are_skipped(receiver: Receiver, interim: tuple[int, ...]) -> None:
    receiver.behaviour = after_interim_answers(*interim)
    answer = try_to_post(receiver.url)
    assert (answer.status, answer.body, answer.error) == (200, "done", "")


def test_switching_protocols_is_no_interim_answer(receiver: Receiver) -> None:
    receiver.behaviour = after_interim_answers(101)
    answer = try_to_post(receiver.url)
    assert (answer.status, answer.accepted) == (101, False)


def test_interim_answers_without_an_end_are_a_failure(receiver: Receiver) -> None:
    receiver.behaviour = after_interim_answers(*[103] * 100)
    answer = try_to_post(receiver.url)
    assert answer.status is None
    assert "sent 20 interim answers and no final one" in answer.error
