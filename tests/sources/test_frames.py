from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from skysentry_trio.sources.encoder_target import EncoderTarget
from skysentry_trio.sources.frames import FrameSlot, SourceFrame


def frame(number: int) -> SourceFrame:
    return SourceFrame(b"%d" % number, float(number))


async def test_a_frame_is_received_once() -> None:
    """What was put in comes out, and then the slot is empty."""
    slot = FrameSlot()
    slot.offer(frame(1))
    assert await slot.receive() == frame(1)
    with trio.move_on_after(0.01) as scope:
        await slot.receive()
    assert scope.cancelled_caught


async def test_newer_frames_replace_the_one_that_waits() -> None:
    """Only the newest frame is received; the others are counted."""
    slot = FrameSlot()
    for number in range(5):
        slot.offer(frame(number))
    assert await slot.receive() == frame(4)
    assert slot.dropped == {"behind": 4}


async def test_receive_waits_for_a_frame(autojump_clock: trio.testing.MockClock) -> None:
    """Who asks first gets the frame when it comes."""
    slot = FrameSlot()
    received: list[tuple[float, SourceFrame]] = []

    async def take() -> None:
        taken = await slot.receive()
        received.append((trio.current_time(), taken))

    async with trio.open_nursery() as nursery:
        start = trio.current_time()
        nursery.start_soon(take)
        await trio.sleep(3)
        slot.offer(frame(7))
    assert received == [(start + 3, frame(7))]
    assert not slot.dropped


async def test_the_last_frame_is_received_after_the_end() -> None:
    """A closed slot still gives what is in it, then ends."""
    slot = FrameSlot()
    slot.offer(frame(1))
    slot.close()
    assert await slot.receive() == frame(1)
    with pytest.raises(trio.EndOfChannel):
        await slot.receive()


async def test_closing_wakes_who_waits() -> None:
    """A waiting receiver learns of the end."""
    slot = FrameSlot()
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:

            async def take() -> None:
                with pytest.raises(trio.EndOfChannel):
                    await slot.receive()

            nursery.start_soon(take)
            await wait_all_tasks_blocked()
            slot.close()


async def test_a_source_begins_when_it_is_asked() -> None:
    """wait_asked returns once somebody wants a frame, and not before."""
    slot = FrameSlot()
    with trio.move_on_after(0.01) as scope:
        await slot.wait_asked()
    assert scope.cancelled_caught
    slot.offer(frame(1))
    await slot.receive()
    with trio.fail_after(1):
        await slot.wait_asked()


def test_a_new_frame_ends_the_trouble() -> None:
    """A source that has something again is not in trouble any more."""
    slot = FrameSlot()
    slot.trouble = "gone"
    slot.offer(frame(1))
    assert slot.trouble is None


async def test_pictures_that_nobody_wants_are_counted() -> None:
    """By the cause that was given, before any work was done for them."""
    now = 0.0
    slot = FrameSlot(clock=lambda: now)
    assert not slot.leaves_out()
    slot.set_target(EncoderTarget(max_fps=1))
    left_out = []
    for tick in range(15):
        now = tick / 10
        left_out.append(slot.leaves_out())
    assert left_out.count(False) == 2
    slot.set_target(EncoderTarget(max_fps=2, cause="uplink"))
    left_out = [slot.leaves_out(), slot.leaves_out()]
    assert left_out == [False, True]
    assert slot.dropped == {"demand": 13, "uplink": 1}
    assert slot.source_fps() == pytest.approx(10, abs=3)


async def test_more_that_is_wanted_is_wanted_at_once() -> None:
    """The moment that was chosen for the next frame at a low rate is of no interest then."""
    slot = FrameSlot(clock=lambda: 0.0)
    slot.set_target(EncoderTarget(max_fps=0.2))
    assert [slot.leaves_out(), slot.leaves_out()] == [False, True]
    slot.set_target(EncoderTarget(max_fps=0.2, max_width=100))
    assert slot.leaves_out()
    slot.set_target(EncoderTarget(max_fps=30))
    assert not slot.leaves_out()
    slot.set_target(EncoderTarget())
    assert not slot.leaves_out()
