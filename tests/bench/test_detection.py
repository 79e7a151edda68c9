"""Test the detection benchmark: it rotates and shrinks photos, and reports its figures by face width."""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.detection import as_table, measure, turned
from ml.sandbox import decode
from ml.types import BoundingBox, Image
from tests.support.photos import FACE as ASTRONAUT
from tests.support.photos import astronaut, encoded

FACE = BoundingBox(200, 40, 40, 40)  # where the photo is white; the rest is black


def photo() -> bytes:
    picture = np.zeros((160, 320, 3), np.uint8)
    picture[40:80, 200:240] = 255
    return cv2.imencode(".png", picture)[1].tobytes()


def white(image: Image) -> BoundingBox:
    left, top, width, height = cv2.boundingRect(np.asarray(image.min(axis=2) > 250, np.uint8))
    return BoundingBox(left, top, width, height)


@pytest.mark.parametrize("degrees", [-90.0, 90.0])
def test_a_face_is_where_its_box_says(degrees: float) -> None:
    data, faces = turned(photo(), [FACE], degrees)
    image = decode(data).image
    assert image.shape == (320, 160, 3)
    assert white(image).overlap(faces[0]) > 0.9


def test_upright_is_not_turned_but_upon_as_much_grey() -> None:
    data, faces = turned(photo(), [FACE], 45, upright=True)
    image = decode(data).image
    assert image.shape == decode(turned(photo(), [FACE], 45)[0]).image.shape == (339, 339, 3)
    assert white(image).overlap(faces[0]) > 0.9
    assert (faces[0].width, faces[0].height) == (FACE.width, FACE.height)


def test_recall_precision_and_time_are_told_by_width(tmp_path: Path) -> None:
    (tmp_path / "one.jpg").write_bytes(encoded(astronaut()))  # 512 x 512: its face is 110 pixels wide, 138 of 640
    nothing = {"x": 0, "y": 0, "width": 30, "height": 30}  # a face 38 pixels wide when the photo is scaled to 640
    face = dict(zip(("x", "y", "width", "height"), ASTRONAUT, strict=True))
    (tmp_path / "boxes.json").write_text(json.dumps({"one.jpg": [nothing, face]}))
    figures = measure(tmp_path, argparse.Namespace(threads=1, empty=None, turned=0), None)
    rows = {row["from"]: row for row in figures["by_width"]}
    assert (rows[96]["recall"], rows[96]["precision"], rows[96]["photos"]) == (1, 1, 1)
    assert rows[96]["ms"] == figures["ms"] > 0
    assert (rows[24]["recall"], rows[24]["precision"], rows[24]["photos"], rows[24]["ms"]) == (0, None, 0, None)
    assert rows[192]["recall"] is None
    shown = as_table(figures)
    assert "| 24 to 47 px | 1 | 0 | 0.000 | 0 | 0 |  | 0 |  |" in shown
    assert f"| 96 to 191 px | 1 | 1 | 1.000 | 1 | 1 | 1.000 | 1 | {figures['ms']:.1f} |" in shown
