"""A frame reaches many viewers some at a time, and a newer frame or another choice counts in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack

import pytest
import trio
from trio.testing import MockClock

from skysentry_trio.server.relay.camera import CameraSession
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.viewer import HubViewer
from tests.hubs import make_hub, nothing, register, take_frames


@pytest.fixture
async def congested() -> AsyncIterator[tuple[Hub, CameraSession, list[HubViewer]]]:
    """Have a camera with more viewers than are offered a frame in one go."""
    hub = make_hub()
    with ExitStack() as stack:
        session = register(stack, hub)
        viewers = [stack.enter_context(hub.watch()) for _ in range(600)]
        for number, viewer in enumerate(viewers):
            hub.subscribe(viewer, None if number % 2 else ["door"])
        yield hub, session, viewers


async def publish_to_all(hub: Hub, session: CameraSession) -> None:
    await hub.publish(session, b"jpeg", width=4, height=3)


async def test_one_publish_reaches_the_last_of_300_viewers(autojump_clock: MockClock) -> None:
    """No second call is needed, however many viewers the camera has."""
    hub = make_hub()
    with hub.register("door", on_end=nothing) as session, ExitStack() as stack:
        viewers = [stack.enter_context(hub.watch()) for _ in range(300)]
        for viewer in viewers:
            hub.subscribe(viewer, ["door"])
        await hub.publish(session, b"jpeg", width=4, height=3)
        assert await take_frames(viewers[-1]) == [("door", 1)]


def count_waiting(viewers: list[HubViewer]) -> int:
    return sum(bool(viewer.outbox.waiting) for viewer in viewers)


async def test_many_viewers_are_offered_a_frame_some_at_a_time(
    congested: tuple[Hub, CameraSession, list[HubViewer]], autojump_clock: MockClock
) -> None:
    """Other tasks run between two groups of viewers, and all viewers get the frame, also if the sender is cancelled."""
    hub, session, viewers = congested
    seen: list[int] = []

    async def look() -> None:
        while True:
            seen.append(count_waiting(viewers))
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look)
        await trio.lowlevel.checkpoint()
        with trio.CancelScope() as scope:
            scope.cancel()
            await publish_to_all(hub, session)
        nursery.cancel_scope.cancel()
    assert {256, 512} & set(seen)
    assert [await take_frames(viewer) for viewer in viewers] == [[("door", 1)]] * 600


async def test_a_newer_frame_wins_while_one_is_being_spread(
    congested: tuple[Hub, CameraSession, list[HubViewer]], autojump_clock: MockClock
) -> None:
    """When another connection takes over in the middle, nobody gets the old frame after the new one; all is counted."""
    hub, session, viewers = congested
    with ExitStack() as stack:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(publish_to_all, hub, session)
            while not count_waiting(viewers):
                await trio.lowlevel.checkpoint()
            successor = register(stack, hub)
            await publish_to_all(hub, successor)
        taken = [await take_frames(viewer) for viewer in viewers]
    assert taken == [[("door", 2)]] * 600
    assert hub.statistics().frames_superseded == 600


async def test_choices_count_while_a_frame_is_being_spread(
    congested: tuple[Hub, CameraSession, list[HubViewer]], autojump_clock: MockClock
) -> None:
    """Who pauses gets nothing, who resumes gets it once, and who leaves is not looked for."""
    hub, session, viewers = congested
    # Those who named the camera come after those who want all.
    paused, back = viewers[-2], viewers[-4]
    async with trio.open_nursery() as nursery:
        with hub.watch() as gone:
            hub.subscribe(gone, ["door"])
            nursery.start_soon(publish_to_all, hub, session)
            while not count_waiting(viewers):
                await trio.lowlevel.checkpoint()
            hub.pause(paused)
            hub.pause(back)
            hub.resume(back)
    assert await take_frames(back) == [("door", 1)]
    assert await take_frames(paused) == []
    assert await take_frames(back) == []
    assert await take_frames(gone) == []
    assert hub._fan_out._pending == {}
