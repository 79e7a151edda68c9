from dataclasses import replace

import numpy as np
import pytest

from training.fit.augmentation import AUGMENTATIONS, ERASED, augment, mix

LIGHT = AUGMENTATIONS["light"]


@pytest.fixture
def faces() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (16, 48, 48), dtype=np.uint8)


def test_keeps_shape_and_type_and_changes_every_face(faces: np.ndarray) -> None:
    augmented = augment(faces, LIGHT, np.random.default_rng(0))
    assert augmented.shape == faces.shape
    assert augmented.dtype == np.uint8
    assert (augmented != faces).any(axis=(1, 2)).all()


def test_leaves_the_originals_alone(faces: np.ndarray) -> None:
    before = faces.copy()
    augment(faces, LIGHT, np.random.default_rng(0))
    np.testing.assert_array_equal(faces, before)


def test_the_same_seed_gives_the_same_faces(faces: np.ndarray) -> None:
    first, same, other = (augment(faces, LIGHT, np.random.default_rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


def test_moves_a_face_only_a_little() -> None:
    face = np.zeros((1, 48, 48), np.uint8)
    face[0, 22:26, 22:26] = 255  # in the middle, so that mirroring and turning leave it there
    for seed in range(20):
        rows, columns = np.nonzero(augment(face, LIGHT, np.random.default_rng(seed))[0] > 127)
        assert abs(rows.mean() - 23.5) < 5
        assert abs(columns.mean() - 23.5) < 5


def test_fills_what_comes_into_view_with_the_edge() -> None:
    bright = np.full((4, 48, 48), 200, np.uint8)
    assert (augment(bright, LIGHT, np.random.default_rng(0)) == 200).all()


def test_strong_changes_hide_a_part_of_some_faces(faces: np.ndarray) -> None:
    strong = AUGMENTATIONS["strong"]
    changed = augment(np.tile(faces, (8, 1, 1)), strong, np.random.default_rng(0))
    of_one_grey = np.array([np.bincount(face.ravel()).max() / face.size for face in changed])
    assert 0.2 < np.mean(of_one_grey > ERASED[0]) < 0.4


def test_strong_changes_move_a_face_further_than_light_ones() -> None:
    line = np.zeros((64, 48, 48), np.uint8)
    line[:, :, 23:25] = 255
    light = augment(line, AUGMENTATIONS["light"], np.random.default_rng(3)).astype(float)
    unhidden = replace(AUGMENTATIONS["strong"], erasing=0.0)
    strong = augment(line, unhidden, np.random.default_rng(3)).astype(float)
    assert np.abs(strong - line).mean() > np.abs(light - line).mean()


def test_no_changes_leave_the_faces_as_they_are(faces: np.ndarray) -> None:
    np.testing.assert_array_equal(augment(faces, AUGMENTATIONS["none"], np.random.default_rng(0)), faces)


def test_small_faces_are_changed_too() -> None:
    small = np.full((2, 32, 32), 9, np.uint8)
    assert augment(small, AUGMENTATIONS["strong"], np.random.default_rng(0)).shape == (2, 32, 32)


def test_mixing_mixes_faces_and_targets_alike() -> None:
    inputs = np.arange(8, dtype=np.float32)[:, np.newaxis, np.newaxis, np.newaxis]
    targets = {"fer": np.eye(8, dtype=np.float32), "ferplus": 2 * np.eye(8, dtype=np.float32)}
    mixed, mixed_targets = mix(inputs, targets, 1.0, np.random.default_rng(4))
    np.testing.assert_allclose(mixed_targets["fer"].sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(mixed_targets["ferplus"], 2 * mixed_targets["fer"], rtol=1e-6)
    np.testing.assert_allclose(mixed_targets["fer"] @ np.arange(8), mixed.ravel(), rtol=1e-5)
