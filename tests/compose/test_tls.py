"""Test HTTPS once certificates are in place."""

from pathlib import Path

import requests

from tests.support.compose.stack import Stack
from tests.support.compose.visitor import TIMEOUT, signed_certificate


def test_with_certificates_nginx_speaks_https(
    stack: Stack, operator_settings: Path, tmp_path: Path, site: str, ports: list[int]
) -> None:
    signed_certificate(str(tmp_path))
    tmp_path.chmod(0o755)  # pytest lets only its own user into its folders
    for pem in tmp_path.glob("*.pem"):
        pem.chmod(0o644)  # in production, only user 10001 may read the key
    with operator_settings.open("a") as file:
        file.write(f"CERTIFICATES={tmp_path}\n")
    stack.compose("up", "--detach", "--no-deps", "nginx")
    stack.wait_until_healthy("nginx")
    answer = requests.get(f"{site}/admin/login/", timeout=TIMEOUT, verify=str(tmp_path / "fullchain.pem"))
    assert answer.url == f"https://localhost:{ports[1]}/admin/login/"
    assert [step.status_code for step in answer.history] == [308]
    assert answer.ok
