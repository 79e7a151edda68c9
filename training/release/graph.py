"""Exports a Keras network as the ONNX graph that is released."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import onnx

from ml.labels import EMOTIONS, Emotion
from training.fit.mirroring import average_with_mirror_image


def write_onnx(
    network: keras.Model, size: int, file: Path, classes: Sequence[Emotion] = EMOTIONS, *, flip: bool = False
) -> None:
    """Export a float32 network as ONNX; with `flip` the graph averages over the face and its mirror image.

    The input "face" is (batch, size, size, 1), whatever sizes the network takes. Each output is named after the
    labelling that it learnt, and gives probabilities, (batch, classes).
    """
    fixed = fix_input_size(network, size)
    if flip:
        fixed = average_with_mirror_image(fixed)
    fixed.predict_on_batch(np.zeros((1, size, size, 1), np.float32))  # export needs a network that was called
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # of the converter itself
        fixed.export(file, format="onnx", verbose=False)
    model = onnx.load(file)
    _name_ends(model, sorted(network.output_names))
    model.graph.doc_string = f"Probabilities of {', '.join(classes)}"
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, file)


def fix_input_size(network: keras.Model, size: int) -> keras.Model:
    """Return the same network, with copies of the weights, for faces of one size only."""
    fixed = keras.models.clone_model(network, input_tensors=keras.Input((size, size, 1), name="face"))
    fixed.set_weights(network.get_weights())
    return fixed


def _name_ends(model: onnx.ModelProto, outputs: list[str]) -> None:
    """Name input, outputs and batch axis again, as the converter loses the names and sorts the outputs by name."""
    ends = [(model.graph.input[0], "face"), *zip(model.graph.output, outputs, strict=True)]
    for value, name in ends:
        for node in model.graph.node:
            for names in (node.input, node.output):
                names[:] = [name if each == value.name else each for each in names]
        value.name = name
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    model.graph.name = "emotions"
