"""The test pattern as a source, at a steady rate."""

from __future__ import annotations

import time
from collections.abc import Callable

import trio
from attrs import define

from skysentry_trio.sources.drawing import Pattern
from skysentry_trio.sources.frames import FrameSlot, SourceFrame
from skysentry_trio.sources.pacing import FramePacer


@define(eq=False)
class PatternSource:
    """Draws the pattern ``fps`` times a second, for ever."""

    pattern: Pattern
    fps: float
    clock: Callable[[], float] = time.time

    async def run(self, slot: FrameSlot, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Fill the slot until cancelled."""
        task_status.started()
        await slot.wait_asked()
        pacer = FramePacer(self.fps)
        limiter = trio.CapacityLimiter(1)
        number = 0
        while True:
            await pacer.wait()
            number += 1
            if slot.leaves_out():
                continue
            now = self.clock()
            jpeg = await trio.to_thread.run_sync(self.pattern.draw, number, now, slot.target, limiter=limiter)
            slot.offer(SourceFrame(jpeg, now))
