"""Values in buckets: each is counted once, where it belongs."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.histogram import SECONDS, Histogram


def test_a_bound_belongs_to_its_bucket() -> None:
    """As Prometheus has it: less or equal."""
    histogram = Histogram((1.0, 2.0))
    for value in (0.0, 1.0, 1.5, 2.0, 3.0):
        histogram.observe(value)

    assert histogram.cumulative() == [(1.0, 2), (2.0, 4), (math.inf, 5)]
    assert (histogram.count, histogram.total) == (5, 7.5)


def test_an_empty_one_has_all_buckets() -> None:
    """A rate can be computed from the first value on, as there was a zero before it."""
    histogram = Histogram()

    assert histogram.cumulative() == [(bound, 0) for bound in (*SECONDS, math.inf)]
    assert (histogram.count, histogram.total) == (0, 0.0)


@pytest.mark.parametrize(
    ("value", "counted"), [(-0.003, 0.0), (-math.inf, 0.0), (math.nan, 0.0), (1e300, 3600.0), (math.inf, 3600.0)]
)
def test_what_cannot_be_does_no_harm(value: float, counted: float) -> None:
    """Peers say when they took and painted a frame: whatever they say, the sum stays a number that never falls."""
    histogram = Histogram()
    histogram.observe(value)

    assert (histogram.count, histogram.total) == (1, counted)


@given(st.lists(st.floats()))
def test_every_value_is_counted_once(values: list[float]) -> None:
    """The last bucket has all of them, and none has fewer than the one before it."""
    histogram = Histogram()
    for value in values:
        histogram.observe(value)
    counts = [count for _, count in histogram.cumulative()]

    assert counts == sorted(counts)
    assert counts[-1] == histogram.count == len(values)
    assert 0 <= histogram.total < math.inf
