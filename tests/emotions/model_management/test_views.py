"""Test the pages for people who manage models."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from crm.consents.services import record_consent
from crm.models import User
from emotions.model_management import queries as model_pages
from emotions.model_management.services import activate
from emotions.model_versions.services import active_model
from emotions.models import EmotionRecord, ModelActivation, ModelVersion, Reanalysis
from emotions.reanalyses.services import reanalyse_customer, reanalyse_everything, reanalyse_snapshot
from ml.registry import load_card
from tests.support.broker import Queue
from tests.support.factories import EmotionRecordFactory, ModelVersionFactory, SnapshotFactory, UserFactory
from tests.support.small_model import small_classifier, write_model
from tests.support.workspace import browser_of, text_of

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def models(settings: Settings, tmp_path: Path) -> Path:
    settings.MODELS_DIR = tmp_path / "models"
    write_model(settings.MODELS_DIR / "reference-cnn", small_classifier())
    write_model(settings.MODELS_DIR / "other", small_classifier(scale=0.03), intended_use="For tests.")
    return tmp_path / "models"


@pytest.fixture
def manager() -> User:
    user: User = UserFactory(first_name="Kim", last_name="Lee")
    user.user_permissions.add(Permission.objects.get(codename="manage_models"))
    return user


@pytest.fixture
def workspace(manager: User) -> Client:
    return browser_of(manager)


def post_activation(workspace: Client, models: Path, folder: str) -> bytes:
    data = {"fingerprint": load_card(folder, models).fingerprint}
    return workspace.post(reverse("emotions:activate_model", args=[folder]), data, follow=True).content


def addresses() -> dict[str, str]:
    snapshot = SnapshotFactory(analysed=True)
    run = reanalyse_customer(snapshot.interaction.customer, UserFactory())
    return {
        "models": reverse("emotions:models"),
        "model": reverse("emotions:model", args=["other"]),
        "activate_model": reverse("emotions:activate_model", args=["other"]),
        "reanalyse": reverse("emotions:reanalyse"),
        "reanalysis": reverse("emotions:reanalysis", args=[run.uuid]),
        "stop_reanalysis": reverse("emotions:stop_reanalysis", args=[run.uuid]),
        "reanalyse_customer": reverse("emotions:reanalyse_customer", args=[snapshot.interaction.customer.uuid]),
        "reanalyse_snapshot": reverse("emotions:reanalyse_snapshot", args=[snapshot.uuid]),
    }


def test_without_the_right_nothing_of_this_is_open() -> None:
    browser = browser_of()
    for address in addresses().values():
        assert (browser.get(address).status_code, browser.post(address).status_code) == (403, 403)
    assert not ModelActivation.objects.exists()
    assert Reanalysis.objects.get().is_unfinished
    assert reverse("emotions:models").encode() not in browser.get(reverse("admin:crm_customer_changelist")).content


def test_nobody_else_is_let_in() -> None:
    for address in addresses().values():
        assert Client().post(address).headers["Location"].startswith(reverse("admin:login"))


def test_the_menu_offers_the_page_to_those_with_the_right(workspace: Client) -> None:
    assert reverse("emotions:models").encode() in workspace.get(reverse("admin:crm_customer_changelist")).content


def test_a_change_cannot_be_a_link(workspace: Client) -> None:
    found = addresses()
    for name in ("reanalyse", "stop_reanalysis", "reanalyse_customer", "reanalyse_snapshot"):
        assert workspace.get(found[name]).status_code == 405


def test_forms_need_their_token(manager: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(manager)
    assert browser.post(reverse("emotions:activate_model", args=["other"])).status_code == 403


def test_the_list_shows_each_model_and_which_is_active(workspace: Client, models: Path) -> None:
    SnapshotFactory(analysed=True, model_version=ModelVersionFactory(name="lost", sha256="1" * 64))
    (models / "broken").mkdir()
    page = text_of(workspace.get(reverse("emotions:models")).content)
    assert "reference-cnn 1 Active" in page
    assert "other 1 Accuracy The card has no figures. Records made 0" in page
    assert "broken Cannot be used The model file" in page
    assert "lost 1: 1 record" in page
    assert "Roll back" not in page


def test_activating_is_asked_first_and_kept_with_the_name(workspace: Client, models: Path) -> None:
    question = workspace.get(reverse("emotions:activate_model", args=["other"]))
    assert "Let other 1 analyse every new photo?" in text_of(question.content)
    assert active_model().folder == "reference-cnn"
    page = text_of(post_activation(workspace, models, "other"))
    assert "other 1 is active now" in page
    assert "other 1 Active" in page
    assert "other 1 Kim Lee" in page
    assert "Roll back to reference-cnn 1" in page


def test_two_clicks_activate_once(workspace: Client, models: Path) -> None:
    post_activation(workspace, models, "other")
    assert "other 1 was active already" in text_of(post_activation(workspace, models, "other"))
    assert ModelActivation.objects.count() == 1


def test_a_model_with_altered_files_is_refused_and_says_why(workspace: Client, models: Path) -> None:
    (models / "other" / "model.onnx").write_bytes(b"!")
    question = workspace.get(reverse("emotions:activate_model", args=["other"]))
    assert "other cannot be activated The model file" in text_of(question.content)
    assert b'type="submit">Activate' not in question.content
    assert "Nothing was changed. The model file" in text_of(post_activation(workspace, models, "other"))
    assert active_model().folder == "reference-cnn"


def test_there_is_no_way_back_to_a_model_whose_files_are_gone(workspace: Client, models: Path) -> None:
    post_activation(workspace, models, "other")
    (models / "reference-cnn").rename(models.parent / "away")
    page = text_of(workspace.get(reverse("emotions:models")).content)
    assert "Roll back" not in page
    assert "reference-cnn" not in page or "no way back" in page


@pytest.mark.parametrize("folder", ["nowhere", "..", "Wrong Name", "%2e%2e"])
def test_what_is_no_model_is_not_found(workspace: Client, folder: str) -> None:
    assert workspace.get(f"/admin/models/{folder}/").status_code == 404


def test_the_card_is_shown_with_its_matrix(workspace: Client, settings: Settings) -> None:
    settings.MODELS_DIR = settings.BASE_DIR / "ml" / "models"
    page = workspace.get(reverse("emotions:model", args=["reference-cnn"])).content
    assert "Intended use Showing staff of a CRM" in text_of(page)
    assert "Must not be used for watching employees" in text_of(page)
    assert "happy 2% 15 0% 1 2% 20 86% 751" in text_of(page)
    assert page.count(b"rp-heat__cell--right") == 28  # seven in each of four matrices
    assert b"style=" not in page.split(b"rp-heat", 1)[1].split(b"</table>", 1)[0]


def test_a_re_analysis_starts_and_shows_how_far_it_is(workspace: Client, queue: Queue) -> None:
    SnapshotFactory(analysed=True)
    answer = workspace.post(reverse("emotions:reanalyse"), {"scope": "all"})
    run = Reanalysis.objects.get()
    address = reverse("emotions:reanalysis", args=[run.uuid])
    assert (run.scope, answer.headers["Location"]) == ("all", address)
    page = workspace.get(address)
    assert "Running: 0 of 1 photo" in text_of(page.content)
    assert b'hx-trigger="every 1s"' in page.content
    assert workspace.get(f"{address}?state=running-0", headers=HTMX).status_code == 204
    Reanalysis.objects.update(done=1)
    Reanalysis.objects.all().end("done")
    news = workspace.get(f"{address}?state=running-0", headers=HTMX).content
    assert "Finished: 1 of 1 photo" in text_of(news)
    assert b"hx-trigger" not in news
    assert b"hx-swap-oob" in news


def test_a_customer_s_and_a_snapshot_s_photos_can_be_analysed_again(workspace: Client, manager: User) -> None:
    snapshot = SnapshotFactory(analysed=True)
    workspace.post(reverse("emotions:reanalyse_customer", args=[snapshot.interaction.customer.uuid]))
    workspace.post(reverse("emotions:reanalyse_snapshot", args=[snapshot.uuid]))
    assert set(Reanalysis.objects.values_list("scope", "total", "started_by")) == {
        ("customer", 1, manager.pk),
        ("snapshot", 1, manager.pk),
    }


def test_a_colleague_s_customer_is_not_found(workspace: Client) -> None:
    snapshot = SnapshotFactory(analysed=True, interaction__customer__owner=UserFactory())
    customer = snapshot.interaction.customer
    assert workspace.post(reverse("emotions:reanalyse_customer", args=[customer.uuid])).status_code == 404
    assert workspace.post(reverse("emotions:reanalyse_snapshot", args=[snapshot.uuid])).status_code == 404
    run = reanalyse_customer(customer, UserFactory())
    assert customer.name not in text_of(workspace.get(reverse("emotions:reanalysis", args=[run.uuid])).content)


def test_where_there_is_nothing_to_do_no_run_starts(workspace: Client) -> None:
    snapshot = SnapshotFactory(analysed=True, model_version=ModelVersion.objects.of(active_model().check()))
    answer = workspace.post(reverse("emotions:reanalyse_snapshot", args=[snapshot.uuid]), follow=True)
    assert "all show the answer of reference-cnn 1" in text_of(answer.content)
    assert not Reanalysis.objects.exists()


def test_all_photos_while_another_run_goes_on_leads_there_and_says_so(workspace: Client) -> None:
    SnapshotFactory(analysed=True)
    run = reanalyse_everything(UserFactory(), only_missing=True)
    answer = workspace.post(reverse("emotions:reanalyse"), {"scope": "all"}, follow=True)
    assert answer.redirect_chain == [(reverse("emotions:reanalysis", args=[run.uuid]), 302)]
    assert "Another re-analysis of these photos is running." in text_of(answer.content)


def test_the_page_of_a_run_whose_photo_is_deleted_asks_no_more(workspace: Client) -> None:
    snapshot = SnapshotFactory(analysed=True)
    address = reverse("emotions:reanalysis", args=[reanalyse_snapshot(snapshot, UserFactory()).uuid])
    snapshot.delete()
    news = workspace.get(address, headers=HTMX)
    assert "because the photo or the customer was deleted" in text_of(news.content)
    assert b"hx-get" not in news.content
    assert workspace.get(address).status_code == 404


def test_stopping_says_so(workspace: Client) -> None:
    SnapshotFactory(analysed=True)
    run = reanalyse_everything(UserFactory(), only_missing=False)
    answer = workspace.post(reverse("emotions:stop_reanalysis", args=[run.uuid]), headers=HTMX)
    assert "Stopped: 0 of 1 photo 0% Somebody stopped it." in text_of(answer.content)
    without_scripts = workspace.post(reverse("emotions:stop_reanalysis", args=[run.uuid]))
    assert without_scripts.headers["Location"] == reverse("emotions:reanalysis", args=[run.uuid])


def test_without_the_model_no_run_starts_and_the_page_says_why(workspace: Client, models: Path) -> None:
    (models / "reference-cnn" / "model.onnx").unlink()
    answer = workspace.post(reverse("emotions:reanalyse"), {"scope": "all"}, follow=True)
    assert "No photo is analysed again. The model file" in text_of(answer.content)
    assert not Reanalysis.objects.exists()


def test_the_list_costs_the_same_however_much_there_is(workspace: Client, models: Path) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert workspace.get(reverse("emotions:models")).status_code == 200
        return len(captured)

    post_activation(workspace, models, "other")
    SnapshotFactory(analysed=True)
    queries()
    few = queries()
    for number in range(5):
        write_model(models / f"model-{number}", small_classifier())
        SnapshotFactory(analysed=True, model_version=ModelVersionFactory(name=f"lost-{number}"))
        activate(f"model-{number}", load_card(f"model-{number}", models).fingerprint, UserFactory())
        reanalyse_customer(SnapshotFactory(analysed=True).interaction.customer, UserFactory())
    assert EmotionRecord.objects.count() == 11
    assert queries() == few


def test_earlier_answers_for_the_customer_s_face_are_shown_as_history(workspace: Client) -> None:
    snapshot = SnapshotFactory(analysed=True)
    earlier = ModelVersionFactory(name="earlier")
    same = {"snapshot": snapshot, "model_version": earlier}
    EmotionRecordFactory(**same, face_index=1, is_subject=False, dominant_emotion="sad")
    # The subject comes after another face.
    EmotionRecordFactory(**same, face_index=0, dominant_emotion="angry", box_x=400)
    page = text_of(workspace.get(reverse("emotions:snapshot", args=[snapshot.uuid])).content)
    assert "Earlier answers (1) earlier, version 1," in page
    assert "appears sad, confidence 70%" in page
    assert "angry, confidence" not in page


def test_the_buttons_are_where_the_photos_are_for_those_with_the_right(workspace: Client) -> None:
    snapshot = SnapshotFactory(analysed=True)
    customer = snapshot.interaction.customer
    buttons = (
        reverse("emotions:reanalyse_customer", args=[customer.uuid]),
        reverse("emotions:reanalyse_snapshot", args=[snapshot.uuid]),
    )
    timeline = reverse("emotions:timeline", args=[customer.uuid])
    with_right, without = workspace.get(timeline).content.decode(), browser_of().get(timeline).content.decode()
    assert all(address in with_right for address in buttons)
    assert not any(address in without for address in buttons)


def test_answers_of_another_model_than_the_active_one_are_told_and_counted(workspace: Client, models: Path) -> None:
    snapshot = SnapshotFactory(analysed=True, model_version=ModelVersion.objects.of(load_card("reference-cnn", models)))
    timeline = reverse("emotions:timeline", args=[snapshot.interaction.customer.uuid])
    card = reverse("emotions:snapshot", args=[snapshot.uuid])
    said = "which is not the active model"
    assert said not in text_of(workspace.get(timeline).content) + text_of(workspace.get(card).content)
    assert "All photos show the answer of the active model" in text_of(
        workspace.get(reverse("emotions:models")).content
    )
    page = text_of(post_activation(workspace, models, "other"))
    assert "1 photo shows the answer of a model that is not active" in page
    assert said in text_of(workspace.get(card).content)
    assert said in (shown := text_of(workspace.get(timeline).content))
    assert "1 of these estimates is not by the active model" in shown


def test_no_more_photos_are_counted_than_the_page_tells(
    workspace: Client, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_pages, "MOST", 2)
    for _ in range(4):
        SnapshotFactory(analysed=True, model_version=ModelVersion.objects.of(load_card("reference-cnn", models)))
    assert "More than 2 photos show the answer" in text_of(post_activation(workspace, models, "other"))


def test_a_re_analysis_is_offered_only_while_the_consent_stands(workspace: Client) -> None:
    snapshot = SnapshotFactory(analysed=True)
    customer = snapshot.interaction.customer
    pages = (
        reverse("emotions:timeline", args=[customer.uuid]),
        reverse("emotions:snapshot", args=[snapshot.uuid]),
    )
    assert all("Re-analyse" in text_of(workspace.get(page).content) for page in pages)
    record_consent(customer, granted=False, obtained_by="written", recorded_by=UserFactory())
    assert not any("Re-analyse" in text_of(workspace.get(page).content) for page in pages)


def test_models_are_compared_by_the_same_labels(workspace: Client, settings: Settings) -> None:
    settings.MODELS_DIR = settings.BASE_DIR / "ml" / "models"
    page = text_of(workspace.get(reverse("emotions:models")).content)
    reference, residual = page.split("reference-cnn 1", 1)[1].split("residual 0", 1)
    assert re.search(r"Accuracy, FER-2013 labels \d\d\.\d% Accuracy, FER\+ labels not measured", reference)
    assert "Macro-F1, FER-2013 labels" in reference
    both = r"Accuracy, FER-2013 labels \d\d\.\d% Accuracy, FER\+ labels \d\d\.\d% Macro-F1, FER\+ labels"
    assert re.search(both, residual)
