from __future__ import annotations

import pytest
import trio

from skysentry_trio.client.engine.server_clock import ServerClock, keep_asking
from skysentry_trio.wire.messages import ClockReply

AHEAD = 1000.0
"""Seconds since the epoch by the server's clock, minus ours, which is monotonic."""


def exchange(
    clock: ServerClock, asked: float, there: float = 0.01, back: float = 0.01, ahead: float = AHEAD
) -> float | None:
    """Ask, and be answered after ways that took so long."""
    question = clock.ask(asked, wall_clock=asked)
    return clock.take_answer(ClockReply(question.sent_at, (asked + there + ahead) * 1000), asked + there + back)


def test_before_an_answer_nothing_is_known() -> None:
    """A server that never answers has no clock."""
    clock = ServerClock()
    clock.ask(0.0, 0.0)
    assert not clock.is_known
    assert clock.epoch(1.0) is None


def test_the_clock_goes_on_from_an_answer() -> None:
    """Half of the round trip is taken for the way back."""
    clock = ServerClock()
    assert exchange(clock, 5.0) == pytest.approx(0.02)
    assert clock.is_known
    assert clock.epoch(7.0) == pytest.approx(7.0 + AHEAD)


def test_the_quickest_answer_counts() -> None:
    """One that waited behind a queue on the way there would put the clock out by half of the wait."""
    clock = ServerClock()
    exchange(clock, 0.0)
    exchange(clock, 1.0, there=0.8)
    assert clock.epoch(3.0) == pytest.approx(3.0 + AHEAD)


def test_a_newer_answer_replaces_an_old_one_in_time() -> None:
    """Clocks drift: what was measured long ago is worth less than a somewhat slower answer of now."""
    clock = ServerClock()
    exchange(clock, 0.0, 0.01, 0.01)
    exchange(clock, 10.0, 0.015, 0.015, ahead=AHEAD + 0.001)
    assert clock.epoch(10.0) == pytest.approx(10.0 + AHEAD)
    exchange(clock, 300.0, 0.015, 0.015, ahead=AHEAD + 0.001)
    assert clock.epoch(300.0) == pytest.approx(300.0 + AHEAD + 0.001)


def test_a_clock_that_was_set_is_believed() -> None:
    """An answer that cannot be true together with the best one is about another time."""
    clock = ServerClock()
    exchange(clock, 0.0)
    exchange(clock, 1.0, there=0.05, back=0.05, ahead=AHEAD + 3600)
    assert clock.epoch(2.0) == pytest.approx(2.0 + AHEAD + 3600)


@pytest.mark.parametrize("server_at", [-1.0, 1e18, 1e308])
def test_a_time_that_no_clock_shows_is_not_believed(server_at: float) -> None:
    """The answer is a receipt all the same."""
    clock = ServerClock()
    question = clock.ask(1.0, wall_clock=1.0)
    assert clock.take_answer(ClockReply(question.sent_at, server_at), 1.5) == 0.5
    assert not clock.is_known


def test_only_answers_to_our_questions_count() -> None:
    """Others are ignored, and so are second answers."""
    clock = ServerClock()
    assert clock.take_answer(ClockReply(1.0, 2.0), 3.0) is None
    first, second = clock.ask(0.0, 100.0), clock.ask(0.1, 100.1)
    assert clock.take_answer(ClockReply(second.sent_at, 0.0), 0.2) == pytest.approx(0.1)
    assert clock.take_answer(ClockReply(second.sent_at, 0.0), 0.3) is None
    assert clock.take_answer(ClockReply(first.sent_at, 0.0), 0.3) is None


async def test_questions_come_often_at_first(autojump_clock: trio.testing.MockClock) -> None:
    """Four within a second, then one every fifteen seconds."""
    asked: list[float] = []
    start = trio.current_time()

    async def send(_message: str) -> None:
        asked.append(trio.current_time() - start)

    with trio.move_on_after(40):
        await keep_asking(ServerClock(), send)
    assert asked == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 15.8, 30.8])


@pytest.mark.parametrize("step", [-3600.0, -1.5, 1.5, 600.0])
def test_frames_show_that_the_clock_was_set(step: float) -> None:
    """A frame from the future, and one that is suddenly older, make the next question come soon."""
    clock = ServerClock()
    exchange(clock, 0.0)
    clock.check("door", 1.0 + AHEAD - 0.5, 1.0)
    assert not clock.doubted.is_set()
    clock.check("door", 2.0 + AHEAD - 0.5 + step, 2.0)
    assert clock.doubted.is_set()


def test_an_old_frame_of_the_ring_shows_nothing() -> None:
    """The first frame of a camera may be of any age, and the next ones may come late."""
    clock = ServerClock()
    clock.check("door", 0.0, 1.0)
    exchange(clock, 0.0)
    clock.check("door", 1.0 + AHEAD - 3600, 1.0)
    clock.check("yard", 1.0 + AHEAD - 0.1, 1.0)
    clock.check("yard", 2.0 + AHEAD - 0.9, 2.0)
    assert not clock.doubted.is_set()


async def test_a_doubted_clock_is_asked_again_within_a_second(autojump_clock: trio.testing.MockClock) -> None:
    """But not more often than that, however many frames raise doubts."""
    clock, asked, start = ServerClock(), list[float](), trio.current_time()

    async def send(_message: str) -> None:
        asked.append(trio.current_time() - start)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_asking, clock, send)
        await trio.sleep(5)
        clock.doubted.set()
        await trio.sleep(0.01)
        clock.doubted.set()
        await trio.sleep(20)
        nursery.cancel_scope.cancel()
    assert asked == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 5.0, 6.0, 21.0])
