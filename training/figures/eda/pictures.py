"""Draws faces side by side, each with a caption."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ml.types import GreyFaces

WIDTH = 10.0  # of a figure, in inches
GAP = 6  # pixels of white around a face
FEWEST = 7  # columns of a figure, so that few faces are not enlarged too much
LINE_HEIGHT = 1.3  # over the size of the letters
POINTS = 72  # in an inch
WHITE = 255


def draw_mosaic(faces: GreyFaces, captions: Sequence[str], columns: int, rows: Sequence[str] = ()) -> Figure:
    """Draw (n, height, width) faces in rows of `columns`, each with a caption of one or more lines below.

    `rows` are names for the left of each row. An empty caption takes no place.
    """
    count, height, width = faces.shape
    indent = 0.09 if rows else 0.01
    across = max(columns, FEWEST) * (width + GAP)
    pixels_per_inch = across / (WIDTH * (0.99 - indent))
    size = min(9.5, 86 / max(columns, FEWEST))
    lines = max((caption.count("\n") + 1 for caption in captions if caption), default=0)
    words = math.ceil(lines * size * LINE_HEIGHT / POINTS * pixels_per_inch)
    down = height + GAP + words
    places = [(GAP + index // columns * down, index % columns * (width + GAP)) for index in range(count)]
    sheet = np.full((GAP + max(math.ceil(count / columns), 1) * down, across), WHITE, np.uint8)
    for face, (top, left) in zip(faces, places, strict=True):
        sheet[top : top + height, left : left + width] = face
    figure = Figure(figsize=(WIDTH, sheet.shape[0] / pixels_per_inch))
    axes = figure.add_axes((indent, 0, 0.99 - indent, 1))
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=WHITE, interpolation="bilinear")
    axes.axis("off")
    for caption, (top, left) in zip(captions, places, strict=True):
        axes.text(left + width / 2, top + height + 1, caption, ha="center", va="top", fontsize=size)
    for row, name in enumerate(rows):
        axes.text(-GAP, GAP + row * down + height / 2, name, ha="right", va="center", fontsize=11)
    return figure
