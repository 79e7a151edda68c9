import numpy as np
import pytest
from skimage.data import lfw_subset
from skimage.feature import hog

from training.fit.baseline.config import CELL_SIDES, FEATURE_KINDS, NORMALISATIONS, CellSide, FeatureKind, Normalisation
from training.fit.baseline.edges import compute_edge_histograms
from training.fit.baseline.features import EXTRACTORS, NORMALISERS, extract, extract_lbp

LENGTHS = {"hog": 5 * 5 * 4 * 8, "lbp": 6 * 6 * 59, "hog+lbp": 5 * 5 * 4 * 8 + 6 * 6 * 59, "pixels": 48 * 48}


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    small: np.ndarray = (lfw_subset()[:10] * 200).astype(np.uint8)
    return small.repeat(2, axis=1).repeat(2, axis=2)[:, 1:49, 1:49]


def test_every_choice_has_its_function() -> None:
    assert tuple(EXTRACTORS) == FEATURE_KINDS
    assert tuple(NORMALISERS) == NORMALISATIONS


@pytest.mark.parametrize("kind", FEATURE_KINDS)
def test_features_have_their_length(faces: np.ndarray, kind: FeatureKind) -> None:
    features = extract(faces, kind)
    assert features.shape == (10, LENGTHS[kind])
    assert features.dtype == np.float32


@pytest.mark.parametrize("cell", CELL_SIDES)
def test_each_cell_is_counted_whole(faces: np.ndarray, cell: CellSide) -> None:
    shares = extract_lbp(faces[:1], cell).reshape(-1, 59) ** 2
    assert len(shares) == (48 // cell) ** 2
    assert shares.sum(axis=1) == pytest.approx(1)


def test_textures_do_not_change_with_contrast(faces: np.ndarray) -> None:
    assert (extract_lbp(faces // 2 * 2) == extract_lbp(faces // 2)).all()


def test_textures_hardly_change_with_brightness(faces: np.ndarray) -> None:
    before, after = (extract(each, "lbp") ** 2 for each in (faces, faces + 40))
    assert np.abs(before - after).sum() < 0.01 * before.sum()  # the rest comes from rounding interpolated neighbours


def test_textures_of_a_turned_face_differ(faces: np.ndarray) -> None:
    assert (extract_lbp(faces) != extract_lbp(faces.transpose(0, 2, 1).copy())).any(axis=1).all()


def test_edges_do_not_change_with_brightness_or_contrast(faces: np.ndarray) -> None:
    dim = faces // 2 * 2  # even numbers, so that halving loses nothing
    assert compute_edge_histograms(dim // 2 + 50, 8) == pytest.approx(compute_edge_histograms(dim, 8), abs=1e-3)


@pytest.mark.parametrize("cell", CELL_SIDES)
def test_edges_are_those_that_scikit_image_finds(faces: np.ndarray, cell: CellSide) -> None:
    ramp = np.add.outer(5 * np.arange(48), np.zeros(48)).astype(np.uint8)  # its gradients lie between two directions
    noise = np.random.default_rng(7).integers(0, 256, (20, 48, 48)).astype(np.uint8)
    every = np.concatenate([faces, noise, [ramp, ramp.T, ramp // 2 + ramp.T // 2, np.zeros_like(ramp)]])
    expected = [hog(each, 8, (cell, cell), (2, 2), block_norm="L2-Hys") for each in every]
    np.testing.assert_allclose(compute_edge_histograms(every, cell), expected, atol=1e-6)


@pytest.mark.parametrize("normalisation", ["intensity", "equalise"])
def test_dark_and_bright_copies_become_alike(faces: np.ndarray, normalisation: Normalisation) -> None:
    bright, dark = faces.astype(int) + 30, faces // 2
    evened = NORMALISERS[normalisation]
    before = np.abs(bright - dark).mean()
    after = np.abs(evened(bright.astype(np.uint8)).astype(int) - evened(dark).astype(int)).mean()
    assert after < before / 5


@pytest.mark.parametrize("normalisation", ["intensity", "equalise", "clahe"])
def test_faint_faces_gain_contrast(faces: np.ndarray, normalisation: Normalisation) -> None:
    faint = faces // 4 + 90
    assert NORMALISERS[normalisation](faint).std() > 2 * faint.std()


def test_a_face_of_one_grey_has_numbers_for_features() -> None:
    blank = np.full((1, 48, 48), 90, np.uint8)
    assert all(np.isfinite(extract(blank, kind, each)).all() for kind in FEATURE_KINDS for each in NORMALISATIONS)
