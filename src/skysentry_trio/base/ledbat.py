"""Shared parts of the windows that follow the delay, as LEDBAT (RFC 6817) does, but count frames instead of bytes."""

from __future__ import annotations

import math
from collections import deque

from attrs import define, field

TARGET = 0.1
"""Seconds of queueing that we accept in order to keep the link full; RFC 6817 section 2.5 allows no more."""


def off_target(queueing: float) -> float:
    """Return by how many frames a window should grow in a round trip.

    The result is 1 on an empty link, and less than 0 if ``queueing`` is longer than `TARGET`.

    Args:
        queueing: seconds that a frame took longer than over an empty link.
    """
    return (TARGET - queueing) / TARGET


@define(eq=False)
class BaseDelay:
    """The delay of the empty link: the shortest delay of the current period and of some periods before it.

    Times are in seconds of the monotonic clock. Delays of older periods are forgotten, because a route may become
    longer (BASE_HISTORY in RFC 6817 section 2.4.2).
    """

    period: float
    """Length of a period in seconds; the next period begins with the first delay after its end."""
    periods: int
    """Number of periods that count, including the current one."""
    _least: deque[float] = field(init=False, repr=False)
    """The shortest delay of each period."""
    _period_ends: float = field(default=-math.inf, init=False)

    def __attrs_post_init__(self) -> None:
        self._least = deque(maxlen=self.periods)

    @property
    def least(self) -> float:
        """The shortest delay in seconds; infinite before the first call of `note`."""
        return min(self._least, default=math.inf)

    def is_over(self, now: float) -> bool:
        """Return whether the next delay begins a new period."""
        return now >= self._period_ends

    def note(self, delay: float, now: float) -> None:
        """Take into account a delay that was measured at ``now``."""
        if self.is_over(now):
            self._least.append(delay)
            self._period_ends = now + self.period
        else:
            self._least[-1] = min(self._least[-1], delay)
