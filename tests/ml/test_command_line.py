import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image

from ml.labels import EMOTIONS
from tests.support.photos import FACE, astronaut, encoded, overlap
from tests.support.yunet_file import yunet_like

SMALL = "reference-cnn"  # the name of the model in model_folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "astronaut.jpg").write_bytes(encoded(astronaut()))
    (folder / "coffee.png").write_bytes(encoded(Image.fromarray(skimage.data.coffee()), "PNG"))
    (folder / "letter.jpg").write_text("Dear customer")
    return folder


def run(*arguments: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ml", *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env)


def lines(result: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_prints_one_json_object_a_line(photos: Path, model_folder: Path) -> None:
    files = [photos / "astronaut.jpg", photos / "coffee.png"]
    result = run("analyse", *files, "--json", "--models", model_folder, "--model", SMALL)
    assert result.returncode == 0, result.stderr
    face_line, empty_line = lines(result)
    assert list(face_line) == ["file", "width", "height", "model", "detector", "ms", "faces"]
    assert face_line["file"] == str(files[0])
    assert list(face_line["ms"]) == ["decode", "detect", "classify"]
    (face,) = face_line["faces"]
    assert list(face) == ["box", "confidence", "landmarks", "scores", "dominant_emotion"]
    assert overlap(tuple(face["box"][key] for key in ("x", "y", "width", "height")), FACE) > 0.6
    assert list(face["scores"]) == [emotion.value for emotion in EMOTIONS]
    assert face["scores"][face["dominant_emotion"]] == max(face["scores"].values())
    assert empty_line["faces"] == []


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8:strict", "latin-1:strict"])
def test_prints_names_that_are_no_text(encoding: str, as_json: bool, photos: Path, model_folder: Path) -> None:
    odd = photos / os.fsdecode(b"\xff \xe5\x9b\xb3.jpg")
    letter = photos / os.fsdecode(b"\xff letter.jpg")
    odd.write_bytes(encoded(astronaut()))
    letter.write_text("Dear customer")
    options: list[str | Path] = [
        "--models",
        model_folder,
        "--model",
        SMALL,
        "--annotate",
        photos / "seen",
        *["--json"] * as_json,
    ]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    result = run("analyse", odd, letter, photos / "astronaut.jpg", *options, env=environment)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    if as_json:
        first, error, last = lines(result)
        assert (first["file"], error["file"]) == (str(odd), str(letter))
        assert last["faces"]
    else:
        assert r"\udcff" in result.stdout
        assert r"\udcff letter.jpg: The file is not a photo" in result.stderr
        assert result.stdout.count("1 face") == 2
    assert len(list((photos / "seen").iterdir())) == 2


def test_reports_errors_per_file_and_goes_on(photos: Path, model_folder: Path) -> None:
    files = [photos / "letter.jpg", photos / "gone.jpg", photos, photos / "astronaut.jpg"]
    result = run("analyse", *files, "--json", "--models", model_folder, "--model", SMALL)
    assert result.returncode == 1
    letter, gone, folder, good = lines(result)
    assert letter == {"file": str(files[0]), "error": letter["error"]}
    assert "Use JPEG" in letter["error"]
    assert gone["error"] == "No such file or directory."
    assert folder["error"] == "Is a directory."
    assert len(good["faces"]) == 1


def test_prints_for_people_without_json(photos: Path, model_folder: Path) -> None:
    names = ("astronaut.jpg", "coffee.png", "letter.jpg")
    result = run("analyse", *(photos / name for name in names), "--models", model_folder, "--model", SMALL)
    assert result.returncode == 1
    assert "512 x 512  1 face" in result.stdout
    assert "appears " in result.stdout
    assert "no face found" in result.stdout
    assert "letter.jpg: The file is not a photo" in result.stderr
    assert "Traceback" not in result.stderr


def test_annotates_copies_and_never_writes_over_a_file(photos: Path, model_folder: Path) -> None:
    source = photos / "astronaut.jpg"
    before = source.read_bytes()
    for _ in range(2):
        assert run("analyse", source, "--annotate", photos, "--models", model_folder, "--model", SMALL).returncode == 0
    assert source.read_bytes() == before
    copies = sorted(photos.glob("astronaut.annotated*"))
    assert len(copies) == 2
    assert copies[0].read_bytes() == copies[1].read_bytes()
    drawn, original = Image.open(copies[0]).convert("RGB"), astronaut()
    assert drawn.size == original.size
    pixels = np.asarray(drawn)
    yellow = np.count_nonzero((pixels[..., 0] > 200) & (pixels[..., 2] < 80))
    assert yellow > 500


@pytest.mark.parametrize("arguments", [(), ("analyse",), ("analyse", "x.jpg", "--threads", "0"), ("dance",)])
def test_wrong_usage_is_status_2(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert "usage:" in result.stderr


def test_a_missing_model_is_reported_in_one_clear_sentence(photos: Path, tmp_path: Path) -> None:
    result = run("analyse", photos / "astronaut.jpg", "--json", "--models", tmp_path / "none")
    assert result.returncode == 1
    assert result.stdout == ""
    assert "card.json cannot be read" in result.stderr
    assert "Traceback" not in result.stderr


def test_help_names_the_options() -> None:
    result = run("analyse", "--help")
    assert result.returncode == 0
    assert all(option in result.stdout for option in ("--json", "--annotate", "--model", "--threads", "Exit status"))


def test_detect_prints_boxes_landmarks_and_milliseconds(photos: Path) -> None:
    result = run("detect", photos / "astronaut.jpg", photos / "letter.jpg", "--json", "--annotate", photos / "out")
    assert result.returncode == 1
    found, letter = lines(result)
    assert list(found) == ["file", "width", "height", "detector", "ms", "faces"]
    assert list(found["ms"]) == ["decode", "detect"]
    (face,) = found["faces"]
    assert list(face) == ["box", "confidence", "landmarks"]
    assert overlap(tuple(face["box"][key] for key in ("x", "y", "width", "height")), FACE) > 0.6
    assert "Use JPEG" in letter["error"]
    assert [file.name for file in (photos / "out").iterdir()] == ["astronaut.annotated.jpg"]


def test_detect_takes_a_downloaded_detector_only_with_its_checksum(photos: Path) -> None:
    model = photos / "yunet.onnx"
    model.write_bytes(yunet_like())
    right = hashlib.sha256(model.read_bytes()).hexdigest()
    command = ("detect", photos / "coffee.png", "--json", "--detector-model", model)
    assert run(*command).returncode == 2
    refused = run(*command, "--detector-sha256", "0" * 64)
    assert refused.returncode == 1
    assert "is not the file that was named" in refused.stderr
    (found,) = lines(run(*command, "--detector-sha256", right))
    assert found["detector"] == "yunet"


@pytest.mark.parametrize("package", ["ml", "training"])
def test_a_reader_of_the_output_may_stop(package: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", package, "--help"]
    finished = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (finished.returncode, finished.stderr) == (-signal.SIGPIPE, b"")
