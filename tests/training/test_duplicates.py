import numpy as np
import pytest
from skimage.data import lfw_subset

from training.duplicates import near_duplicates


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    """A hundred different real faces, (100, 48, 48)."""
    small: np.ndarray = (lfw_subset()[:100] * 255).astype(np.uint8)
    return small.repeat(2, axis=1).repeat(2, axis=2)[:, 1:49, 1:49]


def test_finds_darker_and_mirrored_copies(faces: np.ndarray) -> None:
    darker, mirrored = faces[3:5] // 2 + 10, faces[8:10, :, ::-1]
    assert near_duplicates(np.concatenate([darker, mirrored]), faces).all()


def test_other_people_are_no_duplicates(faces: np.ndarray) -> None:
    assert near_duplicates(faces[:50], faces[50:]).sum() <= 2
