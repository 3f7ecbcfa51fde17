from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from typing import Any

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from skysentry_trio.base.sink import WriteResult
from skysentry_trio.server.transport.heartbeat import Heartbeat
from tests.loop_passes import counting_passes

INTERVAL, TIMEOUT = 10.0, 4.0


@define(eq=False)
class FakeLane:
    """A peer that notes when it is pinged, and says something a while later, or nothing."""

    answers_after: float | None
    writes_for: float = 0.0
    """Seconds until there is room for a ping."""
    room: int = 0
    """Bytes of a ping for which there is room at once; 0 for room for all of it."""
    begun_at: float = field(factory=trio.current_time, init=False)
    pings: list[float] = field(factory=list, init=False)
    heard: int = field(default=0, init=False)
    aborted_at: float | None = field(default=None, init=False)
    lost: bool = field(default=False, init=False)

    @property
    def reader(self) -> FakeLane:
        return self

    @property
    def writer(self) -> FakeLane:
        return self

    def try_send(self, frame: bytes) -> WriteResult:
        if self.writes_for or self.lost:
            return WriteResult.NOTHING
        if self.room:
            self._take(frame[: self.room])
            return WriteResult.PART
        self._take(frame)
        return WriteResult.ALL

    async def finish(self) -> None:
        await trio.lowlevel.checkpoint()

    def _take(self, frame: bytes) -> None:
        self.pings.append(trio.current_time() - self.begun_at)
        if self.answers_after is not None:
            trio.lowlevel.spawn_system_task(self._answer, self.answers_after)

    async def send(self, frame: bytes) -> None:
        assert frame == b"\x89\x00"
        if self.lost:
            raise trio.BrokenResourceError
        await trio.sleep(self.writes_for)
        self._take(frame)

    async def _answer(self, seconds: float) -> None:
        await trio.sleep(seconds)
        self.heard += 1

    def abort(self) -> None:
        self.aborted_at = trio.current_time() - self.begun_at


@pytest.fixture
async def heartbeat() -> AsyncIterator[Heartbeat]:
    """Run a heartbeat."""
    beating = Heartbeat(INTERVAL, TIMEOUT)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(beating.run)
        yield beating
        nursery.cancel_scope.cancel()


async def test_who_answers_is_asked_again_and_again(heartbeat: Heartbeat, autojump_clock: MockClock) -> None:
    """A ping every interval, to each by the time at which it came."""
    one, other = FakeLane(answers_after=1), FakeLane(answers_after=1)
    with heartbeat.watch(one):  # type: ignore[arg-type]
        await trio.sleep(3)
        with heartbeat.watch(other):  # type: ignore[arg-type]
            await trio.sleep(32)
    assert one.pings == [10, 20, 30]
    assert other.pings == [13, 23, 33]
    assert (one.aborted_at, other.aborted_at) == (None, None)


