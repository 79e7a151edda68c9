"""Test which model is active, who activated it, and what follows from that."""

import json
from pathlib import Path

import pytest
from pytest_django import Settings

from crm.append_only import AppendOnly
from emotions.model_management.services import activate
from emotions.model_versions.services import active_model, model_before
from emotions.models import EmotionRecord, ModelActivation, ModelVersion, Reanalysis
from emotions.reanalyses.services import reanalyse_everything
from emotions.status.services import analysis_problem
from ml.errors import ModelUnavailable
from ml.registry import load_card
from tests.support.accounting import statuses
from tests.support.analysing import analyse
from tests.support.factories import SnapshotFactory, UserFactory
from tests.support.small_model import small_classifier, write_model
from tests.support.standing_still import Middle
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def models(settings: Settings, tmp_path: Path) -> Path:
    """Return a folder with two models: the one in the settings, and another."""
    settings.MODELS_DIR = tmp_path / "models"
    write_model(settings.MODELS_DIR / "reference-cnn", small_classifier())
    write_model(settings.MODELS_DIR / "other", small_classifier(scale=0.03))
    return tmp_path / "models"


def activated(folder: str, models: Path) -> ModelActivation | None:
    return activate(folder, load_card(folder, models).fingerprint, UserFactory())


def test_until_somebody_chooses_the_settings_name_the_model() -> None:
    assert (active_model().folder, model_before()) == ("reference-cnn", None)


def test_the_newest_activation_holds_and_says_who(models: Path) -> None:
    by = UserFactory()
    activate("other", load_card("other", models).fingerprint, by)
    activation = ModelActivation.objects.get()
    assert (activation.activated_by, activation.model_version.name) == (by, "other")
    assert active_model().folder == "other"
    assert activation.activated_at


def test_rolling_back_is_activating_the_one_before(models: Path) -> None:
    activated("other", models)
    before = model_before()
    assert before
    activate(before.folder, before.check().fingerprint, UserFactory())
    assert active_model().folder == "reference-cnn"
    back = model_before()
    assert back
    assert back.folder == "other"
    assert ModelActivation.objects.count() == 2


def test_the_active_one_again_changes_nothing(models: Path) -> None:
    activated("other", models)
    assert activated("other", models) is None
    assert ModelActivation.objects.count() == 1


def test_two_people_at_once_agree(models: Path) -> None:
    by, fingerprint = UserFactory(), load_card("other", models).fingerprint
    at_once(lambda: activate("other", fingerprint, by))
    assert active_model().folder == "other"
    before = model_before()
    assert before
    assert before.folder == "reference-cnn"
    assert ModelVersion.objects.count() == 1
    assert ModelActivation.objects.count() == 1


def test_altered_files_are_refused_and_nothing_changes(models: Path) -> None:
    card = load_card("other", models)
    (models / "other" / "model.onnx").write_bytes(b"!")
    with pytest.raises(ModelUnavailable, match="not the one that its card describes"):
        activate("other", card.fingerprint, UserFactory())
    assert not ModelActivation.objects.exists()
    assert not ModelVersion.objects.exists()


def test_files_that_changed_since_the_page_was_read_are_refused() -> None:
    with pytest.raises(ModelUnavailable, match="not the ones that the page showed"):
        activate("other", "0" * 64, UserFactory())
    assert active_model().folder == "reference-cnn"


def test_an_activation_cannot_be_changed_or_deleted(models: Path) -> None:
    activation = activated("other", models)
    assert activation
    for change in (activation.save, activation.delete, ModelActivation.objects.all().delete):
        with pytest.raises(AppendOnly):
            change()
    with pytest.raises(AppendOnly):
        ModelActivation.objects.update(folder="x")
    activation.activated_by.delete()  # type: ignore[union-attr]
    assert ModelActivation.objects.get().activated_by is None


def test_the_next_photo_is_analysed_by_the_model_activated_before_it(models: Path) -> None:
    analyse(SnapshotFactory().pk)
    activated("other", models)
    analyse(SnapshotFactory().pk)
    records = EmotionRecord.objects.order_by("pk").values_list("model_version__name", "snapshot__model_version__name")
    assert list(records) == [("reference-cnn", "reference-cnn"), ("other", "other")]


