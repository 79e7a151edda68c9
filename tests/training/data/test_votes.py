from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support.training import tiny
from training.data.fer2013 import load_fer2013
from training.data.votes import NO_MAJORITY, Votes, read_votes
from training.errors import TrainingError

ANGRY, HAPPY, NEUTRAL = 0, 3, 6


def votes(**counts: int) -> Votes:
    columns = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "contempt", "unknown", "no_face"]
    return Votes(np.array([[counts.get(column, 0) for column in columns]], np.uint8))


def test_votes_divide_among_the_seven_emotions() -> None:
    shares = votes(happy=6, neutral=2, contempt=2).shares()
    assert shares[0, [HAPPY, NEUTRAL]].tolist() == [0.75, 0.25]
    assert shares.sum() == 1


def test_what_one_person_only_saw_does_not_count() -> None:
    assert votes(happy=9, sad=1).shares()[0, HAPPY] == 1
    assert votes(happy=1, sad=1, no_face=8).shares().sum() == 0


@pytest.mark.parametrize(
    ("seen", "majority"),
    [
        ({"angry": 6, "sad": 4}, ANGRY),
        ({"angry": 5, "sad": 5}, NO_MAJORITY),
        ({"angry": 4, "sad": 3, "neutral": 3}, NO_MAJORITY),
        ({"angry": 5, "sad": 4, "neutral": 1}, ANGRY),
        ({"contempt": 8, "angry": 2}, NO_MAJORITY),
        ({"no_face": 10}, NO_MAJORITY),
        ({}, NO_MAJORITY),
    ],
)
def test_a_majority_is_more_than_half_of_the_votes_that_count(seen: dict[str, int], majority: int) -> None:
    assert votes(**seen).majority().tolist() == [majority]


def test_a_label_alone_counts_as_unanimous() -> None:
    unanimous = Votes.unanimous(np.array([HAPPY, ANGRY]))
    assert unanimous.majority().tolist() == [HAPPY, ANGRY]
    np.testing.assert_array_equal(unanimous.shares(), np.eye(7)[[HAPPY, ANGRY]])


def test_each_split_has_the_votes_of_its_own_images(csv: Path) -> None:
    data = load_fer2013(csv, csv.parent / "cache", csv.parent / "votes.csv")
    for split in data.splits.values():
        expected = split.labels.copy()
        expected[2] = NO_MAJORITY  # see tiny.write_votes
        assert split.labels_by("ferplus").tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("PublicTest", "Training", "has other rows than the faces' file"),
        ("contempt", "other", "has no column contempt"),
        (",8,", ",-8,", "line 2: a number of votes is not 0..255"),
        (",8,", ",many,", "line 2: a number of votes is not 0..255"),
    ],
)
def test_a_wrong_file_is_refused(csv: Path, tmp_path: Path, before: str, after: str, message: str) -> None:
    spoilt = tmp_path / "votes.csv"
    spoilt.write_text((csv.parent / "votes.csv").read_text().replace(before, after, 1))
    with pytest.raises(TrainingError, match=message):
        load_fer2013(csv, csv.parent / "cache", spoilt)


def test_a_file_that_is_missing_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="There is no file"):
        read_votes(tmp_path / "none.csv", pd.Series(["Training"]))
    with pytest.raises(TrainingError, match="cannot be read"):
        read_votes(tmp_path, pd.Series(["Training"]))  # a folder
    (tmp_path / "empty.csv").touch()
    with pytest.raises(TrainingError, match="cannot be read"):
        read_votes(tmp_path / "empty.csv", pd.Series(["Training"]))


def test_the_votes_of_fewer_rows_are_refused(csv: Path, tmp_path: Path) -> None:
    fewer = tiny.write_votes(tmp_path / "votes.csv")
    fewer.write_text("\n".join(fewer.read_text().splitlines()[:-1]))
    with pytest.raises(TrainingError, match="has other rows"):
        load_fer2013(csv, csv.parent / "cache", fewer)
