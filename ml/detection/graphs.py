"""Builds MTCNN's three nets in memory as ONNX graphs (Zhang et al. 2016, arXiv 1604.02878).

All take pictures, (n, height, width, 3), RGB, uint8. Offsets are those of a box's left, top, right and bottom, as
shares of its size.
"""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ml.detection.weights import Weights, read_weights

Floats = NDArray[np.float32]

OPSET = 17
IR_VERSION = 8  # that of the opset; older runtimes refuse newer versions

# The nets were trained on (pixel - 127.5) / 128.
PIXEL_MEAN = 127.5
PIXEL_SPREAD = 128.0


def build_proposal_net() -> bytes:
    """Build P-Net, for pictures of any size: one output, (n, 5, rows, columns), for cells of 12 px that lie 2 px apart.

    The first of the five is the logit of the probability of a face; the others are the offsets.
    """
    net = _Net(read_weights("pnet"), ["n", "height", "width", 3])
    features = net.first_conv_prelu_pool(2)
    features = net.conv_prelu(features)
    features = net.conv_prelu(features)
    return net.finish(net.face_and_offsets(features))


def build_refinement_net() -> bytes:
    """Build R-Net, for pictures of 24 x 24: probability of a face, (n,), and offsets, (n, 4)."""
    net = _Net(read_weights("rnet"), ["n", 24, 24, 3])
    features = net.first_conv_prelu_pool(3)
    features = net.max_pool(net.conv_prelu(features), 3, padded=False)
    features = net.conv_prelu(features)
    features = net.flat_dense_prelu(features, (3, 3, 64))
    offsets = net.dense(features)
    return net.finish(net.face_probability(net.dense(features)), offsets)


def build_output_net() -> bytes:
    """Build O-Net, for pictures of 48 x 48: probability of a face, (n,), offsets, (n, 4), and landmarks, (n, 10).

    The landmarks are five x and then five y, as shares of the box.
    """
    net = _Net(read_weights("onet"), ["n", 48, 48, 3])
    features = net.first_conv_prelu_pool(3)
    features = net.max_pool(net.conv_prelu(features), 3, padded=False)
    features = net.max_pool(net.conv_prelu(features), 2)
    features = net.conv_prelu(features)
    features = net.flat_dense_prelu(features, (3, 3, 128))
    offsets = net.dense(features)
    landmarks = net.dense(features)
    return net.finish(net.face_probability(net.dense(features)), offsets, landmarks)


