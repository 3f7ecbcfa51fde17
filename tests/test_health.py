"""How the server says it is."""

from __future__ import annotations

import time

import pytest
import trio
from trio.testing import MockClock

from skysentry_trio.health import Health


async def test_a_server_begins_healthy() -> None:
    """Nothing fails and nothing drains before something happened."""
    before = time.time()
    health = Health()

    assert (health.failing, health.draining) == ({}, False)
    assert before <= health.started_at <= time.time()


async def test_the_uptime_does_not_follow_the_wall_clock(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day's jump of the wall clock adds nothing to the uptime."""
    health = Health()

    await trio.sleep(3)
    monkeypatch.setattr("time.time", lambda: 4e9)

    assert health.uptime() == pytest.approx(3)
