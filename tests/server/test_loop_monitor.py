"""Lateness of the event loop, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from skysentry_trio.server.loop_monitor import LoopMonitor


@pytest.fixture
async def monitor(mock_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LoopMonitor]:
    """Run a monitor that wants to wake once a second."""
    monkeypatch.setattr("random.uniform", lambda _shortest, longest: longest)
    monitor = LoopMonitor()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(monitor.run)
        await wait_all_tasks_blocked()
        yield monitor
        nursery.cancel_scope.cancel()


async def late(clock: MockClock, seconds: float) -> None:
    """Let the loop be held up until so many seconds after the monitor wanted to wake."""
    clock.jump(1.0 + seconds)
    await wait_all_tasks_blocked()


async def test_lateness_is_measured(monitor: LoopMonitor, mock_clock: MockClock) -> None:
    """Each time it wakes it counts how late that was; up to 100 ms is no stall."""
    for seconds in (0.0, 0.03, 0.09):
        await late(mock_clock, seconds)

    assert monitor.lag.count == 3
    assert monitor.lag.total == pytest.approx(0.12)
    assert monitor.recent_maximum == pytest.approx(0.09)
    assert (monitor.stalls, monitor.stalled) == (0, 0.0)


async def test_stalls_are_counted_and_logged_now_and_then(
    monitor: LoopMonitor, mock_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    """One line in ten seconds, which says how many were left out."""
    for seconds in (0.5, 0.25, 0.25, 0.0):
        await late(mock_clock, seconds)
    await late(mock_clock, 20.0)

    assert monitor.stalls == 4
    assert monitor.stalled == pytest.approx(21.0)
    lines = [record.msg for record in caplog.records]
    assert [(line["seconds"], line["suppressed"]) for line in lines if isinstance(line, dict)] == [(0.5, 0), (20.0, 2)]


async def test_the_maximum_is_of_the_last_minute(monitor: LoopMonitor, mock_clock: MockClock) -> None:
    """A stall of yesterday says nothing about now."""
    await late(mock_clock, 5.0)
    assert monitor.recent_maximum == pytest.approx(5.0)
    for _ in range(100):
        await late(mock_clock, 0.001)

    assert monitor.recent_maximum == pytest.approx(0.001)


async def test_it_sleeps_for_half_a_second_to_one(autojump_clock: MockClock) -> None:
    """Often enough to see a loop that is always late, seldom enough to cost nothing."""
    monitor = LoopMonitor()
    with trio.move_on_after(300):
        await monitor.run()

    assert 300 <= monitor.lag.count <= 600
    assert monitor.recent_maximum == 0.0
