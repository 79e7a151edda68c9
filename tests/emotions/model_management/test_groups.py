"""The report by group on a model's page: whole, damaged, of another model, or none."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from ml.labels import EMOTIONS
from ml.registry import load_card
from tests.support.factories import UserFactory
from tests.support.small_model import small_classifier, write_model
from tests.support.workspace import browser_of, text_of

pytestmark = pytest.mark.django_db
TITLE = "By group, on your own photos"


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.MODELS_DIR = tmp_path / "models"
    write_model(tmp_path / "models" / "other", small_classifier())
    return tmp_path / "models" / "other"


@pytest.fixture
def browser() -> Client:
    manager = UserFactory()
    manager.user_permissions.add(Permission.objects.get(codename="manage_models"))
    return browser_of(manager)


def page_of(browser: Client) -> str:
    answer = browser.get(reverse("emotions:model", args=["other"]))
    assert answer.status_code == 200
    return text_of(answer.content)


def report_of(folder: Path) -> dict[str, Any]:
    share = {"right": 8, "of": 10, "share": 0.8, "low": 0.4902, "high": 0.9433}
    classes: dict[str, Any] = {emotion: {"recall": None, "instead": {}} for emotion in EMOTIONS}
    classes["happy"] = {"recall": share, "instead": {"neutral": 2}}
    group = {"name": "<b>old</b>", "photos": 11, "without_face": 1, "accuracy": share, "classes": classes}
    return {
        "format": 1,
        "model": "other@1",
        "fingerprint": load_card(folder.name, folder.parent).fingerprint,
        "date": "2026-11-30",
        "photos": 11,
        "without_face": 1,
        "columns": [{"name": "age", "groups": [group], "differences": ["old differs."]}],
    }


def test_a_report_is_shown_with_intervals(browser: Client, folder: Path) -> None:
    (folder / "groups.json").write_text(json.dumps(report_of(folder)))
    page = page_of(browser)
    assert f"{TITLE} other@1, 11 photos, 1 without a found face, measured on 2026-11-30" in page
    assert "80% (49 to 94%)" in page
    assert "8 of 10; instead: neutral 2" in page
    assert "old differs." in page


def test_without_a_report_nothing_is_said(browser: Client, folder: Path) -> None:
    assert TITLE not in page_of(browser)


def test_a_report_of_another_model_is_not_shown(browser: Client, folder: Path) -> None:
    (folder / "groups.json").write_text(json.dumps(report_of(folder) | {"fingerprint": "0" * 64}))
    page = page_of(browser)
    assert "is of another model or another version" in page
    assert "80%" not in page


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"columns": None},
        {"columns": [{}]},
        {"photos": -1},
        {"model": "\ud800"},
        {"columns": [{"name": "age", "groups": [{"name": 1}], "differences": []}]},
    ],
)
def test_a_damaged_report_is_named(browser: Client, folder: Path, change: dict[str, Any]) -> None:
    (folder / "groups.json").write_text(json.dumps(report_of(folder) | change))
    assert "(groups.json) is damaged" in page_of(browser)


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"[" * 100_000, b"{}", b" " * 1_000_001])
def test_what_is_no_report_is_named(browser: Client, folder: Path, content: bytes) -> None:
    (folder / "groups.json").write_bytes(content)
    assert "(groups.json) is damaged" in page_of(browser)


@pytest.mark.parametrize("share", [float("nan"), float("inf"), 2, -1, "x"])
def test_impossible_shares_are_damage(browser: Client, folder: Path, share: object) -> None:
    report = report_of(folder)
    report["columns"][0]["groups"][0]["accuracy"]["share"] = share
    (folder / "groups.json").write_text(json.dumps(report))
    assert "(groups.json) is damaged" in page_of(browser)
