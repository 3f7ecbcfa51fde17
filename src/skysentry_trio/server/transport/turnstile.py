"""Let few tasks begin to end in the same pass of the event loop, so that all other tasks run in between.

Trio runs every task that is ready before it looks at the sockets and the clock again. If hundreds of peers hang up at
the same moment, all tasks that serve them are ready at once, and each has about a millisecond of work to clean up.
"""

from __future__ import annotations

from typing import Final

import trio
from attrs import define, field

_AT_ONCE: Final = 4
"""Number of tasks that get through in one pass of the event loop."""


@define(eq=False)
class Turnstile:
    """Makes tasks wait before expensive work, and lets a few of them through in each pass of the event loop."""

    _slots: trio.Semaphore = field(factory=lambda: trio.Semaphore(_AT_ONCE), init=False, repr=False)

    async def pass_through(self) -> None:
        """Wait to be let through; the tasks get through in the order in which they came."""
        # A task that waits here wakes up in the next pass, so each slot is free again only then.
        async with self._slots:
            pass
