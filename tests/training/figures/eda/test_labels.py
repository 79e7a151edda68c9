"""What the report computes, against cases worked out by hand."""

import numpy as np
import pytest

from ml.labels import EMOTIONS, Emotion
from training.data.duplicates import Pairs
from training.data.votes import Votes
from training.figures.eda.agreement import count_agreement
from training.figures.eda.copies import group_copies
from training.figures.eda.hardest import find_contradicted_by_neighbours, find_contradicted_by_votes, measure_division
from training.figures.eda.neighbours import Neighbours, find_neighbours

ANGRY, HAPPY, SAD, NEUTRAL = (
    EMOTIONS.index(each) for each in (Emotion.ANGRY, Emotion.HAPPY, Emotion.SAD, Emotion.NEUTRAL)
)


def votes(*rows: dict[int, int]) -> Votes:
    """Ten columns a row: the seven emotions, contempt, unknown, no face."""
    counts = np.zeros((len(rows), 10), np.uint8)
    for row, of_face in enumerate(rows):
        for column, count in of_face.items():
            counts[row, column] = count
    return Votes(counts)


def test_agreement_is_counted_by_label_and_majority() -> None:
    seen = votes({HAPPY: 10}, {HAPPY: 6, SAD: 4}, {HAPPY: 5, SAD: 5}, {NEUTRAL: 9, 8: 1})
    matrix = count_agreement(np.array([HAPPY, SAD, SAD, SAD]), seen.majority())
    expected = np.zeros((7, 8), int)
    expected[HAPPY, HAPPY] = 1
    expected[SAD, [HAPPY, NEUTRAL, 7]] = 1
    assert (matrix == expected).all()


def test_division_is_the_entropy_of_the_votes() -> None:
    assert measure_division(
        votes({HAPPY: 10}, {HAPPY: 5, SAD: 5}, {0: 2, 1: 2, 2: 2, 3: 2, 8: 2}, {})
    ) == pytest.approx([0, 1, np.log2(5), 0])


def test_clear_votes_for_another_class_contradict_a_label() -> None:
    seen = votes({HAPPY: 8, SAD: 2}, {HAPPY: 10}, {HAPPY: 7, SAD: 3}, {SAD: 10}, {8: 10})
    rows, other = find_contradicted_by_votes(np.array([SAD] * 5), seen)
    assert rows.tolist() == [1, 0]  # the clearest first
    assert other.tolist() == [HAPPY, HAPPY]


def test_neighbours_of_one_other_label_contradict_a_label() -> None:
    labels = np.array([SAD, HAPPY, HAPPY, HAPPY, ANGRY])
    index = np.array([[1, 2, 3], [2, 3, 0], [1, 3, 0], [1, 2, 0], [0, 1, 2]])
    rows, other = find_contradicted_by_neighbours(labels, Neighbours(index, np.ones(index.shape)))
    assert rows.tolist() == [0]
    assert other.tolist() == [HAPPY]


def test_chains_of_pairs_are_one_photo() -> None:
    pairs = Pairs(np.array([0, 2, 4]), np.array([2, 5, 6]), np.zeros(3, bool), np.ones(3, np.float32))
    groups = group_copies(pairs, 7)
    assert groups[0] == groups[2] == groups[5]
    assert groups[4] == groups[6] != groups[0]
    assert len(set(groups)) == 4


def test_a_face_is_not_its_own_neighbour_even_among_copies() -> None:
    faces = np.random.default_rng(1).integers(0, 256, (6, 48, 48)).astype(np.uint8)
    faces[1:5] = faces[0]
    neighbours = find_neighbours(faces, count=2)
    assert neighbours.index.shape == (6, 2)
    assert (neighbours.index != np.arange(6)[:, np.newaxis]).all()
    assert neighbours.distance[5].min() > neighbours.distance[0].max()
