"""Run the operator's own TLS proxy on the machine, in front of the stack."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.compose.stack import SLOW, run
from tests.support.compose.visitor import signed_certificate
from tests.support.waiting import wait_until

CONFIGURATION = """
pid /tmp/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  server {
    listen 127.0.0.1:%(port)s ssl;
    ssl_certificate %(folder)s/fullchain.pem;
    ssl_certificate_key %(folder)s/privkey.pem;
    client_max_body_size 0;
    location / {
      proxy_pass http://127.0.0.1:%(behind)s;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}
"""


@contextmanager
def operator_proxy(folder: Path, port: int, behind: int) -> Iterator[None]:
    """Forward HTTPS on one local port to HTTP on another. Write the certificate to fullchain.pem in `folder`."""
    signed_certificate(str(folder))
    (folder / "nginx.conf").write_text(CONFIGURATION % {"port": port, "behind": behind, "folder": folder})
    name = f"rapport-test-proxy-{port}"
    container = ("docker", "run", "--detach", "--name", name, "--network", "host", "--volume", f"{folder}:{folder}:ro")
    run(*container, "nginx:1", "nginx", "-c", f"{folder}/nginx.conf", "-g", "daemon off;")
    try:
        wait_until(lambda: _listens(port), "the proxy listens", SLOW)
        yield
    finally:
        run("docker", "rm", "--force", name)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
