"""MTCNN's three nets as ONNX graphs, built in memory (Zhang et al. 2016, arXiv 1604.02878).

All take pictures (n, height, width, 3), RGB, uint8 and give, for each place or picture, first the
probability of a face, then the box's four offsets (left, top, right, bottom) as shares of its size.
"""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ml.mtcnn_weights import Weights, read_weights

OPSET = 17
IR_VERSION = 8  # of that opset; older runtimes refuse newer ones

# The nets were trained on (pixel - 127.5) / 128.
PIXEL_MEAN = 127.5
PIXEL_SPREAD = 128.0


def proposal_net() -> bytes:
    """P-Net, for pictures of any size: face (n, rows, columns), offsets (n, 4, rows, columns) of cells 2 px apart."""
    net = _Net(read_weights("pnet"), ["n", "height", "width", 3])
    features = net.max_pool(net.prelu(net.first_conv()), 2)
    features = net.prelu(net.conv(features))
    features = net.prelu(net.conv(features))
    offsets = net.conv(features)
    face = net.face_probability(net.conv(features))
    return net.finish(face, offsets)


def refinement_net() -> bytes:
    """R-Net on pictures of 24 x 24: face (n,), offsets (n, 4)."""
    net = _Net(read_weights("rnet"), ["n", 24, 24, 3])
    features = net.max_pool(net.prelu(net.first_conv()), 3)
    features = net.max_pool(net.prelu(net.conv(features)), 3, padded=False)
    features = net.prelu(net.conv(features))
    features = net.prelu(net.flat_dense(features, (3, 3, 64)))
    offsets = net.dense(features)
    return net.finish(net.face_probability(net.dense(features)), offsets)


def output_net() -> bytes:
    """O-Net on pictures of 48 x 48: face (n,), offsets (n, 4), landmarks (n, 10): five x, five y, shares of the box."""
    net = _Net(read_weights("onet"), ["n", 48, 48, 3])
    features = net.max_pool(net.prelu(net.first_conv()), 3)
    features = net.max_pool(net.prelu(net.conv(features)), 3, padded=False)
    features = net.max_pool(net.prelu(net.conv(features)), 2)
    features = net.prelu(net.conv(features))
    features = net.prelu(net.flat_dense(features, (3, 3, 128)))
    offsets = net.dense(features)
    landmarks = net.dense(features)
    return net.finish(net.face_probability(net.dense(features)), offsets, landmarks)


class _Net:
    """A graph under construction, which consumes the weights layer by layer. Names of values are returned."""

    def __init__(self, weights: Weights, shape: list[str | int]) -> None:
        self._weights = iter(weights)
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._input = helper.make_tensor_value_info("pictures", TensorProto.UINT8, shape)

    def first_conv(self) -> str:
        """The first convolution, with the pixels' normalisation folded into it."""
        pixels = self._add("Cast", self._add("Transpose", "pictures", perm=[0, 3, 1, 2]), to=TensorProto.FLOAT)
        kernel, bias = next(self._weights), next(self._weights)
        kernel = kernel / PIXEL_SPREAD
        return self._conv(pixels, kernel, bias - PIXEL_MEAN * kernel.sum(axis=(0, 1, 2)))

    def conv(self, features: str) -> str:
        return self._conv(features, next(self._weights), next(self._weights))

    def prelu(self, features: str) -> str:
        slopes = next(self._weights)
        is_map = self._nodes[-1].op_type == "Conv"
        return self._add("PRelu", features, self._constant(slopes[:, None, None] if is_map else slopes))

    def max_pool(self, features: str, size: int, padded: bool = True) -> str:
        padding = "SAME_UPPER" if padded else "VALID"
        return self._add("MaxPool", features, kernel_shape=[size, size], strides=[2, 2], auto_pad=padding)

    def flat_dense(self, features: str, shape: tuple[int, int, int]) -> str:
        """A dense layer on feature maps of (width, height, channels), the order in which Keras flattened them here."""
        kernel = next(self._weights)
        in_our_order = kernel.reshape(*shape, -1).transpose(2, 1, 0, 3).reshape(kernel.shape)
        return self._dense(self._add("Flatten", features), in_our_order, next(self._weights))

    def dense(self, features: str) -> str:
        return self._dense(features, next(self._weights), next(self._weights))

    def face_probability(self, logits: str) -> str:
        return self._add("Gather", self._add("Softmax", logits, axis=1), self._constant(np.array(1)), axis=1)

    def finish(self, *outputs: str) -> bytes:
        results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(self._nodes, "mtcnn", [self._input], results, self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        return bytes(model.SerializeToString())

    def _conv(self, features: str, kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
        # Keras has (height, width, in, out), ONNX (out, in, height, width).
        return self._add("Conv", features, self._constant(kernel.transpose(3, 2, 0, 1)), self._constant(bias))

    def _dense(self, features: str, kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
        return self._add("Gemm", features, self._constant(kernel), self._constant(bias))

    def _add(self, operation: str, *inputs: str, **attributes: Any) -> str:
        name = f"{operation.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operation, list(inputs), [name], **attributes))
        return name

    def _constant(self, values: NDArray[np.generic]) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.array(values, order="C"), name))
        return name
