"""Test forms of pages that arrive in part: nothing is saved, however the rest was lost."""

from collections.abc import Callable, Iterator

import pytest
import requests
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from crm.models import Customer, Interaction
from emotions.models import Snapshot
from tests.support.deployment import Deployment
from tests.support.factories import CustomerFactory, UserFactory, face_photo
from tests.support.nginx import nginx

pytestmark = pytest.mark.parametrize("broker", ["files"], indirect=True)
BOUNDARY = "a-boundary"
REFERENCE = "9f5dd6a4-2cd4-4e0a-8a7f-6a4f2f1f6a01"
CLOSING = f"--{BOUNDARY}--\r\n".encode()
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


class Browser(requests.Session):
    """The browser of a member of staff who is logged in."""

    def __init__(self, site: str) -> None:
        super().__init__()
        self._site = site
        self.get(f"{site}/admin/login/", timeout=30)
        user = UserFactory()
        # The site does not accept the tests' fast hasher.
        user.password = PBKDF2PasswordHasher().encode("password", "salt", 1000)
        user.save()
        entered = {"username": user.username, "password": "password", "next": "/"}
        token = {"csrfmiddlewaretoken": self.cookies["csrftoken"]}
        answer = self.post(f"{site}/admin/login/", entered | token, timeout=30)
        assert answer.url == f"{site}/admin/crm/customer/"

    def submit(self, customer: Customer, form: bytes | Iterator[bytes], **headers: str) -> requests.Response:
        """Send the log form as its script does, with the header that says it comes from the page."""
        sent = FORM | {"X-CSRFToken": self.cookies["csrftoken"], **headers}
        address = f"{self._site}/admin/customers/{customer.uuid}/log/"
        return self.post(address, form, headers=sent, timeout=30, allow_redirects=False)


@pytest.fixture(params=["gunicorn", "nginx"])
def staff(deployment: Deployment, request: pytest.FixtureRequest) -> Iterator[Browser]:
    web = deployment.web(processes=1, DEBUG="true")
    if request.param == "gunicorn":
        yield Browser(web)
        return
    with nginx(web) as site:
        yield Browser(site)


def form() -> bytes:
    fields = {"uuid": REFERENCE, "kind": "visit", "occurred_at": "2026-01-02T10:00"}
    parts = [f'name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    parts += [f'name="photos"; filename="{number}.jpg"\r\n\r\n'.encode() + face_photo(number) for number in (1, 2)]
    parts.append(b'name="notes"\r\n\r\nWants the larger flat')
    return b"".join(f"--{BOUNDARY}\r\nContent-Disposition: form-data; ".encode() + part + b"\r\n" for part in parts)


def at_once(content: bytes) -> bytes:
    return content


def in_chunks(content: bytes) -> Iterator[bytes]:
    return (content[start : start + 1000] for start in range(0, len(content), 1000))


@pytest.mark.parametrize("sent", [at_once, in_chunks])
def test_a_form_without_its_closing_boundary_saves_nothing(
    staff: Browser, sent: Callable[[bytes], bytes | Iterator[bytes]]
) -> None:
    customer = CustomerFactory()
    whole = form()
    for part in (whole, whole + CLOSING[:-4], whole[:-9], whole[: whole.index(b'name="notes"') + 20], whole[:3000]):
        answer = staff.submit(customer, sent(part))
        assert answer.status_code == 400, len(part)
        assert not Interaction.objects.exists(), len(part)
    answer = staff.submit(customer, sent(whole + CLOSING))
    assert answer.headers["Location"].endswith(f"#interaction-{REFERENCE}"), answer.text
    assert Interaction.objects.get().notes == "Wants the larger flat"
    assert Snapshot.objects.count() == 2


def test_the_page_says_that_the_form_did_not_arrive_whole(staff: Browser) -> None:
    answer = staff.submit(CustomerFactory(), form(), Accept="text/html")
    assert "The form did not arrive whole" in answer.text
    assert "nothing was saved. Go back and send it again." in answer.text
