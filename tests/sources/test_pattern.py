from __future__ import annotations

import trio

from skysentry_trio.sources.drawing import Pattern
from skysentry_trio.sources.encoder_target import EncoderTarget
from skysentry_trio.sources.frames import FrameSlot
from skysentry_trio.sources.pattern import PatternSource
from tests.jpegs import size_of


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
            assert trio.current_time() - start > 0.05
            nursery.cancel_scope.cancel()
    assert size_of(frame.jpeg) == (64, 36)
    assert first.captured_at == 1000.5
    assert first.jpeg == pattern.draw(1, 1000.5)


async def test_less_is_drawn_when_less_is_wanted() -> None:
    """Fewer and smaller pictures; those that nobody wants are counted."""
    pattern = Pattern("door", 64, 36)
    slot = FrameSlot()
    slot.set_target(EncoderTarget(max_fps=0.1, max_width=32, max_quality=20))
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            await nursery.start(PatternSource(pattern, 100, clock=lambda: 1000.5).run, slot)
            first = await slot.receive()
            while slot.dropped["demand"] < 5:  # noqa: ASYNC110 - nobody announces it
                await trio.sleep(0.01)
            slot.set_target(EncoderTarget(max_width=32))
            second = await slot.receive()
            nursery.cancel_scope.cancel()
    assert size_of(first.jpeg) == size_of(second.jpeg) == (32, 18)
    assert len(first.jpeg) < len(second.jpeg)
