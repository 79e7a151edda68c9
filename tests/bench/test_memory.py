"""Test when the memory benchmark considers a worker's memory flat."""

from bench.memory import Sample, is_flat

FIRST = Sample(500, {1: 100, 2: 100})


def test_a_little_more_is_flat() -> None:
    assert is_flat([FIRST, Sample(1000, {1: 150, 2: 150}), Sample(1500, {1: 108, 2: 101})])


def test_growth_is_not_flat() -> None:
    assert not is_flat([FIRST, Sample(1000, {1: 120, 2: 101})])


def test_a_process_that_was_replaced_is_not_flat() -> None:
    assert not is_flat([FIRST, Sample(1000, {1: 100, 3: 100})])
