"""The time by which recordings grow old: a clock that is set forward makes nothing old at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from attrs import define, field

from skysentry_trio.base.logs import get_logger

log = get_logger(__name__)

_STEP: Final = 60.0
"""Seconds by which the clock may be ahead of a clock that nobody can set; more is a step."""
_DOUBT: Final = 86400.0
"""Seconds after which a clock that was set forward is believed: long enough for people to notice."""


def steady_time() -> float:
    """Return the seconds of a clock that nobody can set, and that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@define(eq=False)
class AgeClock:
    """The time of day, except that a step forward counts only after a day.

    Otherwise a clock that is set wrong would make the server delete recordings that nobody can bring back. A step back
    counts at once, because it makes recordings younger.
    """

    _wall: Callable[[], float] = time.time
    _steady: Callable[[], float] = steady_time
    _now: float | None = field(default=None, init=False)
    _read_at: float = field(default=0.0, init=False)
    _doubted_since: float | None = field(default=None, init=False)

    def now(self) -> float:
        """Return the time in seconds since the epoch."""
        wall, steady = self._wall(), self._steady()
        expected = wall if self._now is None else self._now + steady - self._read_at
        if wall - expected <= _STEP:
            self._doubted_since = None
            expected = wall
        elif self._doubted_since is None:
            self._doubted_since = steady
            log.warning("the clock was set forward; it makes no recordings older today", seconds=round(wall - expected))
        elif steady - self._doubted_since >= _DOUBT:
            self._doubted_since = None
            expected = wall
        self._now, self._read_at = expected, steady
        return expected
