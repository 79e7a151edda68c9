"""Reads the weights of MTCNN's three nets from the installed `mtcnn` package (MIT licence)."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import lz4.frame
import numpy as np
from numpy.typing import NDArray

from ml.errors import ModelUnavailable

Weights = list[NDArray[np.float32]]

# sha256 of mtcnn 1.0.0's files.
SHA256 = {
    "pnet": "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
    "rnet": "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
    "onet": "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
}

# Each layer's arrays in Keras's order and layout: convolution kernel (height, width, in, out) and bias,
# PReLU slopes, dense kernel (in, out) and bias. Zhang et al. 2016, arXiv 1604.02878.
SHAPES: dict[str, list[tuple[int, ...]]] = {
    "pnet": [
        *[(3, 3, 3, 10), (10,), (10,), (3, 3, 10, 16), (16,), (16,), (3, 3, 16, 32), (32,), (32,)],
        *[(1, 1, 32, 4), (4,), (1, 1, 32, 2), (2,)],
    ],
    "rnet": [
        *[(3, 3, 3, 28), (28,), (28,), (3, 3, 28, 48), (48,), (48,), (2, 2, 48, 64), (64,), (64,)],
        *[(576, 128), (128,), (128,), (128, 4), (4,), (128, 2), (2,)],
    ],
    "onet": [
        *[(3, 3, 3, 32), (32,), (32,), (3, 3, 32, 64), (64,), (64,), (3, 3, 64, 64), (64,), (64,)],
        *[(2, 2, 64, 128), (128,), (128,), (1152, 256), (256,), (256,)],
        *[(256, 4), (4,), (256, 10), (10,), (256, 2), (2,)],
    ],
}

# joblib writes the raw bytes of each array after a pickled header. The header ends with these opcodes (alignment 16,
# set items, build); a count of padding bytes and the padding follow.
HEADER_END = b"K\x10ub"


def read_weights(net: str) -> Weights:
    """Read the arrays of "pnet", "rnet" or "onet".

    joblib's files are pickles, but nothing is unpickled: once the checksum has shown that this is the known file, its
    arrays lie at known places. Raises ModelUnavailable when the file is missing or another one.
    """
    path = _package_folder() / "assets" / "weights" / f"{net}.lz4"
    if not path.is_file():
        raise ModelUnavailable(f"The detector's file {path} is missing. Install mtcnn==1.0.0 again.")
    packed = path.read_bytes()
    if hashlib.sha256(packed).hexdigest() != SHA256[net]:
        raise ModelUnavailable(f"The detector's file {path} is not that of mtcnn 1.0.0. Install mtcnn==1.0.0 again.")
    return _arrays(lz4.frame.decompress(packed), SHAPES[net])


def _package_folder() -> Path:
    # The package is found but not imported, because importing mtcnn imports TensorFlow.
    spec = find_spec("mtcnn")
    if spec is None or spec.origin is None:
        raise ModelUnavailable("The package mtcnn, which carries the detector's weights, is missing. Install it.")
    return Path(spec.origin).parent


def _arrays(stream: bytes, shapes: list[tuple[int, ...]]) -> Weights:
    arrays: Weights = []
    position = 0
    for shape in shapes:
        position = stream.index(HEADER_END, position) + len(HEADER_END)
        position += 1 + stream[position]
        array = np.frombuffer(stream, "<f4", int(np.prod(shape)), position).reshape(shape)
        arrays.append(array)
        position += array.nbytes
    return arrays
