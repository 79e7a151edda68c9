import numpy as np
import pytest

from ml.types import Scores
from training.figures.confidence import measure_confidence, risk_coverage


def scores(*answers: tuple[int, float]) -> Scores:
    """Rows of seven scores: the answer's class has the given confidence, the others share the rest."""
    rows = np.empty((len(answers), 7), np.float32)
    for row, (answer, confidence) in zip(rows, answers, strict=True):
        row[:] = (1 - confidence) / 6
        row[answer] = confidence
    return rows


# Confidences 0.9 twice (one right), 0.6 (right), 0.3 (wrong).
LABELS = np.array([0, 1, 2, 3])
SCORES = scores((0, 0.9), (0, 0.9), (2, 0.6), (0, 0.3))


def test_the_calibration_error_is_the_one_computed_by_hand() -> None:
    # In fifteenths 0.9 is in bin 14 (0.5 right), 0.6 in bin 9 or 10 (all right), 0.3 in bin 5 (none right).
    by_hand = (2 * abs(0.5 - 0.9) + 1 * abs(1 - 0.6) + 1 * abs(0 - 0.3)) / 4
    assert measure_confidence(LABELS, SCORES).calibration_error == pytest.approx(by_hand, abs=1e-6)


def test_honest_confidence_has_no_error() -> None:
    labels = np.array([0] * 8 + [1] * 2)
    assert measure_confidence(labels, scores(*[(0, 0.8)] * 10)).calibration_error == pytest.approx(0, abs=1e-6)


def test_the_bins_count_every_face_once() -> None:
    bins = measure_confidence(LABELS, SCORES).reliability
    assert len(bins) == 15
    assert sum(each.faces for each in bins) == 4
    of_two = next(each for each in bins if each.faces == 2)
    assert (of_two.above, of_two.confidence, of_two.accuracy) == pytest.approx((13 / 15, 0.9, 0.5))


def test_certain_answers_are_in_the_last_bin() -> None:
    bins = measure_confidence(np.array([0, 0]), scores((0, 1.0), (1, 1.0))).reliability
    assert (bins[-1].faces, bins[-1].accuracy) == (2, 0.5)


def test_a_threshold_trades_answers_for_right_ones() -> None:
    points = risk_coverage(LABELS, SCORES, np.array([0.0, 0.5, 0.7, 0.95]))
    assert [point.answered for point in points] == [1, 0.75, 0.5, 0]
    assert [point.right for point in points] == [0.5, pytest.approx(2 / 3), 0.5, None]


def test_an_answer_at_the_threshold_itself_counts() -> None:
    assert risk_coverage(np.array([0]), scores((0, 0.5)), np.array([0.5]))[0].answered == 1


def test_the_published_curve_goes_from_all_to_none() -> None:
    curve = measure_confidence(LABELS, SCORES).risk_coverage
    assert [curve[0].threshold, curve[-1].threshold] == [0, 1]
    answered = [point.answered for point in curve]
    assert answered == sorted(answered, reverse=True)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="4 labels cannot be compared with 1"):
        measure_confidence(LABELS, SCORES[:1])
