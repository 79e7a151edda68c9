import numpy as np
import pytest

from ml.labels import Emotion
from training.figures.metrics import NO_ANSWER, format_table, measure

LABELS = np.array([0, 0, 0, 3, 3, 6])
PREDICTIONS = np.array([0, 0, 3, 3, 3, 0])


def test_counts_what_a_person_would() -> None:
    metrics = measure(LABELS, PREDICTIONS)
    assert metrics.images == 6
    assert metrics.accuracy == pytest.approx(4 / 6)
    angry, happy = metrics.classes[Emotion.ANGRY], metrics.classes[Emotion.HAPPY]
    assert (angry.images, angry.precision, angry.recall, angry.f1) == pytest.approx((3, 2 / 3, 2 / 3, 2 / 3))
    assert (happy.images, happy.precision, happy.recall, happy.f1) == pytest.approx((2, 2 / 3, 1, 0.8))


def test_the_confusion_matrix_has_labels_in_rows() -> None:
    confusion = np.array(measure(LABELS, PREDICTIONS).confusion)
    assert confusion[0, 3] == 1
    assert confusion[6, 0] == 1
    assert confusion.sum() == 6


def test_a_class_that_never_occurs_counts_as_zero() -> None:
    metrics = measure(LABELS, PREDICTIONS)
    disgust = metrics.classes[Emotion.DISGUST]
    assert (disgust.images, disgust.precision, disgust.recall, disgust.f1) == (0, 0, 0, 0)
    assert metrics.macro_f1 == pytest.approx((2 / 3 + 0.8) / 7)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="3 labels cannot be compared with 2"):
        measure(np.array([1, 2, 3]), np.array([1, 2]))
    with pytest.raises(ValueError, match="0 labels"):
        measure(np.array([], dtype=np.int64), np.array([], dtype=np.int64))


def test_the_table_shows_every_class() -> None:
    table = format_table(measure(LABELS, PREDICTIONS))
    assert "6 images, accuracy 66.67%" in table
    assert all(table.count(emotion) == 3 for emotion in Emotion)


def test_an_image_without_an_answer_counts_as_wrong() -> None:
    metrics = measure(np.array([3, 3, 6]), np.array([3, NO_ANSWER, NO_ANSWER]))
    happy = metrics.classes[Emotion.HAPPY]
    assert metrics.accuracy == pytest.approx(1 / 3)
    assert (happy.images, happy.precision, happy.recall) == pytest.approx((2, 1, 0.5))
    assert np.array(metrics.confusion).sum() == 1
