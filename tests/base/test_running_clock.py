"""The time for which the process ran, with a time that the test moves; and with a process that is stopped."""

from __future__ import annotations

import time
from math import inf

import trio
import trio.testing
from attrs import define

from skysentry_trio.base.running_clock import LONGEST_STEP, RunningClock, time_lost
from skysentry_trio.server.loop_monitor import LoopMonitor


@define
class Time:
    """What the computer's own clock shows."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def test_time_in_which_the_process_ran_counts() -> None:
    """Steps of a busy loop, and the sleep that was announced, pass as on any clock."""
    seconds = Time()
    clock = RunningClock(seconds)
    start = clock.current_time()
    seconds.now += LONGEST_STEP
    assert clock.current_time() == start + LONGEST_STEP
    assert clock.deadline_to_sleep_time(start + 61.0) == 60.0
    seconds.now += 60.0
    assert clock.current_time() == start + 61.0
    assert clock.lost == 0.0


def test_a_pause_does_not_count() -> None:
    """Between two looks only a second passes, however long the process was stopped."""
    seconds = Time()
    clock = RunningClock(seconds)
    start = clock.current_time()
    seconds.now += 3600.0
    assert clock.current_time() == start + LONGEST_STEP
    assert clock.lost == 3600.0 - LONGEST_STEP
    seconds.now += 0.5
    assert clock.current_time() == start + LONGEST_STEP + 0.5


def test_a_pause_during_a_sleep_does_not_count() -> None:
    """A process that is stopped while it sleeps wakes at its deadline, not an hour later."""
    seconds = Time()
    clock = RunningClock(seconds)
    start = clock.current_time()
    clock.deadline_to_sleep_time(start + 10.0)
    seconds.now += 3600.0
    assert clock.current_time() == start + 10.0 + LONGEST_STEP


def test_a_deadline_that_has_passed_makes_no_room_for_a_pause() -> None:
    """Trio does not sleep then."""
    seconds = Time()
    clock = RunningClock(seconds)
    start = clock.current_time()
    assert clock.deadline_to_sleep_time(start - 5.0) == -5.0
    seconds.now += 100.0
    assert clock.current_time() == start + LONGEST_STEP


def test_a_sleep_without_an_end_is_no_pause() -> None:
    """A loop that waits for a peer and for no deadline may wait for ever."""
    seconds = Time()
    clock = RunningClock(seconds)
    start = clock.current_time()
    assert clock.deadline_to_sleep_time(inf) == inf
    seconds.now += 3600.0
    assert clock.current_time() == start + 3600.0


def test_deadlines_of_others_move_by_a_pause() -> None:
    """A peer that has two seconds left before the process is stopped for an hour still has about one afterwards."""
    stopped = 0.0

    def read() -> float:
        return time.perf_counter() + stopped

    async def stop_for_an_hour() -> tuple[bool, float]:
        nonlocal stopped
        with trio.move_on_after(2.0 * LONGEST_STEP) as deadline:
            await trio.lowlevel.checkpoint()
            stopped = 3600.0
            for _ in range(5):
                await trio.lowlevel.checkpoint()
        return deadline.cancelled_caught, time_lost()

    was_cut, lost = trio.run(stop_for_an_hour, clock=RunningClock(read))
    assert not was_cut
    assert 3590.0 < lost < 3601.0


def test_the_loop_monitor_still_sees_a_pause() -> None:
    """An operator learns of a pause although no deadline counts it."""
    stopped = 0.0

    async def stop_for_an_hour() -> float:
        nonlocal stopped
        monitor = LoopMonitor()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(monitor.run)
            await trio.testing.wait_all_tasks_blocked()
            stopped = 3600.0
            while not monitor.stalls:  # noqa: ASYNC110  (the monitor announces nothing)
                await trio.sleep(0.05)
            nursery.cancel_scope.cancel()
        return monitor.stalled

    stalled = trio.run(stop_for_an_hour, clock=RunningClock(lambda: time.perf_counter() + stopped))
    assert 3590.0 < stalled < 3601.0


def test_outside_of_this_clock_nothing_is_lost() -> None:
    """Programs that embed the server bring a clock of their own."""

    async def ask() -> float:
        return time_lost()

    assert trio.run(ask) == 0.0
