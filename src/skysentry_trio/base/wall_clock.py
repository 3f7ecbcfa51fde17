"""The time of day, and by how much somebody has set it since the start."""

from __future__ import annotations

import time
from collections.abc import Callable

from attrs import define, field

_STEP = 0.25
"""Seconds by which the time of day may differ from a clock that nobody can set; a larger difference is a step."""


@define(eq=False)
class WallClock:
    """The time of day in seconds since the epoch; notices when a person or a time service sets the clock.

    A time that was noted before a step is corrected by adding the change of `shift` since then.
    """

    read_steady: Callable[[], float]
    """Returns the seconds of a clock that nobody can set."""
    shift: float = field(default=0.0, init=False)
    """Seconds by which the clock was set forward since the start, as far as `now` has noticed; negative for back."""
    _difference: float | None = field(default=None, init=False)

    def now(self, steady: float | None = None) -> float:
        """Return the time of day, and notice whether the clock was set since the last call.

        Args:
            steady: what `read_steady` has just returned, if the caller knows it; it is called for every frame.
        """
        wall = time.time()
        difference = wall - (self.read_steady() if steady is None else steady)
        if self._difference is None:
            self._difference = difference
        elif not -_STEP <= difference - self._difference <= _STEP:
            # This thread may have stood still between the two readings, so read again.
            wall = time.time()
            difference = wall - self.read_steady()
            if not -_STEP <= difference - self._difference <= _STEP:
                self.shift += difference - self._difference
        # Time services also set clocks by letting them run slightly faster or slower, which is no step.
        self._difference = difference
        return wall
