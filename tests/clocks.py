"""Times of tests: a fixed moment, and a clock for tests with real sockets in which much time has to pass."""

from __future__ import annotations

import time

from attrs import define, field
from trio.abc import Clock

NOON = 1_795_953_600.0
"""2026-11-29 12:00:00 UTC."""
_RATE = 0.1


@define(eq=False)
class LeapingClock(Clock):
    """Goes ten times slower than real time, and further when it is told to; deadlines that are leapt over pass at once.

    What a slow machine needs for its work hardly counts so, and whatever hangs is ended all the same.
    """

    _ahead: float = field(default=1e6, init=False)

    def leap(self, seconds: float) -> None:
        """Be later by so much from now on."""
        self._ahead += seconds

    def start_clock(self) -> None:
        """Do nothing: real time goes on anyway."""

    def current_time(self) -> float:
        """Return seconds since some moment."""
        return time.perf_counter() * _RATE + self._ahead

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Return how long to wait for a deadline."""
        return (deadline - self.current_time()) / _RATE
