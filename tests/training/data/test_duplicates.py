import numpy as np
import pytest
from skimage.data import lfw_subset

from training.data.duplicates import (
    MIRRORED_BITS,
    SAME_HASH,
    compute_perceptual_hashes,
    find_near_duplicates,
    find_pairs,
)


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    """A hundred different real faces, (100, 48, 48)."""
    small: np.ndarray = (lfw_subset()[:100] * 255).astype(np.uint8)
    return small.repeat(2, axis=1).repeat(2, axis=2)[:, 1:49, 1:49]


def distances(faces: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Differing bits of the hashes, face by face."""
    differing: np.ndarray = np.bitwise_count(compute_perceptual_hashes(faces) ^ compute_perceptual_hashes(others))
    return differing


def test_finds_darker_and_mirrored_copies(faces: np.ndarray) -> None:
    darker, mirrored = faces[3:5] // 2 + 10, faces[8:10, :, ::-1]
    assert find_near_duplicates(np.concatenate([darker, mirrored]), faces).all()


def test_other_people_are_no_duplicates(faces: np.ndarray) -> None:
    assert find_near_duplicates(faces[:50], faces[50:]).sum() <= 2


def test_brightness_and_contrast_leave_the_hash_as_it_is(faces: np.ndarray) -> None:
    assert distances(faces, (faces * 0.5 + 40).astype(np.uint8)).max() <= 4


def test_a_crop_by_a_pixel_leaves_the_hash_nearly_as_it_is(faces: np.ndarray) -> None:
    cropped = np.pad(faces[:, 1:, 1:], ((0, 0), (0, 1), (0, 1)), mode="edge")
    near = distances(faces, cropped)
    assert (near <= SAME_HASH).mean() > 0.85
    assert near.max() < distances(faces[:50], faces[50:]).mean()


def test_a_mirror_images_hash_is_the_turned_one(faces: np.ndarray) -> None:
    turned = compute_perceptual_hashes(faces[:, :, ::-1]) ^ MIRRORED_BITS
    assert np.bitwise_count(turned ^ compute_perceptual_hashes(faces)).max() <= 2  # the difference is rounding at most


def test_different_faces_have_different_hashes(faces: np.ndarray) -> None:
    assert (distances(faces[:50], faces[50:]) > SAME_HASH).mean() > 0.95


def test_finds_each_pair_once_the_closest_first(faces: np.ndarray) -> None:
    chosen = faces[:20]
    brighter = chosen[2:3] // 2 + 100
    cropped = np.pad(chosen[5:6, 1:, 1:], ((0, 0), (0, 1), (0, 1)), mode="edge")
    pairs = find_pairs(np.concatenate([chosen, brighter, chosen[9:10, :, ::-1], cropped]))
    found = set(zip(pairs.first.tolist(), pairs.second.tolist(), pairs.mirrored.tolist(), strict=True))
    assert found == {(2, 20, False), (9, 21, True), (5, 22, False)}
    assert pairs.correlation.tolist() == sorted(pairs.correlation, reverse=True)


def test_pairs_are_found_across_blocks(faces: np.ndarray) -> None:
    random = np.random.default_rng(1)
    many = random.integers(0, 256, (600, 48, 48)).astype(np.uint8)
    many[3], many[555] = faces[0], faces[0] // 2
    pairs = find_pairs(many)
    assert (pairs.first.tolist(), pairs.second.tolist()) == ([3], [555])


def test_blank_faces_are_no_pair() -> None:
    assert len(find_pairs(np.full((3, 48, 48), 200, np.uint8))) == 0


def test_a_symmetric_face_and_its_copy_are_one_pair(faces: np.ndarray) -> None:
    half = faces[0][:, :24]
    symmetric = np.concatenate([half, half[:, ::-1]], axis=1)
    assert len(find_pairs(np.stack([symmetric, symmetric]))) == 1
