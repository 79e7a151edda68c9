"""Turning the photos of the detection benchmark, and only making them as small."""

import cv2
import numpy as np
import pytest

from bench.detection import Box, overlap, turned
from ml.image import decode
from ml.types import Image

FACE: Box = (200, 40, 40, 40)  # left, top, width, height: white in a black photo


def photo() -> bytes:
    picture = np.zeros((160, 320, 3), np.uint8)
    picture[40:80, 200:240] = 255
    return cv2.imencode(".png", picture)[1].tobytes()


def white(image: Image) -> Box:
    left, top, width, height = cv2.boundingRect(np.asarray(image.min(axis=2) > 250, np.uint8))
    return left, top, width, height


@pytest.mark.parametrize("degrees", [-90.0, 90.0])
def test_a_face_is_where_its_box_says(degrees: float) -> None:
    data, faces = turned(photo(), [FACE], degrees)
    image = decode(data).image
    assert image.shape == (320, 160, 3)
    assert overlap(white(image), faces[0]) > 0.9


def test_upright_is_not_turned_but_upon_as_much_grey() -> None:
    data, faces = turned(photo(), [FACE], 45, upright=True)
    image = decode(data).image
    assert image.shape == decode(turned(photo(), [FACE], 45)[0]).image.shape == (339, 339, 3)
    assert overlap(white(image), faces[0]) > 0.9
    assert faces[0][2:] == FACE[2:]
