"""The command for people who train: the CRM exports, in a process of its own."""

from pathlib import Path

import pytest

from tests.support.databases import on_sqlite
from tests.support.deployment import database_url
from tests.support.factories import ConsentFactory, EmotionCorrectionFactory
from training.__main__ import main


@pytest.fixture
def crm(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    transactional_db: None,
    media: Path,
    model_folder: Path,
) -> None:
    """The environment of a CRM whose database is the test's."""
    url = database_url(None if on_sqlite() else request.getfixturevalue("postgres"))
    for name, value in (("DATABASE_URL", url), ("MEDIA_ROOT", str(media)), ("MODELS_DIR", str(model_folder))):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "config.settings")


@pytest.mark.usefixtures("crm")
def test_the_crm_writes_the_faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPORT_CORRECTIONS", "true")
    correction = EmotionCorrectionFactory(emotion="fear")
    ConsentFactory(customer=correction.record.snapshot.interaction.customer, scope="model_training")
    assert main(["corrections-export", "--out", str(tmp_path / "faces")]) == 0
    assert len(list((tmp_path / "faces" / "fear").glob("*.png"))) == 1


@pytest.mark.usefixtures("crm")
def test_its_refusal_and_its_status_are_passed_on(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["corrections-export", "--out", str(tmp_path / "faces")])
    assert exited.value.code == 1
    assert "Exporting is off." in capfd.readouterr().err
    assert not (tmp_path / "faces").exists()
