"""Histograms that are fast enough to count a value for every frame."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate

from attrs import define, field

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds, from 5 milliseconds to 10 seconds."""


@define(eq=False)
class Histogram:
    """Counts how many values lie between each two bounds, and adds up all values; values are not negative.

    Unlike a histogram of prometheus_client, this one has no labels and no lock, so counting a value is cheap.
    """

    bounds: tuple[float, ...] = SECONDS
    """Upper bounds of the buckets, ascending, each included in its bucket."""
    largest: float = 3600.0
    """A larger value counts as this value; otherwise one false value from a peer would dominate the sum."""
    total: float = field(default=0.0, init=False)
    """Sum of the values."""
    _counts: list[int] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Count a value; a negative value or NaN counts as 0."""
        if not 0.0 <= value <= self.largest:
            value = self.largest if value > self.largest else 0.0
        self._counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """Number of values."""
        return sum(self._counts)

    def cumulative(self) -> list[tuple[float, int]]:
        """Return for each bound, and for infinity, how many values are not above this bound."""
        return list(zip((*self.bounds, float("inf")), accumulate(self._counts), strict=True))
