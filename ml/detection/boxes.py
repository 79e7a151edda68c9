"""Computes with many boxes at once: arrays, (n, 4), of left, top, right, bottom in pixels, float32."""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.types import Image

Floats = NDArray[np.float32]
Boxes = Floats
Shared = Literal["union", "smaller"]


def compute_overlaps(boxes: Boxes, over: Shared = "union") -> Floats:
    """Return the intersection over union, or over the smaller area, of all pairs: (n, 4) -> (n, n)."""
    left, top, right, bottom = np.ascontiguousarray(boxes.T)
    widths = np.minimum(right[:, None], right) - np.maximum(left[:, None], left)
    heights = np.minimum(bottom[:, None], bottom) - np.maximum(top[:, None], top)
    shared = np.maximum(widths, 0) * np.maximum(heights, 0)
    areas = (right - left) * (bottom - top)
    whole = np.minimum(areas[:, None], areas) if over == "smaller" else areas[:, None] + areas - shared
    ratio: Floats = shared / np.maximum(whole, 1e-6)
    return ratio


def suppress_overlapping(boxes: Boxes, scores: Floats, limit: float, over: Shared = "union") -> NDArray[np.intp]:
    """Return the indices of the boxes to keep, best first (greedy non-maximum suppression).

    A box is dropped when it overlaps by more than `limit` with a better box that is kept.
    """
    order = np.argsort(-scores, kind="stable")
    clashes = compute_overlaps(boxes[order], over) > limit
    keep = np.ones(len(order), bool)
    for place in np.flatnonzero(np.triu(clashes, 1).any(axis=1)):
        if keep[place]:
            keep[place + 1 :] &= ~clashes[place, place + 1 :]
    return order[keep]


def shift(boxes: Boxes, offsets: Floats) -> Boxes:
    """Move each side by its offset, which is a share of the box's width or height."""
    sizes = boxes[:, 2:] - boxes[:, :2]
    moved: Boxes = boxes + offsets * np.concatenate([sizes, sizes], axis=1)
    return moved


def compute_centres(boxes: Boxes) -> Floats:
    """Return the middles of the boxes: (n, 2)."""
    middles: Floats = (boxes[:, :2] + boxes[:, 2:]) * np.float32(0.5)
    return middles


def make_square(boxes: Boxes) -> Boxes:
    """Widen the shorter side of each box around its centre, so that all are squares."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    halves = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.concatenate([centres - halves, centres + halves], axis=1)


def resize(boxes: Boxes, factor: float) -> Boxes:
    """Make the boxes larger or smaller around their centres."""
    centres, halves = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) * (factor / 2)
    return np.concatenate([centres - halves, centres + halves], axis=1).astype(np.float32)


def count_supporters(boxes: Boxes, others: Boxes, limit: float) -> NDArray[np.intp]:
    """Count how many of the others overlap with each box by more than `limit` of the union: (n,)."""
    left, top, right, bottom = (side[:, None] for side in boxes.T)
    widths = np.minimum(right, others[:, 2]) - np.maximum(left, others[:, 0])
    heights = np.minimum(bottom, others[:, 3]) - np.maximum(top, others[:, 1])
    shared = np.maximum(widths, 0) * np.maximum(heights, 0)
    whole = (right - left) * (bottom - top) + np.prod(others[:, 2:] - others[:, :2], axis=1) - shared
    return np.asarray(np.count_nonzero(shared > limit * whole, axis=1), np.intp)


def cut_patches(image: Image, boxes: Boxes, size: int, degrees: float = 0.0) -> NDArray[np.uint8]:
    """Cut out all boxes at once, bilinearly resized and mid-grey outside of the image: (n, size, size, 3).

    `size` is 24 or 48, so a row of one patch stays below the 32,767 columns that OpenCV can map. With `degrees` the
    boxes are turned clockwise around their centres before they are cut out, so that leaning faces stand upright.
    """
    shape = (len(boxes), size, size)
    steps = (np.arange(size, dtype=np.float32) + 0.5) / size
    columns = boxes[:, 0, None] + steps * (boxes[:, 2] - boxes[:, 0])[:, None] - 0.5
    rows = boxes[:, 1, None] + steps * (boxes[:, 3] - boxes[:, 1])[:, None] - 0.5
    across = np.broadcast_to(columns[:, None, :], shape).reshape(len(boxes), -1)
    down = np.broadcast_to(rows[:, :, None], shape).reshape(len(boxes), -1)
    if degrees:
        turned_points = turn_points(np.stack([across, down], axis=2), compute_centres(boxes) - np.float32(0.5), degrees)
        across, down = np.ascontiguousarray(turned_points[..., 0]), np.ascontiguousarray(turned_points[..., 1])
    cut = cv2.remap(image, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(128, 128, 128))
    return np.asarray(cut, np.uint8).reshape(*shape, 3)


def turn_points(points: Floats, around: Floats, degrees: float) -> Floats:
    """Turn points, (n, m, 2), clockwise, as the viewer sees it, around other points, (n, 2)."""
    angle = np.deg2rad(degrees)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], np.float32)
    fixed = around[:, None, :]
    return np.asarray((points - fixed) @ matrix + fixed, np.float32)
