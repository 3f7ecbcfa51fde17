"""What both directions of a flow need: how fast is allowed, and what became of something sent without waiting."""

from __future__ import annotations

from enum import Enum, auto

from attrs import define, field


class WriteResult(Enum):
    """What became of something that was to be sent at once."""

    ALL = auto()
    PART = auto()
    """It has begun: the rest has to be sent before anything else."""
    NOTHING = auto()


@define(eq=False)
class RateLimiter:
    """Let through at most ``rate`` events a second on average; times are seconds of one monotonic clock.

    The generic cell rate algorithm (ITU-T I.371): one comparison an event, and no drift from the rate.
    """

    rate: float
    burst: float
    """Seconds by which an event may come before its time."""
    _due: float = field(default=float("-inf"), init=False)

    def admit(self, now: float) -> bool:
        """Say whether an event at this time is within the rate, and count it if so."""
        if now < self._due - self.burst:
            return False
        self._due = max(self._due, now) + 1 / self.rate
        return True
