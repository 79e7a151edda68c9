"""Test that corrected faces leave the CRM for training only if the customer and the operator agreed."""

import csv
from pathlib import Path
from typing import Any

import cv2
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from crm.models import Consent
from emotions.models import EmotionRecord
from ml.labels import EMOTIONS, Emotion
from tests.support.factories import ConsentFactory, EmotionCorrectionFactory, EmotionRecordFactory, ModelVersionFactory
from training.data.folders import load_folder

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("released_model", "allowed")]
TRAINING = Consent.Scope.MODEL_TRAINING


@pytest.fixture
def allowed(settings: Settings) -> None:
    settings.EXPORT_CORRECTIONS = True


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "exports" / "today"


def corrected(emotion: str = "sad", *, training: bool = True, **record: Any) -> EmotionRecord:
    """Create a corrected happy face, of a customer who agreed to its use for training."""
    correction = EmotionCorrectionFactory(
        emotion=emotion, **{f"record__{name}": value for name, value in record.items()}
    )
    found: EmotionRecord = correction.record
    if training:
        ConsentFactory(customer=found.snapshot.interaction.customer, scope=TRAINING)
    return found


def export(out: Path) -> list[dict[str, str]]:
    call_command("export_corrections", out=out)
    with (out / "manifest.csv").open(newline="") as manifest:
        return list(csv.DictReader(manifest))


def test_a_face_lies_in_the_folder_of_what_was_said(out: Path) -> None:
    record = corrected()
    (row,) = export(out)
    assert (row["emotion"], row["model_emotion"], row["model_confidence"]) == ("sad", "happy", "0.7000")
    assert (row["model"], row["model_version"]) == ("reference-cnn", "1")
    assert row["captured_month"] == f"{record.snapshot.captured_at:%Y-%m}"
    face = cv2.imread(str(out / row["file"]), cv2.IMREAD_UNCHANGED)
    assert Path(row["file"]).parent.name == "sad"
    assert face is not None
    assert face.shape == (48, 48)
    assert face.std() > 10


def test_the_exported_faces_can_be_trained_on(out: Path, tmp_path: Path) -> None:
    for _ in range(10):
        corrected("sad")
    export(out / "train")
    faces = load_folder(out, tmp_path / "cache")
    splits = {name: sorted(split.labels.tolist()) for name, split in faces.splits.items()}
    assert splits == {"train": [EMOTIONS.index(Emotion.SAD)] * 9, "validation": [EMOTIONS.index(Emotion.SAD)]}


def test_nothing_leads_back_to_the_customer(out: Path) -> None:
    record = corrected()
    export(out)
    written = " ".join(str(file.relative_to(out)) for file in out.rglob("*")) + (out / "manifest.csv").read_text()
    customer = record.snapshot.interaction.customer
    for secret in (customer.name, customer.email, str(customer.uuid), str(record.snapshot.uuid), "IMG_0001"):
        assert secret not in written


def test_only_of_customers_who_agree_to_it_at_present(out: Path) -> None:
    kept = corrected(dominant_emotion="fear")
    corrected(training=False)
    for scope in (TRAINING, Consent.Scope.EMOTION_ANALYSIS):
        ConsentFactory(customer=corrected().snapshot.interaction.customer, scope=scope, granted=False)
    assert [row["model_emotion"] for row in export(out)] == [kept.dominant_emotion]


def test_only_the_customers_own_face_once_whatever_models_saw_it(out: Path) -> None:
    record = corrected()
    EmotionCorrectionFactory(record__snapshot=record.snapshot, record__face_index=1)
    EmotionRecordFactory(
        snapshot=record.snapshot, model_version=ModelVersionFactory(version="2"), correction=record.correction
    )
    EmotionRecordFactory(snapshot__interaction=record.snapshot.interaction)  # a face that nobody corrected
    assert len(export(out)) == 1


def test_a_photo_that_is_gone_is_left_out_and_counted(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corrected()
    Path(corrected().snapshot.file.path).unlink()
    Path(corrected().snapshot.file.path).write_bytes(b"broken")
    assert len(export(out)) == 1
    assert "2 more could not be exported" in capsys.readouterr().err


def test_it_is_off_until_the_operator_turns_it_on(settings: Settings, out: Path) -> None:
    settings.EXPORT_CORRECTIONS = False
    corrected()
    with pytest.raises(CommandError, match="set EXPORT_CORRECTIONS=true"):
        export(out)
    assert not out.parent.exists()


def test_a_folder_with_something_in_it_is_refused(out: Path) -> None:
    out.mkdir(parents=True)
    (out / "mine.txt").write_text("mine")
    with pytest.raises(CommandError, match="not an empty folder"):
        export(out)
    assert [file.name for file in out.parent.rglob("*")] == ["today", "mine.txt"]


def test_an_empty_folder_is_used(out: Path) -> None:
    out.mkdir(parents=True)
    corrected()
    assert len(export(out)) == 1


def test_a_failure_leaves_nothing_behind(out: Path) -> None:
    corrected()
    photo = Path(corrected().snapshot.file.path)
    photo.unlink()
    photo.mkdir()  # reading fails, but not because the file is missing
    with pytest.raises(CommandError, match="Nothing was exported"):
        export(out)
    assert list(out.parent.iterdir()) == []
