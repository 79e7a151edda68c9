"""Make a small, deterministic, real model for tests that do not depend on the network's answers."""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ml.labels import EMOTIONS


def small_classifier(size: int = 48, classes: int = 7, scale: float = 0.02) -> bytes:
    """Return a real graph of one dense layer with fixed weights, whose answers differ between faces."""
    random = np.random.default_rng(7)
    weights = random.normal(0, scale, (size * size, classes)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["face"], ["pixels"]),
            helper.make_node("MatMul", ["pixels", "weights"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["scores"]),
        ],
        "small",
        [helper.make_tensor_value_info("face", TensorProto.FLOAT, ["n", size, size, 1])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", classes])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def write_model(folder: Path, weights: bytes, **changes: object) -> None:
    folder.mkdir(parents=True)
    card = {
        "name": folder.name,
        "version": "1",
        "classes": [emotion.value for emotion in EMOTIONS],
        "input": {"size": 48, "channels": 1, "colour": "grey"},
        "preprocessing": {"margin": 1.0, "normalisation": "standardise"},
        "sha256": hashlib.sha256(weights).hexdigest(),
        **changes,
    }
    (folder / "model.onnx").write_bytes(weights)
    (folder / "card.json").write_text(json.dumps(card))
