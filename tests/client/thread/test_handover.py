from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
import trio

from skysentry_trio.client.thread.handover import Closed, Handover


def later(function: Callable[..., object], *args: object) -> threading.Timer:
    """Call a function in another thread, when whoever waits for it does so."""
    timer = threading.Timer(0.05, function, args)
    timer.start()
    return timer


def test_the_newest_value_is_taken() -> None:
    """Once; then there is none."""
    handover = Handover[int]()
    for number in range(5):
        handover.put("door", number)
    assert handover.wait(0) == 4
    with pytest.raises(TimeoutError, match="nothing came for 0 s"):
        handover.wait(0)


def test_keys_take_turns() -> None:
    """The one that has waited longest comes first, however often another was put."""
    handover = Handover[str]()
    handover.put("door", "old")
    handover.put("yard", "yard")
    handover.put("door", "new")
    assert handover.wait(0) == "new"
    handover.put("door", "newer")
    assert handover.wait(0) == "yard"
    assert handover.wait(0) == "newer"


def test_a_thread_waits() -> None:
    """Until a value is put by another one."""
    handover = Handover[int]()
    timer = later(handover.put, "door", 1)
    assert handover.wait(10) == 1
    timer.join()


async def test_trio_waits() -> None:
    """The loop goes on meanwhile."""
    handover = Handover[int]()
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await trio.sleep(0.005)
            turns += 1

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(turn)
            timer = later(handover.put, "door", 1)
            assert await handover.receive() == 1
            nursery.cancel_scope.cancel()
    timer.join()
    assert turns > 1


def test_asyncio_waits() -> None:
    """The loop goes on meanwhile."""
    handover = Handover[int]()

    async def receive() -> tuple[int, bool]:
        other = asyncio.create_task(asyncio.sleep(0.01))
        timer = later(handover.put, "door", 1)
        value = await asyncio.wait_for(handover.receive(), 10)
        timer.join()
        return value, other.done()

    assert asyncio.run(receive()) == (1, True)


async def test_who_always_finds_a_value_lets_others_have_their_turn() -> None:
    """Receiving can be cancelled even then."""
    handover = Handover[int]()
    with trio.move_on_after(0.05) as scope:
        while True:
            handover.put("door", 1)
            await handover.receive()
    assert scope.cancelled_caught


async def test_who_gave_up_takes_nothing() -> None:
    """A value that comes later is there for the next one who asks."""
    handover = Handover[int]()
    with trio.move_on_after(0.01):
        await handover.receive()
    handover.put("door", 1)
    assert await handover.receive() == 1


def test_who_gave_up_may_have_left_no_loop_behind() -> None:
    """Waking somebody whose loop has ended is no error."""
    handover = Handover[int]()

    async def give_up() -> None:
        with trio.move_on_after(0.01):
            await handover.receive()

    async def give_up_too() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(handover.receive(), 0.01)

    trio.run(give_up)
    asyncio.run(give_up_too())
    handover.put("door", 1)
    assert handover.wait(0) == 1


@pytest.mark.parametrize(("error", "raised"), [(None, Closed), (OSError("broken"), OSError)])
def test_the_end_wakes_those_who_wait(error: Exception | None, raised: type[Exception]) -> None:
    """And all who ask after it; what still waited is dropped."""
    handover = Handover[int]()
    timer = later(handover.end, error)
    with pytest.raises(raised):
        handover.wait(10)
    timer.join()
    handover.put("door", 1)
    with pytest.raises(raised):
        handover.wait(10)
    with pytest.raises(raised):
        asyncio.run(handover.receive())
