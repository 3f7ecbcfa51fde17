"""What windows have in common that follow the delay, as LEDBAT (RFC 6817) does; counted in frames instead of bytes."""

from __future__ import annotations

import math
from collections import deque

from attrs import define, field

TARGET = 0.1
"""Seconds of queueing along the way that are worth a full link; RFC 6817 section 2.5 allows no more."""


def off_target(queueing: float) -> float:
    """Return by how many frames a window should grow in a round trip: 1 on an empty link, less than 0 on a late one.

    Args:
        queueing: seconds that a frame took longer than over an empty link.
    """
    return (TARGET - queueing) / TARGET


@define(eq=False)
class BaseDelay:
    """The delay of the empty link: the least of this period and some before it; times are monotonic seconds.

    What was least long ago is forgotten, as a route may become longer (BASE_HISTORY in RFC 6817 section 2.4.2).
    """

    period: float
    """Seconds; the next begins with the first delay after that."""
    periods: int
    """Periods that count, with the one that goes on."""
    _least: deque[float] = field(init=False, repr=False)
    """By period."""
    _period_ends: float = field(default=-math.inf, init=False)

    def __attrs_post_init__(self) -> None:
        self._least = deque(maxlen=self.periods)

    @property
    def least(self) -> float:
        """Seconds; infinite before the first delay."""
        return min(self._least, default=math.inf)

    def is_over(self, now: float) -> bool:
        """Say whether the next delay begins a period."""
        return now >= self._period_ends

    def note(self, delay: float, now: float) -> None:
        """Take a delay into account."""
        if self.is_over(now):
            self._least.append(delay)
            self._period_ends = now + self.period
        else:
            self._least[-1] = min(self._least[-1], delay)
