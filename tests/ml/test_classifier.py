from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.classifier import EmotionClassifier
from ml.errors import ModelUnavailable
from ml.registry import read_model
from tests.support.small_model import small_classifier


@pytest.fixture
def classifier(model_folder: Path) -> EmotionClassifier:
    card, weights = read_model("reference-cnn", model_folder)
    return EmotionClassifier(weights, card)


def faces(count: int) -> np.ndarray:
    return np.random.default_rng(3).normal(0, 1, (count, 48, 48, 1)).astype(np.float32)


def test_scores_are_probabilities(classifier: EmotionClassifier) -> None:
    scores = classifier.classify(faces(5))
    assert scores.shape == (5, 7)
    assert scores.min() >= 0
    assert scores.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_a_batch_gives_what_single_faces_give(classifier: EmotionClassifier) -> None:
    batch = faces(3)
    singly = np.concatenate([classifier.classify(batch[place : place + 1]) for place in range(3)])
    assert classifier.classify(batch) == pytest.approx(singly, abs=1e-6)


def test_an_empty_batch_gives_no_scores(classifier: EmotionClassifier) -> None:
    assert classifier.classify(faces(0)).shape == (0, 7)


def test_loads_from_a_path(model_folder: Path, classifier: EmotionClassifier) -> None:
    from_path = EmotionClassifier(model_folder / "reference-cnn" / "model.onnx", classifier.card)
    assert np.array_equal(from_path.classify(faces(2)), classifier.classify(faces(2)))


@pytest.mark.parametrize(("size", "classes", "what"), [(32, 7, "input"), (48, 6, "output")])
def test_refuses_a_model_that_does_not_fit_its_card(
    classifier: EmotionClassifier, size: int, classes: int, what: str
) -> None:
    with pytest.raises(ModelUnavailable, match=f"does not fit its card: its {what}"):
        EmotionClassifier(small_classifier(size, classes), classifier.card)


def test_refuses_a_file_that_is_no_model(classifier: EmotionClassifier) -> None:
    with pytest.raises(ModelUnavailable, match="odd@1 cannot be loaded"):
        EmotionClassifier(b"no model", replace(classifier.card, name="odd"))
