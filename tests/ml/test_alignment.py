from dataclasses import replace

import cv2
import numpy as np
import pytest
import skimage.data

from ml.preprocessing import crop_face, measure_tilt
from ml.types import BoundingBox, Landmarks, Preprocessing

STRAIGHT = Preprocessing(48, 1.1, "standardise")
ALIGNED = replace(STRAIGHT, aligned=True)
BOX = BoundingBox(170, 60, 110, 140)


def eyes(degrees: float) -> Landmarks:
    radians = np.deg2rad(degrees)
    right = (204 + 43 * float(np.cos(radians)), 101 + 43 * float(np.sin(radians)))
    return Landmarks((204, 101), right, (225, 120), (208, 140), (240, 140))


def turned(degrees: float) -> np.ndarray:
    """Return the astronaut turned clockwise around the middle of the box."""
    matrix = cv2.getRotationMatrix2D((225 - 0.5, 130 - 0.5), -degrees, 1)
    return np.asarray(cv2.warpAffine(skimage.data.astronaut(), matrix, (512, 512), flags=cv2.INTER_CUBIC), np.uint8)


@pytest.mark.parametrize("degrees", [-45, -20, 30, 45])
def test_a_leaning_face_is_cropped_as_if_it_stood_upright(degrees: float) -> None:
    upright = crop_face(skimage.data.astronaut(), BOX, STRAIGHT).astype(float)
    aligned = crop_face(turned(degrees), BOX, ALIGNED, eyes(degrees)).astype(float)
    leaning = crop_face(turned(degrees), BOX, STRAIGHT, eyes(degrees)).astype(float)
    assert np.abs(aligned - upright).mean() < 4
    assert np.abs(leaning - upright).mean() > 15


@pytest.mark.parametrize("preprocessing", [STRAIGHT, ALIGNED])
@pytest.mark.parametrize("degrees", [-90, 90, 180])
def test_a_face_that_lies_is_cropped_as_if_it_stood_upright(degrees: float, preprocessing: Preprocessing) -> None:
    upright = crop_face(skimage.data.astronaut(), BOX, STRAIGHT).astype(float)
    lying = crop_face(turned(degrees), BOX, preprocessing, eyes(degrees)).astype(float)
    assert np.abs(lying - upright).mean() < 4


def test_without_landmarks_or_a_tilt_the_crop_is_the_straight_one() -> None:
    picture = skimage.data.astronaut()
    straight = crop_face(picture, BOX, STRAIGHT)
    assert np.array_equal(crop_face(picture, BOX, ALIGNED), straight)
    assert np.array_equal(crop_face(picture, BOX, ALIGNED, eyes(2)), straight)
    assert np.array_equal(crop_face(picture, BOX, STRAIGHT, eyes(40)), straight)


def test_edge_pixels_are_repeated_where_the_turned_square_leaves_the_photo() -> None:
    grey = np.full((60, 60, 3), 77, np.uint8)
    assert np.unique(crop_face(grey, BoundingBox(0, 0, 60, 60), ALIGNED, eyes(45))).tolist() == [77]


@pytest.mark.parametrize("degrees", [-60, 0, 25])
def test_the_tilt_is_that_of_the_eyes(degrees: float) -> None:
    assert measure_tilt(eyes(degrees)) == pytest.approx(degrees)
