"""Networks are compared on the validation split and on whole photos together."""

from pathlib import Path

import pytest

from ml.labels import Emotion
from tests.support.photos import astronaut, encoded
from training.__main__ import main
from training.data.fer2013 import load_fer2013
from training.errors import TrainingError
from training.release.choice import Candidate, compare_networks


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("happy-00", "disgust-00"):
        (folder / f"{name}.jpg").write_bytes(encoded(astronaut()))
    return folder


def test_both_count_the_same() -> None:
    on_faces = Candidate(Path("faces"), {"fer": 0.8, "ferplus": 0.9}, 0.5, 0.5)
    on_photos = Candidate(Path("photos"), {"fer": 0.7, "ferplus": 0.8}, 0.7, 0.6)
    assert on_faces.merit == pytest.approx(0.675)
    assert on_photos.merit == pytest.approx(0.7)


def test_runs_checkpoints_and_releases_are_compared(
    run_of_both: Path,
    release_of_both: Path,
    csv: Path,
    photos: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    checkpoint = tmp_path / "small"
    assert main(["checkpoint", "--run", str(run_of_both), "--out", str(checkpoint)]) == 0
    folders = [str(run_of_both), str(checkpoint), str(release_of_both)]
    data = ["--data", str(csv), "--votes", str(csv.parent / "votes.csv"), "--cache", str(csv.parent / "cache")]
    photo_options = ["--photos", str(photos), "--margins", "1.0", "--leave-out", "disgust"]
    assert main(["choose", *folders, *data, *photo_options]) == 0
    lines = capsys.readouterr().out.splitlines()
    of_folder = {line.split()[-1]: line.split()[:-1] for line in lines if line.split() and line.split()[-1] in folders}
    assert len(of_folder) == 3
    assert len({tuple(figures) for figures in of_folder.values()}) == 1  # the same network in three forms
    assert lines[-1].startswith("The best of both is ")


def test_photos_of_a_class_that_is_left_out_do_not_count(run_of_both: Path, csv: Path, photos: Path) -> None:
    """Both photos show the same face, so one of the two is right at most."""
    data = load_fer2013(csv, csv.parent / "cache", csv.parent / "votes.csv")
    (all_photos,) = compare_networks([run_of_both], data, photos, [1.0], [])
    (without,) = compare_networks([run_of_both], data, photos, [1.0], [Emotion.DISGUST])
    assert all_photos.photos_accuracy <= 0.5
    assert without.photos_accuracy in (0, 0.5, 1)
    with pytest.raises(TrainingError, match="has no photos but those of disgust, happy"):
        compare_networks([run_of_both], data, photos, [1.0], [Emotion.DISGUST, Emotion.HAPPY])


def test_an_unknown_class_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["choose", "run", "--data", "x", "--photos", "y", "--leave-out", "joy"])
    assert "unknown: joy" in capsys.readouterr().err
