"""Makes the INT8 variant of an exported graph: a quarter of the size, at the cost of a little accuracy."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import ml.runtime  # noqa: F401  # turns off ONNX Runtime's telemetry, and must come first

# isort: split

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from ml.preprocessing import normalise
from ml.types import FaceInputs, ModelCard
from training.data.dataset import Dataset, Labelling
from training.errors import TrainingError
from training.figures.evaluation import evaluate_scores
from training.figures.released import open_output
from training.fit.prediction import predict

CALIBRATION_FACES = 512  # from the training split; their activations set the ranges
BATCH = 32
COSTS_LESS_THAN = 0.005  # in validation accuracy, for each labelling
IN_FLOAT = ["Softmax"]  # stays in float, so that the scores keep their digits


def quantise(model_file: Path, card: ModelCard, data: Dataset, outputs: Sequence[Labelling]) -> float:
    """Turn the file into its INT8 variant, and return the cost in validation accuracy, 0..1, of the worst output.

    Weights are scaled by channel, activations by the ranges seen on training faces (static, QDQ). Raises TrainingError
    with the figures if the cost is COSTS_LESS_THAN or more.
    """
    before = _measure_accuracies(model_file, card, data, outputs)
    with tempfile.TemporaryDirectory() as folder:
        int8 = Path(folder) / model_file.name
        quantize_static(
            str(model_file),
            str(int8),
            _TrainingFaces(data, card),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
            op_types_to_quantize=[each for each in _list_operations(model_file) if each not in IN_FLOAT],
        )
        model_file.write_bytes(int8.read_bytes())
    after = _measure_accuracies(model_file, card, data, outputs)
    cost = max(before[output] - after[output] for output in outputs)
    if not cost < COSTS_LESS_THAN:
        figures = ", ".join(f"{output} {before[output]:.2%} -> {after[output]:.2%}" for output in outputs)
        raise TrainingError(
            f"INT8 costs {cost * 100:.2f} points of validation accuracy ({figures}), not less than"
            f" {COSTS_LESS_THAN * 100:g}. Nothing was released."
        )
    return cost


def _list_operations(model_file: Path) -> list[str]:
    return sorted({node.op_type for node in onnx.load(model_file).graph.node})


def _measure_accuracies(
    model_file: Path, card: ModelCard, data: Dataset, outputs: Sequence[Labelling]
) -> dict[Labelling, float]:
    split = data.split("validation")
    accuracies: dict[Labelling, float] = {}
    for output in outputs:
        classify = open_output(model_file, card, output)
        scores = predict(split.faces, card.preprocessing, classify, "Scoring validation")
        accuracies[output] = evaluate_scores(split, scores, output, 0.0, card.classes).metrics.accuracy
    return accuracies


class _TrainingFaces(CalibrationDataReader):  # type: ignore[misc]
    """Faces from all over the training split, a batch at a time."""

    def __init__(self, data: Dataset, card: ModelCard) -> None:
        faces = data.split("train").faces
        rows = np.linspace(0, len(faces) - 1, min(CALIBRATION_FACES, len(faces))).astype(int)
        inputs = normalise(faces[rows], card.preprocessing)
        self._batches = iter([inputs[start : start + BATCH] for start in range(0, len(inputs), BATCH)])

    def get_next(self) -> dict[str, FaceInputs] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"face": batch}
