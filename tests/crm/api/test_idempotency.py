from datetime import timedelta
from typing import Any

import pytest
import requests
from django.db import OperationalError, transaction
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer
from rest_framework.exceptions import NotFound, ParseError, PermissionDenied, Throttled, ValidationError

from crm.api.models import KEPT, InProgress
from crm.api.problems import Conflict
from crm.customers.api import CustomerSerializer
from crm.models import Consent, Customer, IdempotentRequest, Interaction, WebhookEndpoint
from crm.tasks import forget_old_requests
from tests.support.api import CUSTOMERS, System
from tests.support.factories import CustomerFactory, UserFactory
from tests.support.threads import at_once, in_thread

pytestmark = pytest.mark.django_db
ADA = {"name": "Ada"}


def test_the_same_request_again_gets_the_first_answer() -> None:
    system = System()
    first, second = (system.send("POST", CUSTOMERS, ADA, Idempotency_Key="k1") for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert first.get("Location") == second.get("Location")
    assert (first.get("Idempotent-Replay"), second["Idempotent-Replay"]) == (None, "true")
    assert Customer.objects.count() == 1


def test_without_a_key_each_request_counts() -> None:
    system = System()
    assert [system.send("POST", CUSTOMERS, ADA).status_code for _ in range(2)] == [201, 201]
    assert Customer.objects.count() == 2
    assert not IdempotentRequest.objects.exists()


@pytest.mark.parametrize(("path", "body"), [(CUSTOMERS, {"name": "Grace"}), ("/api/v1/interactions", ADA)])
def test_the_same_key_for_another_request_is_refused(path: str, body: Any) -> None:
    system = System()
    system.send("POST", CUSTOMERS, ADA, Idempotency_Key="k1")
    answer = system.send("POST", path, body, Idempotency_Key="k1")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert Customer.objects.count() == 1


def test_two_keys_of_one_member_of_staff_may_choose_the_same() -> None:
    user = UserFactory()
    systems = [System(user=user), System(user=user)]
    assert [each.send("POST", CUSTOMERS, ADA, Idempotency_Key="k1").status_code for each in systems] == [201, 201]
    assert Customer.objects.count() == 2


def test_a_refusal_is_not_kept() -> None:
    system = System()
    CustomerFactory(source="erp", external_id="7")
    taken = {"name": "Ada", "source": "erp", "external_id": "7"}
    assert system.send("POST", CUSTOMERS, taken, Idempotency_Key="k1").status_code == 409
    Customer.objects.all().delete()
    again = system.send("POST", CUSTOMERS, taken, Idempotency_Key="k1")
    assert (again.status_code, again.get("Idempotent-Replay")) == (201, None)
    assert system.send("POST", CUSTOMERS, taken, Idempotency_Key="k1")["Idempotent-Replay"] == "true"


def test_after_a_refusal_the_corrected_request_may_use_the_same_key() -> None:
    system = System()
    assert system.send("POST", CUSTOMERS, {"name": ""}, Idempotency_Key="k1").status_code == 400
    assert not IdempotentRequest.objects.exists()
    assert system.send("POST", CUSTOMERS, ADA, Idempotency_Key="k1").status_code == 201


def test_a_refusal_keeps_the_key_of_a_request_that_may_have_left_writes() -> None:
    user = UserFactory()
    IdempotentRequest.objects.claim(user, "", "k1", "print")
    IdempotentRequest.objects.update(lease_expires_at=timezone.now())  # as if the process had been killed
    again = IdempotentRequest.objects.claim(user, "", "k1", "print")
    made = again.derived_uuid("interaction")
    again.abandon(left_nothing=False)
    again = IdempotentRequest.objects.claim(user, "", "k1", "print")
    assert again.derived_uuid("interaction") == made
    again.abandon(left_nothing=True)  # the writes are one transaction, so nothing is left
    assert not IdempotentRequest.objects.exists()


ERRORS: dict[int, Exception] = {
    400: ParseError(),
    403: PermissionDenied(),
    404: NotFound(),
    409: Conflict(),
    422: ValidationError("That fits nothing.", "does_not_exist"),
    429: Throttled(),
    500: OSError("the disk is full"),
    503: OperationalError("the database is full"),
}


@pytest.mark.parametrize("status", ERRORS)
def test_whatever_is_no_success_frees_the_key_also_for_another_request_and_leaves_nothing(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = System()

    def store_and_fail(self: CustomerSerializer, **fields: Any) -> Customer:
        Customer.objects.create(name="half done")
        raise ERRORS[status]

    with monkeypatch.context() as broken:
        broken.setattr(CustomerSerializer, "save", store_and_fail)
        assert system.send("POST", CUSTOMERS, ADA, Idempotency_Key="k1").status_code == status
    assert not Customer.objects.exists()
    grace = {"name": "Grace"}
    assert system.send("POST", CUSTOMERS, grace, Idempotency_Key="k1").status_code == 201
    assert Customer.objects.get().name == "Grace"


def test_a_killed_request_holds_its_key_no_longer_than_its_lease() -> None:
    system = System()
    answer = system.send("POST", CUSTOMERS, ADA, Idempotency_Key="k1")
    Customer.objects.all().delete()  # as if its transaction had been rolled back
    killed = IdempotentRequest.objects.get()
    IdempotentRequest.objects.update(status_code=None)
    refused = system.send("POST", CUSTOMERS, ADA, Idempotency_Key="k1")
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_in_progress")
    assert refused["Retry-After"] == "1"
    IdempotentRequest.objects.update(lease_expires_at=timezone.now())
    assert system.send("POST", CUSTOMERS, ADA, Idempotency_Key="k1").status_code == answer.status_code
    assert Customer.objects.count() == 1
    killed.store(500, {}, "")  # as if the first process were only slow, not dead
    with pytest.raises(InProgress):
        killed.lock()
    assert IdempotentRequest.objects.get().status_code == 201


def test_a_key_is_kept_a_day() -> None:
    system = System()
    system.send("POST", CUSTOMERS, ADA, Idempotency_Key="k1")
    IdempotentRequest.objects.update(created_at=timezone.now() - KEPT + timedelta(minutes=1))
    assert system.send("POST", CUSTOMERS, ADA, Idempotency_Key="k1")["Idempotent-Replay"] == "true"
    IdempotentRequest.objects.update(created_at=timezone.now() - KEPT)
    assert "Idempotent-Replay" not in system.send("POST", CUSTOMERS, ADA, Idempotency_Key="k1")
    assert Customer.objects.count() == 2


def test_old_keys_are_forgotten() -> None:
    system = System()
    for key in ("old", "new"):
        system.send("POST", CUSTOMERS, ADA, Idempotency_Key=key)
    old, new = IdempotentRequest.objects.order_by("pk")
    IdempotentRequest.objects.filter(pk=old.pk).update(created_at=timezone.now() - KEPT)
    forget_old_requests()
    assert IdempotentRequest.objects.get() == new


@pytest.mark.parametrize("deleted", ["customers", "interactions"])
def test_what_was_deleted_is_neither_replayed_nor_made_again(deleted: str) -> None:
    system = System(user=UserFactory(is_superuser=True))
    customer = system.send("POST", CUSTOMERS, ADA, Idempotency_Key="k1").json()
    interaction = {"customer": customer["id"], "kind": "meeting", "notes": "Talked."}
    made = system.send("POST", "interactions", interaction, Idempotency_Key="k2").json()
    system.delete(f"{deleted}/{(customer if deleted == 'customers' else made)['id']}")
    again = system.send("POST", "interactions", interaction, Idempotency_Key="k2")
    assert (again.status_code, again.json()["code"]) == (404, "not_found")
    again = system.send("POST", CUSTOMERS, ADA, Idempotency_Key="k1")
    assert again.status_code == (404 if deleted == "customers" else 201)
    assert (Customer.objects.count(), Interaction.objects.count()) == (int(deleted != "customers"), 0)


def test_a_replay_needs_to_see_the_customer_still() -> None:
    system = System()
    mine = {**ADA, "owner": system.user.username}
    customer = system.send("POST", CUSTOMERS, mine, Idempotency_Key="k1").json()
    interaction = {"customer": customer["id"], "kind": "meeting"}
    assert system.send("POST", "interactions", interaction, Idempotency_Key="k2").status_code == 201
    Customer.objects.update(owner=UserFactory())
    assert system.send("POST", CUSTOMERS, mine, Idempotency_Key="k1").status_code == 404
    assert system.send("POST", "interactions", interaction, Idempotency_Key="k2").status_code == 404
    Customer.objects.update(owner=system.user)
    assert system.send("POST", CUSTOMERS, mine, Idempotency_Key="k1").json() == customer


def test_a_replay_of_many_customers_keeps_back_those_who_are_gone_or_out_of_reach() -> None:
    system = System()
    rows = [{"source": "erp", "external_id": str(each), "name": "Ada"} for each in range(3)]
    first = system.send("POST", f"{CUSTOMERS}/bulk", {"customers": rows}, Idempotency_Key="k1").json()["results"]
    Customer.objects.get(external_id="0").delete()
    Customer.objects.filter(external_id="1").update(owner=UserFactory())
    again = system.send("POST", f"{CUSTOMERS}/bulk", {"customers": rows}, Idempotency_Key="k1").json()["results"]
    assert [(each["status"], each["id"]) for each in again[:2]] == [("failed", None)] * 2
    assert again[2] == first[2]


def test_a_deleted_webhook_is_not_replayed_with_its_secret() -> None:
    system = System(user=UserFactory(is_superuser=True))
    hook = {"url": "https://example.com/hook", "events": ["customer.created"]}
    made = system.send("POST", "webhooks", hook, Idempotency_Key="k1").json()
    assert system.send("POST", "webhooks", hook, Idempotency_Key="k1").json() == made
    WebhookEndpoint.objects.get().delete()
    assert system.send("POST", "webhooks", hook, Idempotency_Key="k1").status_code == 404


def test_a_replay_needs_the_scope_still() -> None:
    system = System()
    system.send("POST", CUSTOMERS, ADA, Idempotency_Key="k1")
    system.key.scopes = ["customers:read"]
    system.key.save()
    assert system.send("POST", CUSTOMERS, ADA, Idempotency_Key="k1").status_code == 403


def test_consents_are_recorded_once() -> None:
    system, customer = System(), CustomerFactory(consenting=False)
    body = {"customer": str(customer.uuid), "granted": True, "obtained_by": "in_person"}
    answers = [system.send("POST", "/api/v1/consents", body, Idempotency_Key="k1") for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 201]
    assert Consent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_does_the_work(live_server: LiveServer) -> None:
    system = System()
    headers = {"Authorization": f"Bearer {system.secret}", "Idempotency-Key": "k1"}

    def post() -> requests.Response:
        return requests.post(live_server.url + CUSTOMERS, json=ADA, headers=headers, timeout=60)

    answers = at_once(post, times=4)
    assert {each.status_code for each in answers} <= {201, 409}
    assert {each.json()["code"] for each in answers if each.status_code == 409} <= {"idempotency_in_progress"}
    made = [each for each in answers if each.status_code == 201 and "Idempotent-Replay" not in each.headers]
    assert len(made) == 1
    assert Customer.objects.count() == 1
    assert post().json() == made[0].json()


@pytest.mark.django_db(transaction=True)
def test_one_that_is_slower_than_its_lease_is_waited_for() -> None:
    user = UserFactory()

    def claim() -> IdempotentRequest:
        return IdempotentRequest.objects.claim(user, "", "k1", "f" * 64)

    slow = claim()
    IdempotentRequest.objects.update(lease_expires_at=timezone.now())
    slow.refresh_from_db()
    with transaction.atomic():
        slow.lock()
        other = in_thread(claim)
        slow.store(201, {}, "{}")
    assert other.result().is_answered
