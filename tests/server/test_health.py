"""How the server says it is."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from skysentry_trio.server.health import Health


async def test_a_server_begins_healthy() -> None:
    """Nothing fails and nothing drains before something happened."""
    health = Health()

    assert (health.failing, health.draining) == ({}, False)


async def test_the_uptime_does_not_follow_the_wall_clock(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day's jump of the wall clock adds nothing to the uptime."""
    health = Health()

    await trio.sleep(3)
    monkeypatch.setattr("time.time", lambda: 4e9)

    assert health.uptime() == pytest.approx(3)
