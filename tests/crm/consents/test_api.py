"""Check how other systems record consents."""

import pytest

from crm.models import Consent
from tests.support.api import System
from tests.support.factories import ConsentFactory, CustomerFactory

pytestmark = pytest.mark.django_db
CONSENTS = "/api/v1/consents"


def test_consent_is_recorded_and_withdrawn_but_never_changed() -> None:
    system, customer = System(), CustomerFactory(consenting=False)
    body = {"customer": str(customer.uuid), "granted": True, "obtained_by": "written"}
    given = system.send("POST", CONSENTS, body)
    assert given.status_code == 201
    assert given.json()["recorded_by"] == system.user.username
    assert Consent.objects.stands_for(customer, Consent.Scope.EMOTION_ANALYSIS)
    assert system.send("PATCH", given["Location"], {"granted": False}).status_code == 405
    assert system.send("DELETE", given["Location"]).status_code == 405
    assert system.send("POST", CONSENTS, body | {"granted": False}).status_code == 201
    assert not Consent.objects.stands_for(customer, Consent.Scope.EMOTION_ANALYSIS)


def test_a_consent_says_whether_it_is_given() -> None:
    ConsentFactory()
    body = {"customer": str(CustomerFactory().uuid), "obtained_by": "written"}
    answer = System().send("POST", CONSENTS, body)
    assert [(each["field"], each["code"]) for each in answer.json()["errors"]] == [("granted", "required")]


def training(granted: bool, **customer: object) -> dict[str, object]:
    return {"scope": "model_training", "granted": granted, "obtained_by": "written", **customer}


def test_training_is_granted_only_while_the_consent_to_analysis_stands() -> None:
    system, customer = System(), CustomerFactory(consenting=False)
    body = training(True, customer=str(customer.uuid))
    analysis = body | {"scope": "emotion_analysis"}
    missing = system.send("POST", CONSENTS, body)
    assert (missing.status_code, missing.json()["code"]) == (409, "consent_missing")
    assert system.send("POST", CONSENTS, analysis).status_code == 201
    assert system.send("POST", CONSENTS, body).status_code == 201
    system.send("POST", CONSENTS, analysis | {"granted": False})
    withdrawn = system.send("POST", CONSENTS, body)
    assert (withdrawn.status_code, withdrawn.json()["code"]) == (409, "consent_missing")
    assert not Consent.objects.stands_for(customer, Consent.Scope.MODEL_TRAINING)


def test_training_is_withdrawn_whatever_stands() -> None:
    customer = CustomerFactory(consenting=False)
    assert System().send("POST", CONSENTS, training(False, customer=str(customer.uuid))).status_code == 201
