"""A clock that stands still while the process does not run, so that no deadline passes unnoticed by the peers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import trio
from attrs import define, field

LONGEST_STEP: Final = 1.0
"""Seconds between two looks at the clock that count in full. A longer pause counts as this long."""


@define(eq=False)
class RunningClock(trio.abc.Clock):
    """Trio's clock without the time for which the process was stopped: suspended, frozen, or ended by SIGSTOP.

    A stopped process hears nothing. Afterwards, every peer would seem to have been silent, and every deadline would
    have passed. With this clock, each deadline moves by the length of the pause.

    Trio looks at the clock in each pass of its loop, and says before it sleeps how long it will sleep at most. So a
    longer time between two looks was a pause.
    """

    _read: Callable[[], float] = time.perf_counter
    """Returns seconds of a clock that also counts the pauses."""
    lost: float = field(default=0.0, init=False)
    """Sum of the pauses in seconds."""
    _latest: float = field(default=float("inf"), init=False)
    """The latest time that the next look can see if the process runs without a pause."""

    def start_clock(self) -> None:
        """Do nothing: the clock always runs."""

    def current_time(self) -> float:
        """Return the seconds for which the process has run."""
        now = self._read() - self.lost
        if now > self._latest:
            self.lost += now - self._latest
            now = self._latest
        self._latest = now + LONGEST_STEP
        return now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Return the seconds to sleep until a deadline; a sleep of this length is no pause."""
        # Trio asks in each pass of its loop, so this does what `current_time` does without a call.
        now = self._read() - self.lost
        if now > self._latest:
            now = self.current_time()
        seconds = deadline - now
        self._latest = now + LONGEST_STEP + seconds if seconds > 0 else now + LONGEST_STEP
        return seconds


def time_lost() -> float:
    """Return the sum of the pauses in seconds, by the clock of the running Trio loop; 0 for any other clock."""
    clock = trio.lowlevel.current_clock()
    return clock.lost if isinstance(clock, RunningClock) else 0.0
