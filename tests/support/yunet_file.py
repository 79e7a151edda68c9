"""Write a net with YuNet's inputs and outputs that always sees one face at the same place."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

STRIDES = (8, 16, 32)
SIDE = 640  # pixels along a side of the square photo
CELL = (10, 12)  # column and row of the cell of 32 pixels that reports the face
BOX = (240.0, 304.0, 160.0, 160.0)  # x, y, width, height in a photo of SIDE
POINTS = ((280.0, 350.0), (360.0, 350.0), (320.0, 390.0), (290.0, 430.0), (350.0, 430.0))


def yunet_like() -> bytes:
    nodes, outputs, constants = [], [], []
    for kind, width in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
        for stride in STRIDES:
            values = np.zeros((1, (SIDE // stride) ** 2, width), np.float32)
            if stride == 32:
                values[0, CELL[1] * (SIDE // stride) + CELL[0]] = _answer(kind)
            name = f"{kind}_{stride}"
            constants.append(numpy_helper.from_array(values, f"constant_{name}"))
            # Adding the photo's mean times zero makes the output depend on the input, as a real net's does.
            nodes.append(helper.make_node("Add", [f"constant_{name}", "nothing"], [name]))
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, values.shape))
    constants.append(numpy_helper.from_array(np.zeros((1, 1, 1), np.float32), "zero"))
    constants.append(numpy_helper.from_array(np.array([1, 1, 1], np.int64), "shape"))
    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["pooled"]),
        helper.make_node("ReduceMean", ["pooled"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Reshape", ["mean", "shape"], ["flat"]),
        helper.make_node("Mul", ["flat", "zero"], ["nothing"]),
        *nodes,
    ]
    photo = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    graph = helper.make_graph(nodes, "yunet", [photo], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())


def _answer(kind: str) -> list[float]:
    """Encode a box: its place in strides from the cell's corner, its size as logarithms of strides.

    OpenCV's face_detect.cpp decodes it in the same way.
    """
    if kind == "bbox":
        x, y, width, height = BOX
        middle = ((x + width / 2) / 32 - CELL[0], (y + height / 2) / 32 - CELL[1])
        return [*middle, float(np.log(width / 32)), float(np.log(height / 32))]
    if kind == "kps":
        return [value for x, y in POINTS for value in (x / 32 - CELL[0], y / 32 - CELL[1])]
    return [0.98]
