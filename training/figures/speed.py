"""Measures how long a released model takes for a face."""

import time
from statistics import median

import numpy as np

from ml.classifier import EmotionClassifier
from ml.types import ModelCard

WARM_UP = 20
FACES = 200


def measure_milliseconds_a_face(weights: bytes, card: ModelCard) -> float:
    """Return the median over FACES faces, one at a time, on one thread of ONNX Runtime."""
    classifier = EmotionClassifier(weights, card, threads=1)
    size = card.preprocessing.size
    face = np.random.default_rng(0).standard_normal((1, size, size, 1)).astype(np.float32)
    seconds = []
    for _ in range(WARM_UP + FACES):
        started = time.perf_counter()
        classifier.classify(face)
        seconds.append(time.perf_counter() - started)
    return median(seconds[WARM_UP:]) * 1000
