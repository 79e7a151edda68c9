"""Use the site from outside: as a member of staff with a browser, and as a system with an API key."""

import re
from typing import Any
from uuid import uuid4

import requests

from tests.support.compose.stack import Stack, run

MAKE_KEY = """
from crm.models import ApiKey, Scope, User
key, secret = ApiKey.objects.create_key(
    name="Another CRM", user=User.objects.get(username="admin"), scopes=[*Scope.values]
)
print(secret)
"""
TIMEOUT = 120  # seconds: the machine may be busy


class Browser(requests.Session):
    """A browser that is logged in with the account that `create_first_account` made."""

    def __init__(self, site: str, stack: Stack) -> None:
        super().__init__()
        self._site = site
        told = stack.inside("web", "python", "manage.py", "create_first_account")
        user, password = re.search(r"user name (\S+), password (\S+)", told).groups()  # type: ignore[union-attr]
        answer = self.submit("/admin/login/", {"username": user, "password": password, "next": "/"})
        assert answer.url == f"{site}/admin/crm/customer/"

    def page(self, path: str) -> requests.Response:
        return self.get(f"{self._site}{path}", timeout=TIMEOUT)

    def submit(self, path: str, fields: dict[str, str], photos: list[bytes] | None = None) -> requests.Response:
        """Send the form of a page."""
        self.page(path).raise_for_status()
        files = [("photos", (f"{number}.jpg", photo)) for number, photo in enumerate(photos or [])]
        return self.post(
            f"{self._site}{path}",
            data={**fields, "csrfmiddlewaretoken": self.cookies["csrftoken"]},
            files=files or None,
            headers={"Referer": f"{self._site}{path}"},
            timeout=TIMEOUT,
        )


class System(requests.Session):
    """A system that uses the API with a key."""

    def __init__(self, site: str, stack: Stack) -> None:
        super().__init__()
        self._api = f"{site}/api/v1"
        secret = stack.inside("web", "python", "manage.py", "shell", "--verbosity", "0", "--command", MAKE_KEY)
        self.headers["Authorization"] = f"Bearer {secret.strip()}"

    def ask(self, path: str, **parameters: Any) -> Any:
        answer = self.get(f"{self._api}/{path}", params=parameters, timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.json()

    def photo(self, snapshot: str) -> bytes:
        answer = self.get(f"{self._api}/snapshots/{snapshot}/photo", timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.content

    def customer(self) -> str:
        """Create a customer and return its ID."""
        answer = self.post(f"{self._api}/customers", json={"name": "A. Customer"}, timeout=TIMEOUT)
        answer.raise_for_status()
        return str(answer.json()["id"])

    def upload(self, customer: str, photo: bytes, wait: int = 0) -> requests.Response:
        return self.post(
            f"{self._api}/snapshots",
            params={"wait": wait} if wait else {},
            data={"customer": customer, "kind": "visit", "consent_obtained_by": "in_person"},
            files={"photos": ("photo.jpg", photo)},
            headers={"Idempotency-Key": str(uuid4())},
            timeout=TIMEOUT,
        )


def signed_certificate(folder: str) -> None:
    """Create a self-signed certificate for localhost."""
    run(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
        *("-addext", "subjectAltName=DNS:localhost"),
        *("-keyout", f"{folder}/privkey.pem", "-out", f"{folder}/fullchain.pem"),
    )
