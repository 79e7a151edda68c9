from dataclasses import replace

import numpy as np
import pytest

from training.fit.augmentation import AUGMENTATIONS, augment
from training.fit.degradation import Degradation, degrade, draw_tone_curves

NOTHING = Degradation(toned=0, shrunk=0, blurred=0, compressed=0)


@pytest.fixture
def faces() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (64, 48, 48), dtype=np.uint8)


def changed_by(faces: np.ndarray, by: Degradation, seed: int = 0) -> float:
    """The mean change of a grey level."""
    return float(np.abs(degrade(faces, by, np.random.default_rng(seed)).astype(int) - faces).mean())


def test_keeps_shape_and_type_and_the_originals(faces: np.ndarray) -> None:
    before = faces.copy()
    degraded = degrade(faces, Degradation(), np.random.default_rng(0))
    assert degraded.shape == faces.shape
    assert degraded.dtype == np.uint8
    np.testing.assert_array_equal(faces, before)


def test_the_same_seed_gives_the_same_faces(faces: np.ndarray) -> None:
    first, same, other = (degrade(faces, Degradation(), np.random.default_rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


def test_without_any_chance_nothing_changes(faces: np.ndarray) -> None:
    np.testing.assert_array_equal(degrade(faces, NOTHING, np.random.default_rng(0)), faces)


def test_tone_curves_never_fall_and_keep_black() -> None:
    curves = draw_tone_curves(500, Degradation(), np.random.default_rng(0))
    assert curves.shape == (500, 256)
    assert (np.diff(curves.astype(int), axis=1) >= 0).all()
    assert (curves[:, 0] == 0).all()


def test_gamma_stays_within_its_bounds() -> None:
    of_gamma_only = Degradation(contrast=0, exposure=(1, 1))
    middle = draw_tone_curves(500, of_gamma_only, np.random.default_rng(0))[:, 128] / 255
    darkest, brightest = (128 / 255) ** 2, (128 / 255) ** 0.5
    assert darkest - 0.002 <= middle.min() < darkest + 0.02
    assert brightest - 0.02 < middle.max() <= brightest + 0.002


def test_contrast_turns_the_middle_and_keeps_the_ends() -> None:
    curves = draw_tone_curves(500, Degradation(gamma=(1, 1), exposure=(1, 1)), np.random.default_rng(0)).astype(int)
    slope = (curves[:, 136] - curves[:, 120]) / 16
    assert 0.65 < slope.min() < 0.8  # 1 - 0.6 / 2, and 1 + 0.6 / 2
    assert 1.2 < slope.max() < 1.35
    assert (curves[:, 255] == 255).all()


@pytest.mark.parametrize(
    "by",
    [
        replace(NOTHING, toned=0.4),
        replace(NOTHING, shrunk=0.4),
        replace(NOTHING, blurred=0.4),
        replace(NOTHING, compressed=0.4),
    ],
)
def test_each_kind_happens_as_often_as_it_says(faces: np.ndarray, by: Degradation) -> None:
    many = np.tile(faces, (10, 1, 1))
    degraded = degrade(many, by, np.random.default_rng(0))
    share = (degraded != many).any(axis=(1, 2)).mean()
    assert 0.33 < share < 0.46


def test_the_fewer_pixels_and_the_worse_the_file_the_more_is_lost(faces: np.ndarray) -> None:
    shrunk = [changed_by(faces, replace(NOTHING, shrunk=1, side=(side, side))) for side in (48, 34, 20)]
    compressed = [changed_by(faces, replace(NOTHING, compressed=1, quality=(each, each))) for each in (95, 60, 30)]
    blurred = [changed_by(faces, replace(NOTHING, blurred=1, blur=blur)) for blur in (0.3, 0.8)]
    assert shrunk[0] == 0
    assert shrunk == sorted(shrunk)
    assert compressed == sorted(compressed)
    assert blurred == sorted(blurred)


def test_an_even_face_stays_even_however_poor_the_photo() -> None:
    even = np.full((32, 48, 48), 120, np.uint8)
    degraded = degrade(even, replace(Degradation(), toned=0), np.random.default_rng(0)).astype(int)
    assert np.abs(degraded - 120).max() <= 2


def test_photos_are_cropped_between_the_margins() -> None:
    bright = np.zeros((400, 48, 48), np.uint8)
    bright[:, 12:36, 12:36] = 255
    by = replace(AUGMENTATIONS["photo"], rotation=0, shear=0, shift=0, erasing=0, degradation=None)
    sides = np.sqrt(augment(bright, by, np.random.default_rng(0)).sum(axis=(1, 2)) / 255)
    assert 24 / 1.3 - 0.5 <= sides.min() < 24 / 1.2
    assert 24 / 0.9 < sides.max() <= 24 / 0.8 + 0.5


@pytest.mark.parametrize("size", [32, 48])
def test_photos_are_degraded_at_any_size(size: int) -> None:
    faces = np.random.default_rng(1).integers(0, 256, (16, size, size), dtype=np.uint8)
    first, same = (augment(faces, AUGMENTATIONS["photo"], np.random.default_rng(3)) for _ in range(2))
    assert first.shape == faces.shape
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, same)
