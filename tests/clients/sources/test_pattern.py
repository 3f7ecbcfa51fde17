from __future__ import annotations

import pytest
import trio

from skysentry_trio.clients.sources.drawing import Pattern
from skysentry_trio.clients.sources.frames import FrameSlot
from skysentry_trio.clients.sources.pattern import PatternSource

from .pictures import size_of


async def test_the_pattern_comes_at_its_rate() -> None:
    """Frames are numbered from 1, stamped with the clock, and as many a second as asked for."""
    pattern = Pattern("door", 64, 36)
    slot = FrameSlot()
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            await nursery.start(PatternSource(pattern, 50, clock=lambda: 1000.5).run, slot)
            first = await slot.receive()
            start = trio.current_time()
            for _ in range(10):
                frame = await slot.receive()
            assert trio.current_time() - start == pytest.approx(0.2, abs=0.15)
            nursery.cancel_scope.cancel()
    assert size_of(frame.jpeg) == (64, 36)
    assert first.captured_at == 1000.5
    assert first.jpeg == pattern.draw(1, 1000.5)
