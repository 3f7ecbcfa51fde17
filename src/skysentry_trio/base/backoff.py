"""Try again after a failure, for ever, waiting longer each time and never all at once."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio
from attrs import define, field

T = TypeVar("T")


@define(eq=False)
class Backoff:
    """How long to wait before the next attempt: exponential with full jitter.

    Without jitter, a thousand clients that lost one server would all come back in the same moment, again and again.
    """

    random: Callable[[], float]
    """Returns a number from 0 up to 1."""
    first: float = 0.5
    """Seconds; the longest wait after the first failure."""
    longest: float = 30.0
    """Seconds; the longest wait of all."""
    lasting: float = 10.0
    """Seconds an attempt must have lasted to be counted as a success that failed later."""
    _failures: int = field(default=0, init=False)

    def delay_after(self, lasted: float) -> float:
        """Return the seconds to wait after an attempt that failed when it had lasted so many seconds."""
        if lasted >= self.lasting:
            self._failures = 0
        # 2 ** 16 times anything sensible is longer than the longest; without the bound, years make an overflow.
        ceiling = min(self.longest, math.ldexp(self.first, min(self._failures, 16)))
        self._failures += 1
        return self.random() * ceiling


async def keep_trying(
    attempt: Callable[[], Awaitable[T]],
    failure: type[Exception],
    backoff: Backoff,
    report: Callable[[Exception, float], None],
) -> T:
    """Run the attempt until it returns, and return what it returned.

    Args:
        attempt: what to try.
        failure: what it raises when another attempt may do better; anything else ends the trying.
        backoff: how long to wait between two attempts.
        report: is told each failure and the seconds until the next attempt.
    """
    while True:
        started = trio.current_time()
        try:
            return await attempt()
        except failure as error:
            delay = backoff.delay_after(trio.current_time() - started)
            report(error, delay)
        await trio.sleep(delay)
