"""The loss that makes up for how common the classes are."""

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

SMALLEST_PROBABILITY = 1e-7  # before its logarithm is taken, as in Keras's own losses
SMALLEST_SHARE = 1e-4  # of a class with hardly a face or none


def measure_class_shares(target: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the share of each class among the targets: (faces, classes) -> (classes,), with sum 1."""
    total = target.sum(axis=0, dtype=np.float64)
    return np.asarray(total / total.sum(), np.float32)


class AdjustedCrossentropy(keras.losses.Loss):  # type: ignore[misc]
    """The cross-entropy of answers whose logits are raised by `strength` times the logarithm of the classes' shares.

    This is the logit adjusted loss (Menon et al. 2021, arXiv 2007.07314, equation 10). A network that is trained with
    a strength of 1 answers as if all classes were equally common.
    """

    def __init__(self, shares: NDArray[np.float32], strength: float, label_smoothing: float = 0.0) -> None:
        super().__init__(name="adjusted_crossentropy")
        self.raised_by = strength * np.log(np.maximum(shares, SMALLEST_SHARE))
        self.label_smoothing = label_smoothing

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        logits = ops.log(ops.maximum(y_pred, SMALLEST_PROBABILITY)) + self.raised_by
        return keras.losses.categorical_crossentropy(
            y_true, logits, from_logits=True, label_smoothing=self.label_smoothing
        )
