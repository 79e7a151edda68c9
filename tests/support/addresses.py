"""Read every address of the workspace from its URL patterns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import Group
from django.urls import get_resolver

from crm.models import ApiKey, Customer, Interaction, User, WebhookDelivery, WebhookEndpoint
from emotions.models import EmotionRecord, Reanalysis, Snapshot
from tests.support.factories import EmotionCorrectionFactory, ModelVersionFactory, UserFactory
from tests.support.webhooks import WebhookEndpointFactory

PLACE = re.compile(r"<(?:\w+:)?(\w+)>")


def make_rows(owner: User) -> None:
    """Create one row or more of each kind that has pages, all visible to this member of staff."""
    WebhookEndpointFactory(owner=owner)  # the endpoint comes first: the rows below send it messages
    Group.objects.create(name="Sales")
    UserFactory(is_superuser=True)
    EmotionCorrectionFactory(record__snapshot__interaction__customer__source="shop")
    ApiKey.objects.create_key(name="Shop", user=owner, scopes=["customers:read"])
    Reanalysis.objects.create(scope=Reanalysis.Scope.ALL, model_version=ModelVersionFactory(), total=1, last=1)


def patterns() -> list[str]:
    """Return patterns such as "admin/customers/<uuid:public_id>/", each once, without those that log out."""
    found = dict.fromkeys(_patterns(get_resolver().url_patterns, ""))
    return [each for each in found if each.startswith("admin/") and "(?P<" not in each and "logout" not in each]


def address_of(pattern: str) -> str:
    """Fill the parameters of the pattern with rows of the database."""
    return "/" + PLACE.sub(lambda place: str(_value(pattern, place[1])), pattern)


def api_address_of(path: str) -> str:
    """Fill the parameters of a path in the API's description."""
    section = path.removeprefix("/api/v1/").split("/")[0]
    models: dict[str, Any] = {
        "customers": Customer,
        "interactions": Interaction,
        "records": EmotionRecord,
        "snapshots": Snapshot,
    }
    model = models.get(section, WebhookEndpoint)
    return re.sub(r"{\w*id}", lambda place: str(model.objects.latest("pk").uuid), path)


def _patterns(listed: Any, before: str) -> Iterator[str]:
    for each in listed:
        pattern = before + str(each.pattern)
        if hasattr(each, "url_patterns"):
            yield from _patterns(each.url_patterns, pattern)
        else:
            yield pattern


def _value(pattern: str, place: str) -> Any:
    section = pattern.removeprefix("admin/").split("/")[0]
    if place == "public_id":
        model = {"customers": Customer, "snapshots": Snapshot, "re-analyses": Reanalysis}[section]
        return model.objects.latest("pk").uuid  # type: ignore[attr-defined]  # only models with a uuid come here
    if place == "record_id":
        return EmotionRecord.objects.latest("pk").pk
    if place == "folder":
        return "reference-cnn"
    if place == "prefix":
        return ApiKey.objects.latest("created").prefix
    models: dict[str, Any] = {
        "apikey": ApiKey,
        "group": Group,
        "interaction": Interaction,
        "snapshot": Snapshot,
        "user": User,
        "webhookdelivery": WebhookDelivery,
        "webhookendpoint": WebhookEndpoint,
    }
    return models.get(pattern.split("/")[2], Customer).objects.latest("pk").pk
