"""Values counted in buckets, cheaply enough to be done for every frame."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate

from attrs import define, field

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds for durations of which milliseconds and seconds matter."""


@define(eq=False)
class Histogram:
    """How often a value lay between two bounds, and the sum of all values; none of them is negative.

    Other than a Prometheus client's histogram it has no labels and no lock: one increment and one addition a value.
    """

    bounds: tuple[float, ...] = SECONDS
    """Upper bounds of the buckets, ascending, each included in its bucket."""
    largest: float = 3600.0
    """What a value above this counts as: one that a peer made up would drown all others in the sum."""
    total: float = field(default=0.0, init=False)
    """Sum of the values."""
    _counts: list[int] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Count a value; a negative one, or one that is no number, as 0."""
        if not 0.0 <= value <= self.largest:
            value = self.largest if value > self.largest else 0.0
        self._counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self._counts)

    def cumulative(self) -> list[tuple[float, int]]:
        """Return for each bound, and for infinity, how many values were not above it."""
        return list(zip((*self.bounds, float("inf")), accumulate(self._counts), strict=True))
