import numpy as np
import pytest

from ml.detection.boxes import compute_overlaps, cut_patches, make_square, shift, suppress_overlapping


def boxes(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_overlaps_over_the_union_and_over_the_smaller_box() -> None:
    two = boxes((0, 0, 10, 10), (5, 0, 10, 10))
    assert compute_overlaps(two)[0, 1] == pytest.approx(0.5)
    assert compute_overlaps(two, over="smaller")[0, 1] == pytest.approx(1)
    assert compute_overlaps(boxes((0, 0, 1, 1), (5, 5, 6, 6)))[0, 1] == 0


def test_suppression_keeps_the_best_and_what_only_a_suppressed_box_overlaps() -> None:
    row = boxes((0, 0, 10, 10), (4, 0, 14, 10), (8, 0, 18, 10))
    assert suppress_overlapping(row, np.array([0.7, 0.9, 0.8], np.float32), 0.3).tolist() == [1]
    assert suppress_overlapping(row, np.array([0.9, 0.8, 0.7], np.float32), 0.3).tolist() == [0, 2]
    assert suppress_overlapping(row[:0], np.empty(0, np.float32), 0.3).tolist() == []


def test_shifts_by_shares_of_the_size_and_squares_around_the_centre() -> None:
    moved = shift(boxes((0, 0, 10, 20)), np.array([[0.1, 0, 0, -0.5]], np.float32))
    assert moved.tolist() == [[1, 0, 10, 10]]
    assert make_square(boxes((0, 0, 10, 20))).tolist() == [[-5, 0, 15, 20]]


def test_patches_are_exact_where_nothing_is_resized_and_grey_outside() -> None:
    image = np.random.default_rng(2).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    inside, outside = cut_patches(image, boxes((10, 20, 34, 44), (-100, -100, -76, -76)), 24)
    assert np.array_equal(inside, image[20:44, 10:34])
    assert np.unique(outside).tolist() == [128]
