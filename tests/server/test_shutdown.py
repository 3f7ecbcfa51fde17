"""One state for everything that ends with the server."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from skysentry_trio.server.shutdown import Shutdown


async def test_peers_have_the_grace_period_to_leave(autojump_clock: MockClock) -> None:
    """The wait for peers ends at the deadline."""
    shutdown = Shutdown(3.0)
    assert not shutdown.requested.is_set()
    shutdown.request()
    await shutdown.requested.wait()
    with shutdown.grace_period:
        await trio.sleep_forever()
    assert trio.current_time() == 3.0


async def test_a_second_request_ends_the_grace_period(autojump_clock: MockClock) -> None:
    """An operator who presses Ctrl-C twice does not want to wait."""
    shutdown = Shutdown(3.0)
    shutdown.request()
    shutdown.request()
    with shutdown.grace_period:
        await trio.sleep_forever()
    assert trio.current_time() == 0.0
