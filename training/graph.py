"""A Keras network -> the ONNX graph that is released."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import onnx

from ml.labels import EMOTIONS, Emotion
from training.mirroring import with_mirror_image


def write_onnx(
    network: keras.Model, size: int, file: Path, classes: Sequence[Emotion] = EMOTIONS, *, flip: bool = False
) -> None:
    """Export a float32 network as ONNX; with `flip` the graph averages over the face and its mirror image.

    Its input "face" is (batch, size, size, 1), whatever sizes the network takes; each of its outputs, named as the
    labelling that it learnt, is (batch, classes) of probabilities.
    """
    fixed = of_fixed_size(network, size)
    if flip:
        fixed = with_mirror_image(fixed)
    fixed.predict_on_batch(np.zeros((1, size, size, 1), np.float32))  # export wants it called once
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # the converter's own
        fixed.export(file, format="onnx", verbose=False)
    model = onnx.load(file)
    _name_ends(model, sorted(network.output_names))
    model.graph.doc_string = f"Probabilities of {', '.join(classes)}"
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, file)


def of_fixed_size(network: keras.Model, size: int) -> keras.Model:
    """The same network, with copies of the weights, for faces of one size only."""
    fixed = keras.models.clone_model(network, input_tensors=keras.Input((size, size, 1), name="face"))
    fixed.set_weights(network.get_weights())
    return fixed


def _name_ends(model: onnx.ModelProto, outputs: list[str]) -> None:
    """Give input, outputs and batch axis the names that the converter loses; it sorts the outputs by name."""
    ends = [(model.graph.input[0], "face"), *zip(model.graph.output, outputs, strict=True)]
    for value, name in ends:
        for node in model.graph.node:
            for names in (node.input, node.output):
                names[:] = [name if each == value.name else each for each in names]
        value.name = name
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    model.graph.name = "emotions"
