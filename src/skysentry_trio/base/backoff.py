"""Try again after a failure; the waits between two attempts are random and become longer."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio
from attrs import define, field

T = TypeVar("T")
E = TypeVar("E", bound=Exception)


@define(eq=False)
class Backoff:
    """Decides how long to wait before the next attempt: exponential back-off with full jitter.

    Without jitter, a thousand clients that lost one server would all come back in the same moment, after every wait.
    """

    random: Callable[[], float]
    """Returns a number from 0 up to 1."""
    first: float = 0.5
    """Longest wait after the first failure, in seconds."""
    longest: float = 4.0
    """Longest wait after any number of failures, in seconds."""
    lasting: float = 10.0
    """An attempt that lasted at least this many seconds counts as a success, although it failed later."""
    _failures: int = field(default=0, init=False)

    def note_success(self) -> None:
        """Note that the attempt has done what it is for, such as carrying a frame: the next wait is the shortest."""
        self._failures = 0

    def delay_after(self, lasted: float) -> float:
        """Return the seconds to wait after a failed attempt that lasted ``lasted`` seconds."""
        if lasted >= self.lasting:
            self._failures = 0
        # 2 ** 16 is more than enough; without this bound, the number would overflow after about a thousand failures.
        ceiling = min(self.longest, math.ldexp(self.first, min(self._failures, 16)))
        self._failures += 1
        return self.random() * ceiling


async def keep_trying(
    attempt: Callable[[], Awaitable[T]],
    failure: type[E],
    backoff: Backoff,
    report: Callable[[E, float], None],
    more_wait: Callable[[E], float] = lambda _: 0.0,
) -> T:
    """Run the attempt until it succeeds, and return its result.

    Args:
        attempt: what to try.
        failure: the error after which to try again; any other error is raised.
        backoff: decides how long to wait between two attempts.
        report: called with each failure and the seconds until the next attempt.
        more_wait: returns the seconds that the wait after a failure has in addition to the wait of the back-off.
    """
    while True:
        started = trio.current_time()
        try:
            return await attempt()
        except failure as error:
            delay = backoff.delay_after(trio.current_time() - started) + more_wait(error)
            report(error, delay)
        await trio.sleep(delay)
