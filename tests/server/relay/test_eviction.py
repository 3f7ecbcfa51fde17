"""Silent cameras are forgotten in slices, and the viewers learn of all of them together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from skysentry_trio.base.demand import Limits
from skysentry_trio.server.relay.delivery import Delivery
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.notices import CameraNotice, Notice
from skysentry_trio.server.relay.outbox import PartialWrite
from tests.hubs import evict_idle, make_hub, nothing, publish_nowait

_PAIRS_AT_MOST = 11_000
"""Pairs of a camera and a viewer that one slice may take."""


async def make_silent(hub: Hub, count: int) -> None:
    for number in range(count):
        with hub.register(f"camera-{number}", on_end=nothing) as session:
            publish_nowait(hub, session)
    await trio.sleep(hub.settings.client_timeout)


@pytest.mark.parametrize("viewers", [0, 10, 400])
async def test_no_slice_of_the_work_is_large(autojump_clock: MockClock, viewers: int) -> None:
    """The more viewers there are, the fewer cameras one slice forgets."""
    hub = make_hub()
    await make_silent(hub, 500)
    with ExitStack() as stack:
        for _ in range(viewers):
            hub.subscribe(stack.enter_context(hub.watch(notify_about=None)), ["camera-1"])
        forgotten = [len(ids) for ids in hub.evict_idle_in_slices()]

    assert sum(forgotten) == 500
    assert max(forgotten) <= 250
    assert max(forgotten) * viewers <= _PAIRS_AT_MOST
    assert not hub.cameras


async def test_a_viewer_gets_the_notices_of_all_slices_together(autojump_clock: MockClock) -> None:
    """Its task is woken once, after the last camera, and not for every slice."""
    hub, taken = make_hub(), list[Delivery | PartialWrite | list[Notice]]()
    await make_silent(hub, 600)
    with hub.watch(notify_about=None) as viewer:

        async def take_one() -> None:
            taken.append(await viewer.outbox.receive())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(take_one)
            await wait_all_tasks_blocked()
            slices = hub.evict_idle_in_slices()
            next(slices)
            await wait_all_tasks_blocked()
            assert taken == []
            for _ in slices:
                await trio.lowlevel.checkpoint()

    assert taken == [[CameraNotice(f"camera-{number}", None, online=False, removed=True) for number in range(600)]]


async def test_no_viewer_gathers_the_notices_of_thousands_of_cameras(autojump_clock: MockClock) -> None:
    """The dictionaries of hundreds of viewers would grow in the same slice, which takes longer the larger they are."""
    hub, taken = make_hub(), list[int]()
    await make_silent(hub, 2500)
    with hub.watch(notify_about=None) as viewer:

        async def take_all() -> None:
            while sum(taken) < 2500:
                notices = await viewer.outbox.receive()
                assert isinstance(notices, list)
                taken.append(len(notices))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(take_all)
            await wait_all_tasks_blocked()
            for _ in hub.evict_idle_in_slices():
                await trio.lowlevel.checkpoint()

    assert sum(taken) == 2500
    assert max(taken) <= 1250


async def test_a_camera_that_comes_back_between_two_slices_is_kept(autojump_clock: MockClock) -> None:
    """Nothing is decided before its slice has come."""
    hub = make_hub()
    await make_silent(hub, 600)
    slices = hub.evict_idle_in_slices()
    forgotten = next(slices)
    with hub.register("camera-0", on_end=nothing), hub.register("camera-599", on_end=nothing):
        forgotten += [camera_id for ids in slices for camera_id in ids]

        assert len(set(forgotten)) == len(forgotten) == 599
        assert "camera-599" not in forgotten
        assert {camera.id for camera in hub.cameras} == {"camera-0", "camera-599"}


async def test_viewers_may_come_and_leave_between_two_slices(autojump_clock: MockClock) -> None:
    """Those who come later get the notices of the later slices, and those who have left disturb nothing."""
    hub = make_hub()
    await make_silent(hub, 600)
    slices: Iterator[list[str]] = hub.evict_idle_in_slices()
    with hub.watch(notify_about=None):
        early = next(slices)
    with hub.watch(notify_about=None) as late:
        rest = [camera_id for ids in slices for camera_id in ids]
        notices = await late.outbox.receive()

    assert isinstance(notices, list)
    assert [notice.camera_id for notice in notices] == rest
    assert len(early) + len(rest) == 600


async def test_each_viewer_gets_the_notices_that_concern_it(autojump_clock: MockClock) -> None:
    """Viewers of all, of all but some, of some, and of those it only asked about."""
    hub = make_hub()
    await make_silent(hub, 3)
    with (
        hub.watch() as everything,
        hub.watch() as most,
        hub.watch() as one,
        hub.watch(notify_about=["camera-2"]) as asks,
    ):
        hub.subscribe(everything, limits=Limits(max_fps=1))
        hub.subscribe(most)
        hub.unsubscribe(most, ["camera-0"])
        hub.subscribe(one, ["camera-1"])
        evict_idle(hub)

        told = []
        for viewer in (everything, most, one, asks):
            notices = await viewer.outbox.receive()
            assert isinstance(notices, list)
            told.append([notice.camera_id.removeprefix("camera-") for notice in notices])
    assert told == [["0", "1", "2"], ["1", "2"], ["1"], ["2"]]
