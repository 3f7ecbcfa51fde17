"""Reading a ring that goes on changing."""

from __future__ import annotations

from contextlib import ExitStack

from trio.testing import MockClock

from skysentry_trio.base.principal import ANYONE
from skysentry_trio.server.http.ring_reader import iterate_ring
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.settings import Settings
from tests.hubs import evict_idle, nothing
from tests.server.http.rest_harness import publish


async def test_a_walk_keeps_no_frames_and_ends_where_it_was_to(autojump_clock: MockClock) -> None:
    """What goes meanwhile is left out, and what comes is not part of it."""
    hub = Hub(Settings(max_fps=1000, buffer_size=4))
    with hub.register("door", on_end=nothing) as session:
        for _ in range(6):
            publish(hub, session)
        steps = iterate_ring(ScopedHub(hub, ANYONE), session.camera, last=6)
        seen = [next(steps).sequence]
        publish(hub, session)
        publish(hub, session)
        seen += [frame.sequence for frame in steps]

        assert seen == [3, 5, 6]
        assert [frame.sequence for frame in iterate_ring(ScopedHub(hub, ANYONE), session.camera, after=6, last=7)] == [
            7
        ]


async def test_a_walk_ends_when_the_camera_is_forgotten(autojump_clock: MockClock) -> None:
    """Its frames do not outlive it in the hands of slow readers, nor are those of a successor taken for its own."""
    hub = Hub(Settings(max_fps=1000, client_timeout=5))
    with ExitStack() as stack:
        session = stack.enter_context(hub.register("door", on_end=nothing))
        for _ in range(3):
            publish(hub, session)
        steps = iterate_ring(ScopedHub(hub, ANYONE), session.camera, last=3)
        assert next(steps).sequence == 1
        stack.close()
        autojump_clock.jump(6)
        assert evict_idle(hub) == ["door"]
        successor = stack.enter_context(hub.register("door", on_end=nothing))
        publish(hub, successor)
        publish(hub, successor)

        assert list(steps) == []
