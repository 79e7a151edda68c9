"""Check that the address of a list reveals nothing that the page does not show."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse

from crm.models import ApiKey, User, WebhookEndpoint
from crm.workspace.admin import LOOKUPS_OF_FILTERS
from tests.support.factories import EmotionCorrectionFactory, UserFactory
from tests.support.webhooks import WebhookEndpointFactory
from tests.support.workspace import text_of

pytestmark = pytest.mark.django_db

PAGES = pytest.mark.parametrize("pages", admin.site._registry.values(), ids=lambda pages: pages.opts.model_name)
LOOKUPS = ("regex", "iregex", "startswith", "istartswith", "endswith", "contains", "icontains", "in", "range", "gt")


def address_of(pages: ModelAdmin[Model]) -> str:
    return reverse(f"admin:{pages.opts.app_label}_{pages.opts.model_name}_changelist")


def rows() -> None:
    """Create rows of each kind, so that every filter offers a choice."""
    WebhookEndpointFactory()  # the endpoint comes first: the rows below send it messages
    EmotionCorrectionFactory(record__snapshot__interaction__customer__source="shop")
    EmotionCorrectionFactory(record__snapshot__interaction__customer__owner=UserFactory())
    ApiKey.objects.create_key(name="Shop", user=UserFactory(), scopes=["customers:read"])


def lookups_of(model: type[Model]) -> list[str]:
    """Return lookups of the model's fields, and some of related models' fields."""
    found = []
    for field in model._meta.get_fields():
        found += [f"{field.name}__{lookup}" for lookup in LOOKUPS]
        if field.is_relation and isinstance(field.related_model, type):
            found += [f"{field.name}__{deeper.name}__regex" for deeper in field.related_model._meta.get_fields()]
    return found


@PAGES
def test_no_field_can_be_searched_through_the_address(admin_client: Client, pages: ModelAdmin[Model]) -> None:
    refused = {
        lookup: admin_client.get(address_of(pages), {lookup: "a"}).status_code == 400
        for lookup in lookups_of(pages.model)
    }
    assert [lookup for lookup, was_refused in refused.items() if not was_refused] == []


@pytest.mark.parametrize(
    ("model", "query"),
    [
        (WebhookEndpoint, "secret=whsec_"),
        (WebhookEndpoint, "owner__password__startswith=pbkdf2"),
        (User, "password__startswith=pbkdf2"),
        (User, "api_keys__hashed_key__startswith=a"),
        (User, "email=a@example.com"),
        (ApiKey, "hashed_key=a"),
        (ApiKey, "id=a"),
    ],
)
def test_secrets_cannot_be_compared_either(admin_client: Client, model: type[Model], query: str) -> None:
    assert admin_client.get(f"{address_of(admin.site._registry[model])}?{query}").status_code == 400


@PAGES
def test_every_link_of_the_filters_works(admin_client: Client, pages: ModelAdmin[Model]) -> None:
    rows()
    page = admin_client.get(address_of(pages)).content.decode()
    links = {unescape(link) for link in re.findall(r'href="(\?[^"]+)"', page)}
    assert bool(links) or not pages.list_filter
    for link in links:
        answer = admin_client.get(address_of(pages) + link)
        assert (link, answer.status_code) == (link, 200)


def test_the_status_page_leads_to_failed_photos(admin_client: Client) -> None:
    query = {"status__exact": "failed", "finished_at__gte": "2026-11-01T10:00:00+01:00"}
    answer = admin_client.get("/admin/emotions/snapshot/", query)
    assert answer.status_code == 200
    assert "0 snapshots" in text_of(answer.content)


@PAGES
@pytest.mark.parametrize("value", ["9" * 23, "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_values_that_no_row_can_have_are_not_errors(
    admin_client: Client, rf: RequestFactory, admin_user: User, pages: ModelAdmin[Model], value: str
) -> None:
    request = rf.get("/")
    request.user = admin_user
    filters: Any = pages.get_list_filter(request)
    fields = [given if isinstance(given, str) else given[0] for given in filters]
    for lookup in (field + end for field in fields for end in LOOKUPS_OF_FILTERS):
        answer = admin_client.get(address_of(pages), {lookup: value})
        assert (lookup, answer.status_code) in ((lookup, 200), (lookup, 302))


@PAGES
def test_no_row_has_an_address_with_nul(admin_client: Client, pages: ModelAdmin[Model]) -> None:
    for page in ("change", "history", "delete"):
        answer = admin_client.get(f"{address_of(pages)}%00/{page}/", follow=True)
        assert (page, answer.status_code) in ((page, 200), (page, 403), (page, 404))
    assert admin_client.get("/admin/crm/apikey/%00/revoke/").status_code == 404


@pytest.mark.parametrize("model", ["consent", "interaction"])
def test_no_customer_is_offered_for_nul(admin_client: Client, model: str) -> None:
    rows()
    query = {"app_label": "crm", "model_name": model, "field_name": "customer", "term": "\0"}
    answer = admin_client.get("/admin/autocomplete/", query)
    assert (answer.status_code, answer.json()["results"]) == (200, [])
