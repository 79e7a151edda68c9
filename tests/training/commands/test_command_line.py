import subprocess
import sys
from pathlib import Path

import pytest

from training.__main__ import main


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["train", "--data", "fer2013.csv"],
        ["train", "--data", "fer2013.csv", "--run", "run", "--epochs", "0"],
        ["train", "--data", "fer2013.csv", "--run", "run", "--learning-rate", "nan"],
        ["train", "--data", "fer2013.csv", "--run", "run", "--architecture", "none"],
        ["train", "--data", "fer2013.csv", "--run", "run", "--mixup", "0"],
        ["train", "--data", "fer2013.csv", "--run", "run", "--seed", "-1"],
        ["train", "--data", "fer2013.csv", "--run", "run", "--seed", "4294967296"],
        ["train", "--data", "fer2013.csv", "--run", "run", "--seed", "1.5"],
        ["train", "--data", "fer2013.csv", "--run", "run", "--small-epochs", "-1"],
        ["evaluate", "--data", "fer2013.csv"],
        ["evaluate", "--data", "fer2013.csv", "--run", "run", "--model", "reference-cnn"],
        ["evaluate", "--data", "fer2013.csv", "--run", "run", "--split", "train"],
        ["export", "--data", "fer2013.csv", "--run", "run", "--name", "../elsewhere"],
        ["export", "--data", "fer2013.csv", "--run", "run", "--margin", "-1"],
        ["export", "--data", "fer2013.csv", "--run", "run", "--serve", "both"],
        ["evaluate", "--data", "fer2013.csv", "--run", "run", "--labels", "both"],
        ["calibrate-crop", "--model", "reference-cnn", "--photos", "photos", "--margins", "1,wide"],
        ["calibrate-crop", "--model", "reference-cnn", "--photos", "photos", "--margins", "0"],
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main(arguments)
    assert exited.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["train", "evaluate", "export"])
def test_help_shows_the_defaults(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main([command, "--help"])
    assert exited.value.code == 0
    assert "(var/cache)" in capsys.readouterr().out


def test_help_says_that_the_test_split_is_for_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "--help"])
    assert "once per released model" in " ".join(capsys.readouterr().out.split())


def test_missing_data_exits_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--model", "reference-cnn", "--data", str(tmp_path / "none.csv")]) == 1
    assert "There is no file" in capsys.readouterr().err


def test_scoring_a_released_model_needs_no_training_framework(csv: Path, release: Path) -> None:
    program = (
        "import sys; from training.__main__ import main;"
        f"status = main(['evaluate', '--model', {str(release)!r}, '--data', {str(csv)!r},"
        f" '--cache', {str(csv.parent / 'cache')!r}]);"
        "sys.exit(status or sum(name in sys.modules for name in ('keras', 'tensorflow', 'django')))"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
