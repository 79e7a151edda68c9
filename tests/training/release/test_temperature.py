import keras
import numpy as np
import pytest

from ml.types import Scores
from tests.support.training import tiny
from training.figures.confidence import measure_confidence
from training.release.temperature import apply_temperatures, fit_temperature, temper_scores
from training.release.threshold import choose_threshold


def softmax(logits: np.ndarray) -> Scores:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores: Scores = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return scores


@pytest.fixture(scope="module")
def logits() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 1.5, (4000, 7))


@pytest.fixture(scope="module")
def labels(logits: np.ndarray) -> np.ndarray:
    """Drawn from the logits' own probabilities, so that temperature 1 is the honest one."""
    random = np.random.default_rng(2)
    return np.array([random.choice(7, p=row / row.sum()) for row in softmax(logits).astype(float)])


@pytest.mark.parametrize("too_sure", [0.5, 1.0, 3.0])
def test_finds_the_temperature_by_which_logits_are_too_large(
    logits: np.ndarray, labels: np.ndarray, too_sure: float
) -> None:
    assert fit_temperature((labels, softmax(logits * too_sure))) == pytest.approx(too_sure, rel=0.07)


def test_the_temperature_makes_confidence_honest_and_changes_no_answer(logits: np.ndarray, labels: np.ndarray) -> None:
    sure = softmax(logits * 3)
    honest = temper_scores(sure, fit_temperature((labels, sure)))
    assert measure_confidence(labels, sure).calibration_error > 0.15
    assert measure_confidence(labels, honest).calibration_error < 0.03
    np.testing.assert_array_equal(honest.argmax(axis=1), sure.argmax(axis=1))


def test_tempering_scores_is_dividing_logits(logits: np.ndarray) -> None:
    np.testing.assert_allclose(temper_scores(softmax(logits), 2.0), softmax(logits / 2), atol=1e-5)


def test_temperatures_are_put_into_the_network(tiny_architecture: None) -> None:
    from training.fit.architectures import ARCHITECTURES

    network = ARCHITECTURES[tiny.POOLED](("fer", "ferplus"), 7)
    faces = np.random.default_rng(5).normal(0, 1, (3, 48, 48, 1)).astype(np.float32)
    before = network.predict_on_batch(faces)
    apply_temperatures(network, {"fer": 2.0, "ferplus": 0.5})
    after = network.predict_on_batch(faces)
    np.testing.assert_allclose(after["fer"], temper_scores(before["fer"], 2.0), atol=1e-5)
    np.testing.assert_allclose(after["ferplus"], temper_scores(before["ferplus"], 0.5), atol=1e-5)
    assert isinstance(network, keras.Model)


def answers(*groups: tuple[float, int, int]) -> tuple[np.ndarray, Scores]:
    """Groups of (confidence, right, wrong) answers, all of them class 0."""
    labels, rows = [], []
    for confidence, right, wrong in groups:
        labels += [0] * right + [1] * wrong
        rows += [[confidence, *[(1 - confidence) / 6] * 6]] * (right + wrong)
    return np.array(labels), np.array(rows, np.float32)


def test_an_answer_that_is_more_often_wrong_than_right_is_uncertain() -> None:
    assert choose_threshold(*answers((0.9, 90, 10), (0.4, 4, 6))) == 0.5


def test_the_threshold_rises_until_three_of_four_are_right() -> None:
    # All from 0.5 on: 70 of 100 right. From 0.61 on: 60 of 80.
    assert choose_threshold(*answers((0.8, 60, 20), (0.605, 10, 10))) == 0.61


def test_at_least_six_of_ten_faces_are_answered_however_wrong() -> None:
    assert choose_threshold(*answers((0.9, 30, 0), (0.605, 10, 20), (0.35, 10, 30))) == 0.6
