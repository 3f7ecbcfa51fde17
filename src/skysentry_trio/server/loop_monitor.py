"""Measure how late the event loop is: a delay of the loop delays every camera and every viewer."""

from __future__ import annotations

import random
from collections import deque

import trio
from attrs import define, field

from skysentry_trio.base.histogram import Histogram
from skysentry_trio.base.logs import LogLimiter, get_logger
from skysentry_trio.base.running_clock import time_lost

log = get_logger(__name__)

STALL = 0.1
"""If the scheduler is late by more than this many seconds, this counts as a stall."""
_SHORTEST_SLEEP, _LONGEST_SLEEP = 0.5, 1.0
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@define(eq=False)
class LoopMonitor:
    """Sleeps in a loop and records how much later than planned the scheduler wakes it."""

    lag: Histogram = field(factory=lambda: Histogram(_BOUNDS), init=False)
    """Histogram of the lateness, in seconds."""
    stalls: int = field(default=0, init=False)
    stalled: float = field(default=0.0, init=False)
    """Sum of the lateness in all stalls, in seconds."""
    # The samples of about a minute.
    _recent: deque[float] = field(factory=lambda: deque([0.0], maxlen=80), init=False, repr=False)
    _log_limit: LogLimiter = field(factory=lambda: LogLimiter(10.0), init=False, repr=False)

    @property
    def recent_maximum(self) -> float:
        """The greatest lateness of about the last minute, in seconds."""
        return max(self._recent)

    async def run(self) -> None:
        """Measure for ever."""
        while True:
            # A random interval, so that the samples do not always come together with other periodic work.
            due = trio.current_time() + random.uniform(_SHORTEST_SLEEP, _LONGEST_SLEEP)  # noqa: S311  (no secret)
            lost = time_lost()
            await trio.sleep_until(due)
            # The clock leaves out long pauses, but a delay is a delay, whatever its cause.
            self._count(max(trio.current_time() - due + time_lost() - lost, 0.0))

    def _count(self, late: float) -> None:
        self.lag.observe(late)
        self._recent.append(late)
        if late > STALL:
            self.stalls += 1
            self.stalled += late
            if (suppressed := self._log_limit.admit("stall", trio.current_time())) is not None:
                log.warning("event loop stalled", seconds=round(late, 3), suppressed=suppressed)
