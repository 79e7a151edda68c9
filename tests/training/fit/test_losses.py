import keras
import numpy as np
import pytest

from training.config import TrainingConfig
from training.fit.compiling import compile_model, describe_loss
from training.fit.losses import SMALLEST_SHARE, AdjustedCrossentropy, measure_class_shares

SHARES = np.array([0.5, 0.3, 0.19, 0.01], np.float32)


def probabilities(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_the_loss_is_that_of_the_formula(strength: float) -> None:
    """log(1 + the sum over other classes of (share / the label's share) ** tau * e ** (logit - the label's logit))."""
    logits = np.random.default_rng(0).standard_normal((20, 4))
    labels = np.arange(20) % 4
    expected = [
        np.log(
            1
            + sum(
                (SHARES[other] / SHARES[label]) ** strength * np.exp(row[other] - row[label])
                for other in range(4)
                if other != label
            )
        )
        for row, label in zip(logits, labels, strict=True)
    ]
    loss = AdjustedCrossentropy(SHARES, strength)
    found = loss(np.eye(4, dtype=np.float32)[labels], probabilities(logits))
    assert float(found) == pytest.approx(np.mean(expected), rel=1e-4)


def test_soft_and_smoothed_labels_are_weighted_alike() -> None:
    answers = probabilities(np.random.default_rng(1).standard_normal((6, 4)))
    labels = probabilities(np.random.default_rng(2).standard_normal((6, 4)))
    raised = answers * SHARES
    raised /= raised.sum(axis=1, keepdims=True)
    smoothed = 0.9 * labels + 0.1 / 4
    expected = -(smoothed * np.log(raised)).sum(axis=1).mean()
    found = AdjustedCrossentropy(SHARES, 1.0, label_smoothing=0.1)(labels, answers)
    assert float(found) == pytest.approx(expected, rel=1e-4)


def test_equally_common_classes_change_nothing() -> None:
    answers = probabilities(np.random.default_rng(1).standard_normal((6, 4)))
    labels = np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0, 1]]
    adjusted = AdjustedCrossentropy(np.full(4, 0.25, np.float32), 1.0)(labels, answers)
    assert float(adjusted) == pytest.approx(float(keras.losses.CategoricalCrossentropy()(labels, answers)), rel=1e-4)


def test_shares_are_of_the_labelled_faces_and_a_class_without_any_stays_finite() -> None:
    target = np.array([[1, 0, 0], [0.5, 0.5, 0], [0, 0, 0], [1, 0, 0]], np.float32)
    shares = measure_class_shares(target)
    np.testing.assert_allclose(shares, [2.5 / 3, 0.5 / 3, 0], rtol=1e-6)
    loss = AdjustedCrossentropy(shares, 1.0)
    np.testing.assert_allclose(loss.raised_by[2], np.log(SMALLEST_SHARE), rtol=1e-5)


def test_a_network_learns_as_if_classes_were_equally_common() -> None:
    """Faces that say nothing: plain training learns the shares, adjusted training that all are alike."""
    labels = np.eye(4, dtype=np.float32)[np.repeat(np.arange(4), [50, 30, 19, 1])]
    faces = np.zeros((100, 1), np.float32)
    answers = {}
    for strength in (0.0, 1.0):
        face = keras.Input((1,))
        scores = keras.layers.Softmax(name="fer")(keras.layers.Dense(4)(face))
        network = keras.Model(face, {"fer": scores})
        config = TrainingConfig(logit_adjustment=strength, learning_rate=0.1, jit_compile=False)
        compile_model(network, config, 300, {"fer": measure_class_shares(labels)})
        network.fit(faces, {"fer": labels}, batch_size=100, epochs=300, verbose=0)
        answers[strength] = network.predict_on_batch(faces[:1])["fer"][0]
    np.testing.assert_allclose(answers[0.0], [0.5, 0.3, 0.19, 0.01], atol=0.01)
    np.testing.assert_allclose(answers[1.0], [0.25] * 4, atol=0.02)


def test_the_card_says_how_the_loss_is_adjusted() -> None:
    assert "raised by 0.5 times" in describe_loss(TrainingConfig(logit_adjustment=0.5))
    assert "raised" not in describe_loss(TrainingConfig())
