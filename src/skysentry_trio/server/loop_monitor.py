"""How late the event loop is: whatever holds it up holds up every camera and every viewer."""

from __future__ import annotations

import random
from collections import deque

import trio
from attrs import define, field

from skysentry_trio.base.histogram import Histogram
from skysentry_trio.base.logs import LogLimiter, get_logger

log = get_logger(__name__)

STALL = 0.1
"""Seconds of lateness from which on it is called a stall."""
_SHORTEST_SLEEP, _LONGEST_SLEEP = 0.5, 1.0
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@define(eq=False)
class LoopMonitor:
    """Sleeps again and again, and counts how much later than it wanted it is woken."""

    lag: Histogram = field(factory=lambda: Histogram(_BOUNDS), init=False)
    """Seconds."""
    stalls: int = field(default=0, init=False)
    stalled: float = field(default=0.0, init=False)
    """Seconds of lateness in those stalls."""
    # As many as there are in about a minute.
    _recent: deque[float] = field(factory=lambda: deque([0.0], maxlen=80), init=False, repr=False)
    _log_limit: LogLimiter = field(factory=lambda: LogLimiter(10.0), init=False, repr=False)

    @property
    def recent_maximum(self) -> float:
        """The largest lateness of about the last minute, in seconds."""
        return max(self._recent)

    async def run(self) -> None:
        """Watch for ever."""
        while True:
            # By chance, so as not to fall into step with anything else that comes regularly.
            due = trio.current_time() + random.uniform(_SHORTEST_SLEEP, _LONGEST_SLEEP)  # noqa: S311  (no secret)
            await trio.sleep_until(due)
            self._count(max(trio.current_time() - due, 0.0))

    def _count(self, late: float) -> None:
        self.lag.observe(late)
        self._recent.append(late)
        if late > STALL:
            self.stalls += 1
            self.stalled += late
            if (suppressed := self._log_limit.admit("stall", trio.current_time())) is not None:
                log.warning("event loop stalled", seconds=round(late, 3), suppressed=suppressed)
