"""Limit the rate of events."""

from __future__ import annotations

from attrs import define, field


@define(eq=False)
class RateLimiter:
    """Let through at most ``rate`` events a second on average; times are seconds of one monotonic clock.

    This is the generic cell rate algorithm (ITU-T I.371). It makes one comparison for each event, and the average rate
    stays exact.
    """

    rate: float
    burst: float
    """Seconds by which an event may come too early."""
    _due: float = field(default=float("-inf"), init=False)

    def admit(self, now: float) -> bool:
        """Return whether an event at this time is within the rate, and count it if it is."""
        if now < self._due - self.burst:
            return False
        self._due = max(self._due, now) + 1 / self.rate
        return True
