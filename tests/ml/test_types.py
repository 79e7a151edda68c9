import pytest

from ml.types import BoundingBox


def test_the_overlap_is_the_intersection_over_the_union() -> None:
    box = BoundingBox(10, 10, 20, 10)
    assert box.overlap(box) == 1
    assert box.overlap(BoundingBox(20, 10, 20, 10)) == pytest.approx(1 / 3)
    assert box.overlap(BoundingBox(15, 12, 4, 5)) == pytest.approx(20 / 200)
    assert box.overlap(BoundingBox(30, 10, 5, 5)) == 0  # side by side
    assert box.overlap(BoundingBox(50, 50, 5, 5)) == 0
