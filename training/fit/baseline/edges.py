"""Computes histograms of oriented gradients (Dalal and Triggs 2005) of many small pictures at once.

The numbers are those of `skimage.feature.hog` with `block_norm="L2-Hys"`, which takes one picture per call.
"""

from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ml.types import GreyFaces

DIRECTIONS = 8  # of edges, in a half turn
BLOCK = 2  # cells in each direction that are brought to the same contrast together
STEEPEST = 255  # difference between two grey levels
LIMIT = 0.2  # the most that one direction may have of a block's length 1, so that no single edge rules it
EPSILON = 1e-5  # prevents a division by zero for a block of one grey


def compute_edge_histograms(faces: GreyFaces, cell: int) -> NDArray[np.float32]:
    """Turn pictures, (n, height, width), into a row each; `cell` is a side in pixels that divides both sides."""
    count, height, width = faces.shape
    cells = _cells(faces, cell).reshape(count, height // cell, width // cell, DIRECTIONS)
    blocks = sliding_window_view(cells, (BLOCK, BLOCK), axis=(1, 2)).transpose(0, 1, 2, 4, 5, 3)
    return _equalise(_equalise(blocks.reshape(*blocks.shape[:3], -1), LIMIT)).reshape(count, -1).astype(np.float32)


def _cells(faces: GreyFaces, cell: int) -> NDArray[np.float64]:
    """Return the mean strength of the edges of each direction in each cell: (n * cells * directions)."""
    _, height, width = faces.shape
    levels = faces.astype(np.int16)
    down, right = np.zeros_like(levels), np.zeros_like(levels)
    down[:, 1:-1] = levels[:, 2:] - levels[:, :-2]
    right[:, :, 1:-1] = levels[:, :, 2:] - levels[:, :, :-2]
    strengths, directions = _gradients()
    gradient = (down.astype(np.int32) + STEEPEST) * (2 * STEEPEST + 1) + right + STEEPEST
    row, column = np.arange(height) // cell, np.arange(width) // cell
    place = row[:, np.newaxis] * (width // cell) + column
    cells = (height // cell) * (width // cell)
    place = place + cells * np.arange(len(faces))[:, np.newaxis, np.newaxis]
    counted = (place * DIRECTIONS + directions[gradient]).ravel()
    total = np.bincount(counted, strengths[gradient].ravel(), minlength=len(faces) * cells * DIRECTIONS)
    return total / cell**2


@cache
def _gradients() -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Return strength and direction of every gradient that two differences of grey levels can make."""
    differences = np.arange(-STEEPEST, STEEPEST + 1, dtype=np.float64)
    down, right = differences[:, np.newaxis], differences[np.newaxis]
    angle = np.rad2deg(np.arctan2(down, right)) % 180
    return np.hypot(down, right).ravel(), (angle // (180 / DIRECTIONS)).astype(np.uint8).ravel()


def _equalise(blocks: NDArray[np.float64], limit: float | None = None) -> NDArray[np.float64]:
    """Scale each block to length 1, and limit its values if asked."""
    length = np.sqrt((blocks**2).sum(axis=-1, keepdims=True) + EPSILON**2)
    evened: NDArray[np.float64] = blocks / length
    return evened if limit is None else np.minimum(evened, limit)
