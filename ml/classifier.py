"""Classifies emotions on ONNX Runtime."""

from pathlib import Path

import numpy as np

from ml.errors import ModelUnavailable
from ml.runtime import start_session
from ml.types import FaceInputs, ModelCard, Scores


class EmotionClassifier:
    """A released model that is ready to classify."""

    def __init__(self, model: bytes | Path, card: ModelCard, threads: int = 1, output: str | None = None) -> None:
        """Load the model: its ONNX file or bytes. `output` names another output than the card's.

        Raises ModelUnavailable when the model does not fit the card.
        """
        weights = model.read_bytes() if isinstance(model, Path) else model
        try:
            self._session = start_session(weights, threads)
        except Exception as error:  # the runtime raises many types of its own
            raise ModelUnavailable(f"The model {card.model_version} cannot be loaded: {error}") from error
        self.card = card
        self._output = output or card.output
        self._check_shapes()

    def classify(self, inputs: FaceInputs) -> Scores:
        """Classify normalised faces in one batch: (faces, size, size, 1) -> (faces, classes), rows sum to 1."""
        if not len(inputs):
            return np.empty((0, len(self.card.classes)), np.float32)
        scores: Scores = self._session.run([self._output], {self._input: inputs})[0]
        return scores

    def _check_shapes(self) -> None:
        inputs = self._session.get_inputs()
        outputs = [each for each in self._session.get_outputs() if each.name == self._output]
        size = self.card.preprocessing.size
        wanted_input, wanted_output = [size, size, 1], [len(self.card.classes)]
        if len(inputs) != 1 or inputs[0].shape[1:] != wanted_input or inputs[0].type != "tensor(float)":
            raise ModelUnavailable(self._misfit("input", [each.shape for each in inputs], wanted_input))
        if not outputs or outputs[0].shape[1:] != wanted_output:
            raise ModelUnavailable(
                self._misfit(f"output {self._output!r}", [each.shape for each in outputs], wanted_output)
            )
        self._input = inputs[0].name

    def _misfit(self, what: str, found: object, wanted: object) -> str:
        return (
            f"The model {self.card.model_version} does not fit its card: its {what} is {found},"
            f" not faces x {wanted}. Export it again."
        )
