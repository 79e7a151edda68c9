from pathlib import Path

import numpy as np
import pytest

from tests.support.training.disk import full_disk
from training.data.fer2013 import load_fer2013
from training.errors import TrainingError


@pytest.mark.parametrize("damage", ["cut", "emptied", "altered"])
def test_a_damaged_cache_is_noticed_and_built_again(
    csv: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], damage: str
) -> None:
    cache = tmp_path / "cache"
    before = load_fer2013(csv, cache)
    (file,) = cache.iterdir()
    content = bytearray(file.read_bytes())
    if damage == "altered":
        content[len(content) // 2] ^= 0xFF
    file.write_bytes(content[: {"cut": len(content) // 2, "emptied": 0, "altered": len(content)}[damage]])

    again = load_fer2013(csv, cache)
    assert f"{file} is damaged. It is built again." in capfd.readouterr().err
    np.testing.assert_array_equal(again.splits["train"].faces, before.splits["train"].faces)

    load_fer2013(csv, cache)
    assert "damaged" not in capfd.readouterr().err


def test_a_full_disk_is_named_and_leaves_no_half_cache(csv: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with full_disk(10_000), pytest.raises(TrainingError, match=r"cannot be written .*Make room"):
        load_fer2013(csv, cache)
    assert not list(cache.iterdir())
    assert len(load_fer2013(csv, cache).splits["train"].labels) == 42


@pytest.mark.parametrize("content", ["other arrays", "one array"])
def test_a_cache_of_something_else_is_built_again(
    csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    cache = tmp_path / "cache"
    load_fer2013(csv, cache)
    (file,) = cache.iterdir()
    with file.open("wb") as opened:
        if content == "one array":
            np.save(opened, np.zeros(3))
        else:
            np.savez(opened, faces=np.zeros(3))
    assert len(load_fer2013(csv, cache).splits["train"].labels) == 42
    assert f"{file} is damaged. It is built again." in capsys.readouterr().err


def test_a_cache_below_a_file_is_refused(csv: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match=r"cannot be written .*name another folder with --cache"):
        load_fer2013(csv, tmp_path / "file" / "cache")