async def test_a_ping_takes_a_task_of_its_own_only_when_it_must_wait(
    heartbeat: Heartbeat, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With thousands of idle peers, these tasks would be most of the work."""
    waited, ping_later = list[int](), Heartbeat._ping_later

    async def count(self: Heartbeat, number: int, send: Callable[[], Awaitable[None]], heard: int) -> None:
        waited.append(number)
        await ping_later(self, number, send, heard)

    monkeypatch.setattr(Heartbeat, "_ping_later", count)
    quick = [FakeLane(answers_after=1) for _ in range(50)]
    slow, partly = FakeLane(answers_after=1, writes_for=1), FakeLane(answers_after=1, room=1)
    with ExitStack() as stack:
        for lane in (*quick, slow, partly):
            stack.enter_context(heartbeat.watch(lane))  # type: ignore[arg-type]
        await trio.sleep(12)
    assert sorted(waited) == [50, 51]
    assert [lane.pings for lane in quick] == [[10]] * 50
    assert (slow.pings, partly.pings) == ([11], [10])


async def test_who_says_nothing_is_cut_off(heartbeat: Heartbeat, autojump_clock: MockClock) -> None:
    """After the timeout, and whoever answers beside it stays."""
    silent, other = FakeLane(answers_after=None), FakeLane(answers_after=3.9)
    with heartbeat.watch(silent), heartbeat.watch(other):  # type: ignore[arg-type]
        await trio.sleep(49)
    assert (silent.pings, silent.aborted_at) == ([10], 14)
    assert (other.pings, other.aborted_at) == ([10, 20, 30, 40], None)


async def test_a_timeout_longer_than_the_interval_is_waited_for(autojump_clock: MockClock) -> None:
    """The next ping goes out when the last was answered in time, not before it could be."""
    heartbeat, fast_path = Heartbeat(2.0, 5.0), FakeLane(answers_after=4)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(heartbeat.run)
        with heartbeat.watch(fast_path):  # type: ignore[arg-type]
            await trio.sleep(15)
        nursery.cancel_scope.cancel()
    assert (fast_path.pings, fast_path.aborted_at) == ([2, 7, 12], None)


@pytest.mark.parametrize("seconds", [5, 10.5, 12])
async def test_who_has_left_is_left_alone(heartbeat: Heartbeat, seconds: float, autojump_clock: MockClock) -> None:
    """Before its first ping, or while an answer is due."""
    fast_path = FakeLane(answers_after=None)
    with heartbeat.watch(fast_path):  # type: ignore[arg-type]
        await trio.sleep(seconds)
    await trio.sleep(30)
    assert fast_path.aborted_at is None
    assert len(fast_path.pings) == (seconds > INTERVAL)


async def test_who_cannot_be_pinged_is_for_others_to_close(heartbeat: Heartbeat, autojump_clock: MockClock) -> None:
    """Its own task knows already, and nobody else is disturbed."""
    lost, other = FakeLane(answers_after=None), FakeLane(answers_after=1)
    lost.lost = True
    with heartbeat.watch(lost), heartbeat.watch(other):  # type: ignore[arg-type]
        await trio.sleep(25)
    assert (lost.aborted_at, other.pings) == (None, [10, 20])


async def test_who_leaves_while_a_ping_waits_for_room_is_forgotten(
    heartbeat: Heartbeat, autojump_clock: MockClock
) -> None:
    """A peer that reads nothing holds up its own ping only."""
    slow = FakeLane(answers_after=None, writes_for=7)
    with heartbeat.watch(slow):  # type: ignore[arg-type]
        await trio.sleep(12)
    await trio.sleep(30)
    assert slow.aborted_at is None


async def test_many_peers_are_pinged_together(
    heartbeat: Heartbeat, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Peers that came within a second are looked at ten times in a second, not once for each of them."""
    looks = set[float]()
    attend = Heartbeat._attend

    def count(self: Heartbeat, *arguments: Any) -> None:
        looks.add(trio.current_time())
        attend(self, *arguments)

    monkeypatch.setattr(Heartbeat, "_attend", count)
    lanes = list[FakeLane]()
    with ExitStack() as stack:
        for _ in range(200):
            lanes.append(FakeLane(answers_after=1))
            stack.enter_context(heartbeat.watch(lanes[-1]))  # type: ignore[arg-type]
            await trio.sleep(0.005)
        await trio.sleep(12)
    assert [len(lane.pings) for lane in lanes] == [1] * 200
    assert all(INTERVAL <= lane.pings[0] <= INTERVAL + 0.11 for lane in lanes)
    assert len(looks) <= 12


async def test_other_tasks_run_between_the_pings_of_a_crowd(heartbeat: Heartbeat, autojump_clock: MockClock) -> None:
    """A thousand peers that came at the same moment do not get their pings in one pass of the event loop."""
    counts = Counter[int]()

    class Lane(FakeLane):
        def try_send(self, frame: bytes) -> WriteResult:
            counts[passes.number] += 1
            return super().try_send(frame)

    with ExitStack() as stack, counting_passes() as passes:
        for _ in range(1000):
            stack.enter_context(heartbeat.watch(Lane(answers_after=None)))  # type: ignore[arg-type]
        await trio.sleep(INTERVAL + 1)
    assert counts.total() == 1000
    assert max(counts.values()) == 32
