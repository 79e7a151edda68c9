import numpy as np
import pytest

from training.augment import AUGMENTATIONS, augment

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
