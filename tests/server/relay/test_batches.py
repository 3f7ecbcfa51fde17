"""What concerns many cameras or viewers reaches all of them, a few at a time."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from functools import partial
from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.viewer import HubViewer
from tests.hubs import make_hub, nothing, publish_nowait
from tests.loop_passes import counting_passes
from tests.principals import make_guest


class Cameras:
    """Many cameras that count how often they are told."""

    def __init__(self, stack: ExitStack, hub: Hub, count: int) -> None:
        self.told = Counter[str]()
        for number in range(count):
            camera_id = f"camera-{number}"
            told = partial(self.told.update, [camera_id])
            stack.enter_context(hub.register(camera_id, on_end=nothing, on_demand=told))


async def test_a_viewer_of_all_wakes_its_cameras_a_few_at_a_time(autojump_clock: MockClock) -> None:
    """Each of 1,000 cameras is told, and between two batches other tasks run."""
    hub, batches, running = make_hub(), list[int](), True
    with ExitStack() as stack:
        cameras = Cameras(stack, hub, 1000)

        async def count_batches() -> None:
            while running:
                batches.append(cameras.told.total())
                await trio.lowlevel.checkpoint()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(hub.report_demand)
            await wait_all_tasks_blocked()
            with hub.watch() as viewer:
                hub.subscribe(viewer)
                assert 0 < cameras.told.total() <= 100
                nursery.start_soon(count_batches)
                for _ in range(50):
                    await trio.lowlevel.checkpoint()
                assert len(cameras.told) == 1000
                running = False
            await wait_all_tasks_blocked()
            assert min(cameras.told.values()) == 2
            nursery.cancel_scope.cancel()
    assert max(later - earlier for earlier, later in pairwise(batches)) <= 128


async def test_a_camera_that_left_before_its_batch_is_not_told(autojump_clock: MockClock) -> None:
    """The change waits only for cameras that are connected."""
    hub = make_hub()
    with ExitStack() as rest, hub.watch() as viewer:
        with ExitStack() as stack:
            cameras = Cameras(stack, hub, 200)
            hub.subscribe(viewer)
            told = cameras.told.total()
        Cameras(rest, hub, 1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hub.report_demand)
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
    assert cameras.told.total() == told


async def test_only_cameras_whose_demand_may_have_changed_are_told(autojump_clock: MockClock) -> None:
    """Neither one camera more or less of a subscription nor a new camera wakes all others."""
    hub = make_hub()
    somebody = make_guest("camera-*", "new")
    with ExitStack() as stack, hub.watch() as everything, hub.watch() as few, hub.watch(principal=somebody) as scoped:
        cameras = Cameras(stack, hub, 20)
        hub.subscribe(everything)
        hub.subscribe(few, [f"camera-{number}" for number in range(10)])
        hub.subscribe(scoped)
        cameras.told.clear()

        hub.unsubscribe(everything, ["camera-3"])
        hub.subscribe(few, ["camera-12"])
        hub.unsubscribe(few, ["camera-5"])
        stack.enter_context(hub.register("new", on_end=nothing))

        assert cameras.told == {"camera-3": 1, "camera-12": 1, "camera-5": 1}
        assert [hub.viewer_count(camera_id) for camera_id in ("camera-3", "camera-12", "new", "camera-19")] == [
            2,
            3,
            2,
            2,
        ]


@pytest.mark.parametrize("kind", ["camera", "result"])
async def test_a_notice_for_many_viewers_wakes_them_a_few_at_a_time(autojump_clock: MockClock, kind: str) -> None:
    """Each of 1,000 viewers gets the notice, and their tasks do not all run in one pass of the event loop."""
    hub, woken = make_hub(), Counter[int]()
    with ExitStack() as stack, counting_passes() as passes:

        async def receive(viewer: HubViewer) -> None:
            await viewer.outbox.receive()
            woken[passes.number] += 1

        viewers = [stack.enter_context(hub.watch(notify_about=None)) for _ in range(1000)]
        publish_nowait(hub, stack.enter_context(hub.register("old", on_end=nothing)))
        for viewer in viewers:
            hub.subscribe(viewer, ["old"])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hub.send_notices)
            for viewer in viewers:
                while viewer.outbox.waiting or viewer.outbox._notices:
                    await viewer.outbox.receive()
                nursery.start_soon(receive, viewer)
            await wait_all_tasks_blocked()
            if kind == "camera":
                stack.enter_context(hub.register("new", on_end=nothing))
            else:
                hub.results.publish("old", 1, b"message")
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
    assert woken.total() == 1000
    assert max(woken.values()) <= 128