def test_photos_wait_while_the_active_model_is_unusable_and_no_other_answers(models: Path) -> None:
    analyse(SnapshotFactory().pk)
    activated("other", models)
    (models / "other" / "model.onnx").rename(models / "elsewhere")
    snapshot = SnapshotFactory()
    with pytest.raises(ModelUnavailable):
        analyse(snapshot.pk)
    assert statuses() == ["analysed", "pending"]
    assert "other/model.onnx cannot be read" in analysis_problem()
    activated("reference-cnn", models)
    analyse(snapshot.pk)
    assert statuses() == ["analysed", "analysed"]
    assert analysis_problem() == ""


def test_a_folder_whose_model_was_replaced_is_not_the_activated_one(models: Path) -> None:
    activated("other", models)
    (models / "other").rename(models / "older")
    write_model(models / "other", small_classifier(scale=0.05), version="2")
    assert "no longer holds the model that was activated, but other 2" in analysis_problem()
    with pytest.raises(ModelUnavailable):
        analyse(SnapshotFactory().pk)
    assert statuses() == ["pending"]


def test_a_photo_under_way_keeps_the_model_that_it_began_with(models: Path) -> None:
    snapshot = SnapshotFactory()
    middle = Middle(snapshot)
    activated("other", models)
    middle.go_on()
    records = EmotionRecord.objects.values_list("model_version__name", "snapshot__model_version__name")
    assert list(records) == [("reference-cnn", "reference-cnn")]


def recrop(folder: Path) -> None:
    """Change the preprocessing but keep name, version and weights, as `calibrate-crop --freeze` does."""
    card = json.loads((folder / "card.json").read_text())
    card["preprocessing"]["margin"] = 1.4
    (folder / "card.json").write_text(json.dumps(card))


def test_a_card_that_was_altered_is_not_the_activated_model(models: Path) -> None:
    activated("other", models)
    analyse(SnapshotFactory().pk)
    recrop(models / "other")
    with pytest.raises(ModelUnavailable, match="no longer holds the model that was activated"):
        analyse(SnapshotFactory().pk)  # this process still has the model loaded
    assert statuses() == ["analysed", "pending"]
    assert "no longer holds the model that was activated" in analysis_problem()


def test_of_the_settings_model_an_altered_card_makes_another_version(models: Path) -> None:
    analyse(SnapshotFactory().pk)
    recrop(models / "reference-cnn")
    analyse(SnapshotFactory().pk)
    first, second = EmotionRecord.objects.order_by("pk").select_related("model_version")
    assert first.model_version != second.model_version
    assert str(first.model_version) == str(second.model_version)
    assert reanalyse_everything(UserFactory(), only_missing=True).total == 1


def test_a_process_that_has_the_model_loaded_stops_too_when_its_files_are_altered(models: Path) -> None:
    analyse(SnapshotFactory().pk)
    (models / "reference-cnn" / "model.onnx").write_bytes(b"!")
    with pytest.raises(ModelUnavailable, match="not the one that its card describes"):
        analyse(SnapshotFactory().pk)
    assert statuses() == ["analysed", "pending"]


def test_a_link_that_leads_nowhere_stops_nothing(models: Path) -> None:
    (models / "reference-cnn" / "notes.txt").symlink_to(models / "gone")
    assert analysis_problem() == ""


def test_a_row_from_before_there_were_fingerprints_is_the_models_own(models: Path) -> None:
    card = load_card("other", models)
    earlier = ModelVersion.objects.create(name="other", version="1", sha256=card.sha256)
    ModelActivation.objects.create(model_version=earlier, folder="other")
    assert analysis_problem() == ""
    assert ModelVersion.objects.of(card) == earlier
    recrop(models / "other")
    assert "no longer holds the model" in analysis_problem()


def test_a_row_with_another_threshold_is_not(models: Path) -> None:
    card = load_card("other", models)
    earlier = ModelVersion.objects.create(name="other", version="1", sha256=card.sha256, uncertain_below=0.5)
    assert ModelVersion.objects.of(card) != earlier


def test_a_re_analysis_with_another_model_ends(models: Path) -> None:
    SnapshotFactory(analysed=True)
    run = reanalyse_everything(UserFactory(), only_missing=False)
    activated("other", models)
    run.refresh_from_db()
    assert (run.status, run.error) == (Reanalysis.Status.CANCELLED, "Another model was activated meanwhile.")
