"""Sums over cameras and viewers, also over those that have left."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from tests.hubs import evict_idle, make_hub, nothing, publish, take


async def test_the_statistics_add_up_after_everybody_left(autojump_clock: MockClock) -> None:
    """What cameras and viewers counted stays in the sums when they have gone."""
    hub = make_hub(client_timeout=60, max_fps=10, buffer_size=2)
    with hub.watch() as viewer:
        hub.subscribe(viewer)
        with hub.register("door", on_end=nothing) as session:
            for _ in range(8):
                publish(hub, session, 100)
            await take(viewer)
            publish(hub, session, 100)
            hub.pause(viewer)
            session.camera.refused["not-a-jpeg"] += 2
        during = hub.statistics()
    await trio.sleep(61)
    assert evict_idle(hub) == ["door"]
    after = hub.statistics()

    assert (during.cameras, during.online, during.viewers, during.ring_bytes) == (1, 0, 1, 200)
    assert (after.cameras, after.online, after.viewers, after.ring_bytes) == (0, 0, 0, 0)
    for name in (
        "frames_received",
        "bytes_received",
        "frames_sent",
        "bytes_sent",
        "frames_superseded",
        "frames_rate_limited",
    ):
        assert getattr(during, name) == getattr(after, name), name
    assert after.frames_refused == during.frames_refused == {"too-fast": 3, "not-a-jpeg": 2}
    assert (after.frames_received, after.bytes_received, after.frames_sent, after.bytes_sent) == (6, 600, 1, 100)
    assert (after.frames_superseded, after.frames_rate_limited) == (5, 0)


async def test_what_a_viewer_leaves_behind_is_counted(autojump_clock: MockClock) -> None:
    """Every frame that was offered was sent, superseded, dropped for the rate, or still waited when the viewer left."""
    hub = make_hub(max_fps=1000)
    with hub.register("a", on_end=nothing) as a, hub.register("b", on_end=nothing) as b:
        with hub.watch() as viewer:
            hub.subscribe(viewer)
            for session in (a, b, a, a):
                publish(hub, session)
            await take(viewer)
            publish(hub, a)
            publish(hub, b)
            hub.unsubscribe(viewer, ["b"])
            assert hub.statistics().frames_abandoned == 0
        after = hub.statistics()

    assert (after.frames_sent, after.frames_superseded, after.frames_rate_limited, after.frames_abandoned) == (
        2,
        2,
        1,
        1,
    )


async def test_news_that_was_dropped_is_counted(autojump_clock: MockClock) -> None:
    """A viewer that does not read while more cameras come and go than can be known misses the oldest."""
    hub = make_hub(max_cameras=2, client_timeout=1)
    with hub.watch() as viewer:
        hub.subscribe(viewer)
        for camera_id in ("a", "b", "c", "d"):
            with hub.register(camera_id, on_end=nothing):
                pass
            await trio.sleep(2)
            evict_idle(hub)
        assert hub.statistics().notices_dropped == 2
    assert hub.statistics().notices_dropped == 2


def test_refusals_are_counted_by_role_and_cause() -> None:
    """An operator sees who is turned away, and why."""
    hub = make_hub()
    for _ in range(2):
        hub.count_refusal("camera", "flood")
    hub.count_refusal("viewer", "flood")

    assert hub.statistics().peers_refused == {("camera", "flood"): 2, ("viewer", "flood"): 1}