class _Net:
    """A graph under construction, which uses up the weights layer by layer. Methods return the names of values.

    ONNX Runtime's PRelu takes longer than the convolutions around it. So it is written in operations that the runtime
    fuses into its blocked convolutions: with slope s, prelu(x) = s x + (1 - s) relu(x). Where a maximum follows,
    prelu(x) = max(x, s x), for s <= 1, is computed after it, on a quarter of the pixels.
    """

    def __init__(self, weights: Weights, shape: list[str | int]) -> None:
        self._weights = iter(weights)
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._input = helper.make_tensor_value_info("pictures", TensorProto.UINT8, shape)

    def first_conv_prelu_pool(self, size: int) -> str:
        """Add the first block, with the normalisation of the pixels folded into the convolution."""
        pixels = self._add("Cast", self._add("Transpose", "pictures", perm=[0, 3, 1, 2]), to=TensorProto.FLOAT)
        kernel, bias, slopes = (next(self._weights) for _ in range(3))
        kernel = kernel / PIXEL_SPREAD
        bias = bias - PIXEL_MEAN * kernel.sum(axis=(0, 1, 2))
        # A channel with a negative slope needs the maximum of max(x, s x), so both x and s x are computed.
        falling = np.flatnonzero(slopes < 0)
        kernel = np.concatenate([kernel, kernel[..., falling] * slopes[falling]], axis=-1)
        bias = np.concatenate([bias, bias[falling] * slopes[falling]])
        empty = _blocked(len(bias)) - len(bias)
        kernel, bias = np.pad(kernel, [(0, 0), (0, 0), (0, 0), (0, empty)]), np.pad(bias, (0, empty))
        highest = self.max_pool(self._conv(pixels, kernel, bias), size)
        return self._prelu_of_maxima(highest, slopes, falling)

    def _prelu_of_maxima(self, highest: str, slopes: Floats, falling: NDArray[np.intp]) -> str:
        """Turn the maxima of x, and of s x for the falling channels, into those of prelu(x)."""
        channels = np.arange(len(slopes))
        scaled = len(slopes) + np.arange(len(falling))
        straight = np.zeros((_blocked(len(slopes) + len(falling)), _blocked(len(slopes))), np.float32)
        straight[channels, channels] = np.maximum(slopes, 0)
        bent = np.zeros_like(straight)
        bent[channels, channels] = 1
        # Rising: s m + (1 - s) relu(m). Falling: max(m, n) = n + relu(m - n), where n is the maximum of s x.
        straight[scaled, falling] = 1
        bent[scaled, falling] = -1
        shares = np.ones(_blocked(len(slopes)), np.float32)
        shares[channels] = np.where(slopes < 0, 1, 1 - slopes)
        above = self._scale(self._add("Relu", self._mix(highest, bent)), shares)
        return self._add("Add", self._mix(highest, straight), above)

    def conv_prelu(self, features: str) -> str:
        """Add a convolution and its PRelu."""
        values = self.conv(features)
        slopes = next(self._weights)
        above = self._scale(self._add("Relu", values), 1 - slopes)
        return self._add("Add", self._scale(values, slopes), above)

    def conv(self, features: str) -> str:
        """Add a convolution."""
        kernel, bias = next(self._weights), next(self._weights)
        empty = _blocked(kernel.shape[2]) - kernel.shape[2]
        return self._conv(features, np.pad(kernel, [(0, 0), (0, 0), (0, empty), (0, 0)]), bias)

    def face_and_offsets(self, features: str) -> str:
        """Add both heads of P-Net as one convolution; only the difference of the two classes' logits matters."""
        offsets, offsets_bias, classes, classes_bias = self._weights
        kernel = np.concatenate([classes[..., 1:] - classes[..., :1], offsets], axis=-1)
        return self._conv(features, kernel, np.concatenate([classes_bias[1:] - classes_bias[:1], offsets_bias]))

    def max_pool(self, features: str, size: int, padded: bool = True) -> str:
        """Add a maximum over squares of `size`, 2 px apart."""
        padding = "SAME_UPPER" if padded else "VALID"
        return self._add("MaxPool", features, kernel_shape=[size, size], strides=[2, 2], auto_pad=padding)

    def flat_dense_prelu(self, features: str, shape: tuple[int, int, int]) -> str:
        """Add a dense layer on feature maps of (width, height, channels), the order in which Keras flattened them."""
        kernel = next(self._weights)
        in_our_order = kernel.reshape(*shape, -1).transpose(2, 1, 0, 3).reshape(kernel.shape)
        values = self._dense(self._add("Flatten", features), in_our_order, next(self._weights))
        return self._add("PRelu", values, self._constant(next(self._weights)))

    def dense(self, features: str) -> str:
        """Add a dense layer."""
        return self._dense(features, next(self._weights), next(self._weights))

    def face_probability(self, logits: str) -> str:
        """Add the softmax of two logits, and return its second value."""
        first, second = (self._add("Gather", logits, self._constant(np.array(which)), axis=1) for which in (0, 1))
        return self._add("Sigmoid", self._add("Sub", second, first))

    def finish(self, *outputs: str) -> bytes:
        """Return the graph with these outputs as an ONNX file."""
        results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(self._nodes, "mtcnn", [self._input], results, self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        return bytes(model.SerializeToString())

    def _conv(self, features: str, kernel: Floats, bias: Floats) -> str:
        # Keras has (height, width, in, out), ONNX (out, in, height, width).
        return self._add("Conv", features, self._constant(kernel.transpose(3, 2, 0, 1)), self._constant(bias))

    def _mix(self, features: str, shares: Floats) -> str:
        """Make each channel a weighted sum of all; the shares are (in, out)."""
        return self._add("Conv", features, self._constant(shares.T[..., None, None]))

    def _scale(self, features: str, factors: Floats) -> str:
        """Multiply each channel by its factor, as a convolution that the runtime can fuse with another."""
        return self._add("Conv", features, self._constant(factors[:, None, None, None]), group=len(factors))

    def _dense(self, features: str, kernel: Floats, bias: Floats) -> str:
        return self._add("Gemm", features, self._constant(kernel), self._constant(bias))

    def _add(self, operation: str, *inputs: str, **attributes: Any) -> str:
        name = f"{operation.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operation, list(inputs), [name], **attributes))
        return name

    def _constant(self, values: NDArray[np.generic]) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.array(values, order="C"), name))
        return name


def _blocked(channels: int) -> int:
    """Round up to a multiple of 16, the number of channels that the runtime's blocked convolutions need."""
    return -(-channels // 16) * 16
