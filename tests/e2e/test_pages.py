"""Test every page on a desktop and on a phone, in light and in dark."""

import os
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from crm.models import User
from emotions.reanalyses.services import reanalyse_customer
from tests.support.factories import (
    CustomerFactory,
    EmotionCorrectionFactory,
    EmotionRecordFactory,
    ModelVersionFactory,
    SnapshotFactory,
    UserFactory,
)
from tests.support.site import Site, expect_fits

SIZES: dict[str, ViewportSize] = {
    "desktop": {"width": 1440, "height": 900},
    "phone": {"width": 390, "height": 844},
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits(
    site: Site, logged_in: Page, visited: list[str], complaints: list[str], size: str, scheme: Literal["light", "dark"]
) -> None:
    page = logged_in
    customer = CustomerFactory(name="Charlie Nowak", company="Nowak & Daughters")
    record = EmotionRecordFactory(snapshot__interaction__customer=customer)
    SnapshotFactory(interaction=record.snapshot.interaction, failed=True)
    SnapshotFactory(interaction=record.snapshot.interaction, no_face=True)
    careful = ModelVersionFactory(version="2", uncertain_below=0.5)
    unsure = {"dominant_emotion": "sad", "score_sad": 0.34, "score_neutral": 0.31, "score_happy": 0.15}
    for _ in range(2):
        EmotionRecordFactory(
            snapshot__interaction=record.snapshot.interaction, snapshot__model_version=careful, **unsure
        )
    EmotionCorrectionFactory(
        record__snapshot__interaction=record.snapshot.interaction, record__snapshot__model_version=careful
    )
    EmotionRecordFactory(snapshot=record.snapshot, model_version=careful, dominant_emotion="neutral")
    run = reanalyse_customer(customer, UserFactory())
    page.set_viewport_size(SIZES[size])
    page.emulate_media(color_scheme=scheme)
    own = f"{site.timeline(customer)}"
    pages = {
        "customers": f"{site.address}/admin/crm/customer/",
        "customer": f"{site.address}/admin/crm/customer/{customer.pk}/change/",
        "interactions": f"{site.address}/admin/crm/interaction/",
        "consents": f"{site.address}/admin/crm/consent/",
        "snapshots": f"{site.address}/admin/emotions/snapshot/",
        "timeline": own,
        "log": f"{own}log/",
        "consent": f"{own}consent/record/",
        "withdraw": f"{own}consent/withdraw/",
        "status": f"{site.address}/admin/status/",
        "models": f"{site.address}/admin/models/",
        "model": f"{site.address}/admin/models/reference-cnn/",
        "activate": f"{site.address}/admin/models/reference-cnn/activate/",
        "reanalysis": f"{site.address}/admin/re-analyses/{run.uuid}/",
        "training-consent": f"{own}consent/training/record/",
        "review": f"{site.address}/admin/review/",
        "agreement": f"{site.address}/admin/review/agreement/",
    }
    for name, address in pages.items():
        page.goto(address)
        expect_fits(page)
        if folder := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=Path(folder) / f"{name}-{size}-{scheme}.png", full_page=True)
    assert {address for address in visited if not address.startswith((site.address, "blob:", "data:"))} == set()
    assert complaints == []


def test_a_list_of_who_may_not_delete_does_not_call_the_name_a_record_to_select(
    site: Site, logged_in: Page, staff: User
) -> None:
    """Without actions, no checkbox stands before the name, and the theme would label the name as one."""
    staff.is_superuser = False
    staff.save()
    CustomerFactory()
    logged_in.set_viewport_size(SIZES["phone"])
    logged_in.goto(f"{site.address}/admin/crm/customer/")
    first = logged_in.locator(".result-list tbody tr > :first-child")
    expect(first).to_contain_text("Customer")
    assert first.evaluate("(cell) => getComputedStyle(cell, '::before').display") == "none"
