"""Cameras and viewers meet: frames, eviction, subscriptions, bounds and counts."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from skysentry_trio.base.demand import Limits
from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.sink import WriteResult
from skysentry_trio.server.relay.audience import Audience
from skysentry_trio.server.relay.camera import CameraSession, SessionReplaced
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.outbox import CameraNotice, Delivery
from skysentry_trio.server.relay.viewer import HubViewer
from tests.frame_sinks import CallingSink
from tests.hubs import make_hub, nothing, publish, publish_nowait, register, sequences, take, take_frames


@contextmanager
def outrun_wall_clock(monkeypatch: pytest.MonkeyPatch, to: float) -> Any:
    with monkeypatch.context() as patch:
        patch.setattr("time.time", lambda: to)
        yield


# Cameras


def everybody_in(audience: Audience) -> tuple[object, ...]:
    return audience.of, audience.of_all, +audience._exceptions


async def test_a_published_frame_is_the_newest_of_the_ring() -> None:
    """A frame has the next number and the size and times it was given, and REST finds it in the ring."""
    hub = make_hub()
    with hub.register("door", on_end=nothing) as session:
        now = time.time()
        first = publish_nowait(hub, session, b"one", width=4, height=3, captured_at=now)
        second = publish_nowait(hub, session, b"second", width=8, height=6)

    assert first is not None
    assert (first.sequence, first.jpeg, first.width, first.height, first.captured_at) == (1, b"one", 4, 3, now)
    assert second is session.camera.ring.newest
    assert second is not None
    assert (second.sequence, second.captured_at) == (2, None)
    assert (session.camera.frame_count, session.camera.byte_count, hub.statistics().ring_bytes) == (2, 9, 9)


async def test_the_ring_holds_as_many_frames_as_was_set() -> None:
    """The oldest frames go when the ring is full, and the sum of bytes follows."""
    hub = make_hub(buffer_size=3)
    with hub.register("door", on_end=nothing) as session:
        for size in (1, 10, 100, 1000):
            publish(hub, session, size)

    assert sequences(hub) == [2, 3, 4]
    assert hub.statistics().ring_bytes == 1110


async def test_a_frame_that_is_not_taken_raises_the_reason(autojump_clock: MockClock) -> None:
    """A caller cannot overlook that the hub dropped a frame, and learns why."""
    hub = make_hub(max_fps=1)
    with hub.register("door", on_end=nothing) as session:
        await hub.publish(session, b"jpeg", width=4, height=3)
        with pytest.raises(ProtocolViolation, match="at most 1 frames a second") as caught:
            await hub.publish(session, b"jpeg", width=4, height=3)
        assert caught.value.code == "too-fast"
        session.replace()
        with pytest.raises(SessionReplaced):
            await hub.publish(session, b"jpeg", width=4, height=3)


async def test_a_frame_of_another_server_keeps_its_number_and_time() -> None:
    """Acknowledgements and results name the same frame on every server; counting here goes on from that number."""
    hub = make_hub()
    with hub.register("door", on_end=nothing) as session:
        frame = await hub.publish(session, b"jpeg", width=4, height=3, sequence=812, received_at=1700000000.5)
        assert (frame.sequence, frame.received_at) == (812, 1700000000.5)
        assert hub.results.publish("door", 812, b"{}") == 0
        with pytest.raises(ValueError, match="above 812, got 812"):
            await hub.publish(session, b"jpeg", width=4, height=3, sequence=812)
        assert (await hub.publish(session, b"jpeg", width=4, height=3)).sequence == 813
        assert session.camera.frame_count == 2


async def test_frames_that_come_too_fast_are_dropped_and_counted(autojump_clock: MockClock) -> None:
    """Of 60 frames a second with a limit of 10, ten and the allowed burst are taken, the others counted."""
    hub = make_hub(max_fps=10)
    with hub.register("door", on_end=nothing) as session:
        for _ in range(600):
            publish(hub, session)
            await trio.sleep(1 / 60)

    camera = session.camera
    assert camera.frame_count == pytest.approx(105, abs=2)
    assert camera.frame_count + camera.refused["too-fast"] == 600
    assert sequences(hub)[-1] == camera.frame_count


# The janitor


async def test_a_camera_that_left_goes_offline_at_once_and_later_away_while_its_viewers_stay(
    autojump_clock: MockClock,
) -> None:
    """Offline at once, forgotten by the janitor after the timeout; its viewers wait and see it when it comes back."""
    hub, forgotten = make_hub(client_timeout=120), dict[float, list[str]]()

    async def clean_up() -> None:
        while True:
            await trio.sleep(30)
            forgotten[trio.current_time() - began] = hub.evict_idle()

    with hub.watch() as viewer:
        hub.subscribe(viewer, ["door"])
        async with trio.open_nursery() as nursery:
            began = trio.current_time()
            nursery.start_soon(clean_up)
            with hub.register("door", on_end=nothing) as session:
                publish(hub, session)
                await trio.sleep(10)
            assert not session.camera.online
            assert await take(viewer) == [CameraNotice("door", None, online=False), ("door", 1)]

            await trio.sleep(105)
            assert hub.camera("door") is session.camera
            await trio.sleep(60)
            assert hub.camera("door") is None
            assert await take(viewer) == [CameraNotice("door", None, online=False, removed=True)]
            assert hub.viewer_count("door") == 1
            assert hub.statistics().ring_bytes == 0

            with hub.register("door", on_end=nothing) as session:
                publish(hub, session)
                assert await take(viewer) == [CameraNotice("door", None, online=True), ("door", 1)]
            nursery.cancel_scope.cancel()

    assert {round(at): ids for at, ids in forgotten.items()} == {30: [], 60: [], 90: [], 120: [], 150: ["door"]}


async def test_a_camera_is_kept_for_the_timeout_after_it_left(autojump_clock: MockClock) -> None:
    """However long a camera was silent before it left, its ring stays for the whole client timeout."""
    hub = make_hub(client_timeout=120)
    with hub.register("door", on_end=nothing) as session:
        publish(hub, session)
        await trio.sleep(119)
    await trio.sleep(119)

    assert hub.evict_idle() == []
    assert sequences(hub) == [1]
    await trio.sleep(1)
    assert hub.evict_idle() == ["door"]


async def test_a_connected_camera_that_says_nothing_is_kept(autojump_clock: MockClock) -> None:
    """Pings show that its connection lives, so the client timeout begins when it has left."""
    hub, ends = make_hub(client_timeout=60), list[str]()
    with hub.register("door", on_end=partial(ends.append, "door")) as session:
        publish(hub, session)
        await trio.sleep(10_000)
        assert hub.evict_idle() == []
        assert (session.is_replaced, ends) == (False, [])
        publish(hub, session)
    assert sequences(hub) == [1, 2]
    await trio.sleep(60)
    assert hub.evict_idle() == ["door"]


async def test_cameras_that_are_kept_longer_do_not_fill_the_memory(autojump_clock: MockClock) -> None:
    """When the newest frames need more than half of it, the client timeout applies to all; several may give way."""
    hub = make_hub(client_timeout=60, max_memory=100, max_frame_size=50)
    for camera_id, size in (("a", 30), ("b", 10), ("c", 30)):
        with hub.register(camera_id, on_end=nothing) as session:
            publish_nowait(hub, session, bytes(size))
            session.camera.keep_for = 3600
            await trio.sleep(1)
    await trio.sleep(60)
    with hub.register("d", on_end=nothing) as session:
        assert [camera.id for camera in hub.cameras] == ["b", "c", "d"]
        publish_nowait(hub, session, bytes(20))
    assert hub.evict_idle() == ["b", "c"]


@pytest.mark.parametrize(
    "captured_at",
    [12.3, -1.0, 0.0, 1e300, -1e308, math.nan, math.inf, -math.inf, 1.7e12]
    + [1.7e9 + offset for offset in (-7200, -3601, 5.5, 3600, 7200)],
)
async def test_a_wrong_time_of_capture_is_unknown(monkeypatch: pytest.MonkeyPatch, captured_at: float) -> None:
    """The uptime, another time zone, milliseconds and no number at all: the frame is taken, its time is not."""
    monkeypatch.setattr("time.time", lambda: 1.7e9)
    hub = make_hub()
    with hub.register("door", on_end=nothing) as session:
        frame = publish_nowait(hub, session, b"jpeg", width=4, height=3, captured_at=captured_at)
        assert frame is not None
        assert (frame.captured_at, session.camera.times_ignored, session.camera.frame_count) == (None, 1, 1)
    assert hub.statistics().times_ignored == 1


@pytest.mark.parametrize("offset", [-3600, -60, 0, 5])
async def test_a_time_of_capture_within_the_last_hour_is_believed(
    monkeypatch: pytest.MonkeyPatch, offset: float
) -> None:
    """A frame may have waited long, and clocks differ by seconds."""
    monkeypatch.setattr("time.time", lambda: 1.7e9)
    hub = make_hub()
    with hub.register("door", on_end=nothing) as session:
        frame = publish_nowait(hub, session, b"jpeg", width=4, height=3, captured_at=1.7e9 + offset)
        assert frame is not None
        assert (frame.captured_at, session.camera.times_ignored) == (1.7e9 + offset, 0)


async def test_a_viewer_of_cameras_that_are_online_gets_no_old_frames_of_others() -> None:
    """Neither when it subscribes nor when it resumes; when the camera comes back, its frames come."""
    hub = make_hub()
    with hub.register("door", on_end=nothing) as session:
        publish(hub, session)
    with hub.watch(online_only=True) as viewer, hub.watch() as other:
        hub.subscribe(viewer)
        hub.subscribe(other)
        hub.pause(viewer)
        hub.resume(viewer)
        assert (viewer.outbox.waiting, list(other.outbox.waiting)) == ({}, ["door"])
        with hub.register("door", on_end=nothing) as session:
            publish(hub, session)
        assert list(viewer.outbox.waiting) == ["door"]
    assert sequences(hub) == [1, 2]


async def test_nothing_of_a_forgotten_camera_waits_for_slow_viewers(autojump_clock: MockClock) -> None:
    """With the ring go the frames in outboxes: no viewer sees one after the farewell, and no memory stays in use."""
    hub = make_hub(client_timeout=60)
    with hub.watch() as viewer:
        hub.subscribe(viewer)
        with hub.register("door", on_end=nothing) as session:
            publish(hub, session)
        await trio.sleep(61)
        hub.evict_idle()

        assert await take(viewer) == [CameraNotice("door", None, online=False, removed=True)]
        assert (viewer.outbox.sent, viewer.outbox.rate_limited) == (0, 1)


async def test_a_viewer_remembers_nothing_of_cameras_that_are_forgotten(autojump_clock: MockClock) -> None:
    """However many ids come and go, what a viewer of all with a rate holds does not grow."""
    hub = make_hub(client_timeout=60)
    with hub.watch() as viewer:
        hub.subscribe(viewer, limits=Limits(max_fps=5))
        for number in range(5):
            with hub.register(f"camera-{number}", on_end=nothing) as session:
                publish(hub, session)
            await take(viewer)
            await trio.sleep(61)
            hub.evict_idle()
        assert viewer._rate_limiters == {}
        await take(viewer)

        with hub.register("camera-0", on_end=nothing) as session:
            publish(hub, session)
            assert ("camera-0", 1) in await take(viewer)


@pytest.mark.parametrize("jump", [-86400, 86400, -1.7e9])
async def test_jumps_of_the_wall_clock_change_nothing(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    """Nobody is forgotten or kept wrongly when the wall clock jumps, and rates stay what they are."""
    hub = make_hub(client_timeout=60)
    with hub.register("door", on_end=nothing) as session:
        for _ in range(30):
            publish(hub, session)
            await trio.sleep(0.1)
        with outrun_wall_clock(monkeypatch, 1.7e9 + jump):
            for _ in range(30):
                publish(hub, session)
                await trio.sleep(0.1)
            assert session.camera.statistics(trio.current_time()).fps == pytest.approx(10)
            assert hub.evict_idle() == []
    with outrun_wall_clock(monkeypatch, 1.7e9 - jump):
        await trio.sleep(59)
        assert hub.evict_idle() == []
        await trio.sleep(1)
        assert hub.evict_idle() == ["door"]


# Viewers


async def test_a_new_viewer_gets_the_newest_frame_of_each_camera_at_once(autojump_clock: MockClock) -> None:
    """Who subscribes sees every chosen camera without waiting for its next frame, those that left included."""
    hub = make_hub()
    with ExitStack() as stack, hub.watch() as everything, hub.watch() as one:
        for camera_id, frames in (("a", 2), ("b", 3), ("c", 0)):
            session = register(stack, hub, camera_id)
            for _ in range(frames):
                publish(hub, session)
        with hub.register("d", on_end=nothing) as session:
            publish(hub, session)
        hub.subscribe(everything)
        hub.subscribe(one, ["b", "not-here-yet"])

        assert await take(everything) == [("a", 2), ("b", 3), ("d", 1)]
        assert await take(one) == [("b", 3)]


async def test_a_frame_reaches_those_who_chose_its_camera(autojump_clock: MockClock) -> None:
    """Viewers of all and of this camera get a frame, viewers of others, of none and those who paused do not."""
    hub = make_hub()
    with ExitStack() as stack:
        viewers = {name: stack.enter_context(hub.watch()) for name in ("all", "one", "other", "but", "none", "paused")}
        session = register(stack, hub, "a")
        hub.subscribe(viewers["all"])
        hub.subscribe(viewers["one"], ["a"])
        hub.subscribe(viewers["other"], ["b"])
        hub.subscribe(viewers["but"])
        hub.unsubscribe(viewers["but"], ["a"])
        hub.subscribe(viewers["paused"])
        hub.pause(viewers["paused"])
        publish(hub, session)

        assert {name for name, viewer in viewers.items() if await take(viewer)} == {"all", "one"}
        assert hub.viewer_count("a") == 2
        assert hub.viewer_count("b") == 3


async def test_a_viewer_that_waits_is_served_while_the_frame_is_published(autojump_clock: MockClock) -> None:
    """What can be sent without waiting is sent by the publisher, one rendering for all."""
    hub, sent = make_hub(), []

    def try_send(message: bytes) -> WriteResult:
        sent.append(message)
        return WriteResult.ALL

    def encode(one: Delivery) -> bytes:
        return one.frame.jpeg + b"!"

    async with trio.open_nursery() as nursery:
        with ExitStack() as stack:
            session = register(stack, hub)
            for _ in range(2):
                viewer = stack.enter_context(hub.watch(encode, CallingSink(try_send)))
                hub.subscribe(viewer)
                nursery.start_soon(viewer.outbox.receive)
            await trio.testing.wait_all_tasks_blocked()
            publish(hub, session)
            assert len(sent) == 2
            assert sent[0] is sent[1]
            nursery.cancel_scope.cancel()


async def test_naming_a_camera_again_sends_its_newest_frame_once(autojump_clock: MockClock) -> None:
    """A second subscription changes the rate and sends nothing twice."""
    hub = make_hub()
    with ExitStack() as stack, hub.watch() as viewer:
        publish(hub, register(stack, hub, "a"))
        publish(hub, register(stack, hub, "b"))
        hub.subscribe(viewer, ["a"])
        hub.subscribe(viewer, ["a", "b"], limits=Limits(max_fps=5))

        assert await take(viewer) == [("a", 1), ("b", 1)]
        hub.subscribe(viewer)
        assert await take(viewer) == []


async def test_names_end_the_wish_for_all_and_all_ends_names(autojump_clock: MockClock) -> None:
    """From all to one camera and back, a viewer gets what it chose last, and new ones at once."""
    hub = make_hub()
    with ExitStack() as stack, hub.watch() as viewer:
        sessions = [register(stack, hub, camera_id) for camera_id in ("a", "b")]
        hub.subscribe(viewer)
        hub.subscribe(viewer, ["b"])
        for session in sessions:
            publish(hub, session)
        assert await take_frames(viewer) == [("b", 1)]
        hub.subscribe(viewer)
        assert await take_frames(viewer) == [("a", 1)]
        for session in sessions:
            publish(hub, session)
        assert await take_frames(viewer) == [("a", 2), ("b", 2)]


async def test_unsubscribing_ends_frames_and_notices(autojump_clock: MockClock) -> None:
    """Of a camera that was given up neither frames nor news come, whether it was chosen by name or among all."""
    hub = make_hub()
    with hub.watch() as named, hub.watch() as everything:
        hub.subscribe(named, ["a", "b"])
        hub.subscribe(everything)
        for viewer in (named, everything):
            hub.unsubscribe(viewer, ["a", "never-chosen"])
        for camera_id in ("a", "b"):
            with hub.register(camera_id, on_end=nothing) as session:
                publish(hub, session)

        for viewer in (named, everything):
            assert await take(viewer) == [CameraNotice("b", None, online=False), ("b", 1)]


async def test_a_paused_viewer_gets_notices_and_no_frames_until_it_resumes(autojump_clock: MockClock) -> None:
    """Pausing drops what waits; resuming sends the newest of each camera at once, those chosen meanwhile included."""
    hub = make_hub()
    with ExitStack() as stack, hub.watch() as viewer:
        hub.subscribe(viewer, ["a"])
        a, b = register(stack, hub, "a"), register(stack, hub, "b")
        publish(hub, a)
        hub.pause(viewer)
        hub.pause(viewer)
        publish(hub, a)
        publish(hub, b)
        hub.subscribe(viewer, ["b", "c"])
        hub.unsubscribe(viewer, ["c"])

        assert await take(viewer) == [CameraNotice("a", None, online=True)]
        assert (viewer.outbox.rate_limited, hub.viewer_count("a"), hub.viewer_count("b")) == (1, 0, 0)

        hub.resume(viewer)
        assert (hub.viewer_count("a"), hub.viewer_count("b"), hub.viewer_count("c")) == (1, 1, 0)
        assert set(await take(viewer)) == {("a", 2), ("b", 1)}
        hub.resume(viewer)
        assert await take(viewer) == []


async def test_a_viewer_that_leaves_while_paused_leaves_nothing_behind() -> None:
    """After the last viewer left, no index holds anything."""
    hub = make_hub()
    for paused in (False, True):
        with hub.watch() as viewer:
            hub.subscribe(viewer, ["a"])
            if paused:
                hub.pause(viewer)
        with hub.watch() as viewer:
            hub.subscribe(viewer)
            hub.unsubscribe(viewer, ["a"])
            if paused:
                hub.pause(viewer)

    assert (hub._viewers, *everybody_in(hub._audience)) == ({}, {}, {}, {})


async def test_a_viewer_gets_as_many_frames_as_it_asked_for(autojump_clock: MockClock) -> None:
    """MaxFps thins each camera for this viewer alone, and what was dropped for it is counted."""
    hub = make_hub()
    with hub.watch() as slow, hub.watch() as fast, hub.register("door", on_end=nothing) as session:
        hub.subscribe(slow, ["door"], limits=Limits(max_fps=5))
        hub.subscribe(fast)
        for _ in range(300):
            publish(hub, session)
            await take_frames(slow)
            await take_frames(fast)
            await trio.sleep(1 / 30 - 0.002)

        assert slow.outbox.sent == pytest.approx(50, abs=1)
        assert slow.outbox.sent + slow.outbox.rate_limited == 300
        assert fast.outbox.sent == 300


async def test_a_viewer_hears_what_happens_to_cameras_it_follows(autojump_clock: MockClock) -> None:
    """Arrival, departure and end of a camera are told with its name, and of each camera only the last."""
    hub = make_hub(client_timeout=60)
    with hub.watch() as viewer, hub.watch() as other:
        hub.subscribe(viewer)
        hub.subscribe(other, ["other"])
        with hub.register("door", name="Front door", on_end=nothing):
            assert await take(viewer) == [CameraNotice("door", "Front door", online=True)]
        assert await take(viewer) == [CameraNotice("door", "Front door", online=False)]
        with hub.register("door", on_end=nothing):
            pass
        await trio.sleep(60)
        hub.evict_idle()

        assert await take(viewer) == [CameraNotice("door", "Front door", online=False, removed=True)]
        assert await take(other) == []


# Counts and bounds


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
    assert hub.evict_idle() == ["door"]
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
            hub.evict_idle()
        assert hub.statistics().notices_dropped == 2
    assert hub.statistics().notices_dropped == 2


def test_refusals_are_counted_by_role_and_cause() -> None:
    """An operator sees who is turned away, and why."""
    hub = make_hub()
    for _ in range(2):
        hub.count_refusal("camera", "flood")
    hub.count_refusal("viewer", "flood")

    assert hub.statistics().peers_refused == {("camera", "flood"): 2, ("viewer", "flood"): 1}


async def test_rings_are_bounded_as_the_settings_say(autojump_clock: MockClock) -> None:
    """Seconds and bytes hold for each camera, and the sum of bytes follows."""
    hub = make_hub(buffer_seconds=3, buffer_bytes=50)
    with hub.register("door", on_end=nothing) as door, hub.register("gate", on_end=nothing) as gate:
        for _ in range(6):
            publish(hub, door, 10)
            publish(hub, gate, 20)
            await trio.sleep(1)

    assert (sequences(hub, "door"), sequences(hub, "gate")) == ([3, 4, 5, 6], [5, 6])
    assert hub.statistics().ring_bytes == 80


async def test_frames_of_a_camera_that_left_go_by_age_but_for_the_newest(autojump_clock: MockClock) -> None:
    """What was kept for looking back is let go in time, though no frame comes any more that would push it out."""
    hub = make_hub(buffer_seconds=3)
    with hub.register("door", on_end=nothing) as session:
        for _ in range(3):
            publish(hub, session, 10)
            await trio.sleep(1)
    hub.discard_expired()
    assert hub.statistics().ring_bytes == 30

    await trio.sleep(1)
    hub.discard_expired()
    assert (sequences(hub), hub.statistics().ring_bytes) == ([2, 3], 20)
    await trio.sleep(60)
    hub.discard_expired()
    assert (sequences(hub), hub.statistics().ring_bytes) == ([3], 10)


async def test_old_frames_of_a_camera_make_room_for_its_new_ones() -> None:
    """When memory is used up a camera's ring gets shorter, and the newest frame is there all the same."""
    hub = make_hub(max_memory=100, max_frame_size=100, buffer_size=16)
    with hub.register("door", on_end=nothing) as session:
        for size in (40, 40, 20, 60, 100):
            assert publish(hub, session, size) is not None
            assert hub.statistics().ring_bytes <= 100

    assert sequences(hub) == [5]


async def test_a_frame_for_which_others_leave_no_room_is_refused_and_counted() -> None:
    """One camera never takes another's newest frame away; its own stay as they were."""
    hub = make_hub(max_memory=100, max_frame_size=50)
    with ExitStack() as stack:
        a, b = register(stack, hub, "a"), register(stack, hub, "b")
        publish(hub, b, 30)
        publish(hub, a, 50)
        assert publish(hub, b, 51) is None
        assert publish(hub, b, 50) is not None

    assert b.camera.refused == {"memory-full": 1}
    assert (sequences(hub, "a"), sequences(hub, "b"), b.camera.frame_count) == ([1], [2], 2)
    assert hub.statistics().ring_bytes == 100


@pytest.mark.parametrize("used", [51, 99, 100])
async def test_a_new_camera_is_refused_when_memory_has_no_room_for_its_frames(used: int) -> None:
    """Better no camera than one whose frames are all dropped: beyond the budget new ids are refused with 1013."""
    hub = make_hub(max_memory=100, max_frame_size=100)
    with hub.register("a", on_end=nothing) as session:
        publish(hub, session, used)

        with pytest.raises(ProtocolViolation, match="100 bytes") as refused, hub.register("b", on_end=nothing):
            pass
        assert (refused.value.code, refused.value.close_code) == ("server-full", 1013)
        with hub.register("a", on_end=nothing) as successor:
            assert publish(hub, successor, 50) is not None


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("register"), st.sampled_from("abcd"), st.just(0)),
        st.tuples(st.just("publish"), st.sampled_from("abcd"), st.integers(1, 60)),
        st.tuples(st.just("leave"), st.sampled_from("abcd"), st.just(0)),
        st.tuples(st.just("wait"), st.just(""), st.integers(1, 40)),
    ),
    max_size=60,
)


@settings(max_examples=200)
@given(
    actions=ACTIONS,
    bounds=st.sampled_from(
        [{"buffer_size": 1}, {"buffer_size": 4}, {"buffer_seconds": 20}, {"buffer_size": 9, "buffer_bytes": 70}]
    ),
)
def test_the_memory_budget_holds_whatever_happens(actions: list[tuple[str, str, int]], bounds: dict[str, int]) -> None:
    """The sum of bytes is that of the rings, never above the limit, and every frame is taken or counted."""
    clock = MockClock()

    async def play() -> None:
        hub = make_hub(max_memory=150, max_frame_size=60, max_cameras=3, client_timeout=60, **bounds)
        stacks: dict[str, ExitStack] = {}
        sessions: dict[str, CameraSession] = {}
        offered = 0
        for action, camera_id, number in actions:
            match action:
                case "register":
                    stack = ExitStack()
                    with suppress(ProtocolViolation):
                        sessions[camera_id] = register(stack, hub, camera_id)
                        # The old connection leaves after the new one has come.
                        stacks.pop(camera_id, ExitStack()).close()
                        stacks[camera_id] = stack
                case "publish" if camera_id in sessions:
                    offered += not sessions[camera_id].is_replaced
                    publish(hub, sessions[camera_id], number)
                case "leave" if camera_id in sessions:
                    stacks.pop(camera_id).close()
                    del sessions[camera_id]
                case "wait":
                    clock.jump(number)
                    hub.evict_idle()
                    hub.discard_expired()
            statistics = hub.statistics()
            assert statistics.ring_bytes == sum(len(f.jpeg) for camera in hub.cameras for f in camera.ring)
            assert statistics.ring_bytes == sum(camera.ring.nbytes for camera in hub.cameras) <= 150
            assert statistics.cameras <= 3
            assert statistics.frames_received + sum(statistics.frames_refused.values()) == offered
            assert statistics.online == sum(not session.is_replaced for session in sessions.values())
        for stack in stacks.values():
            stack.close()
        clock.jump(60)
        hub.evict_idle()
        assert (hub.statistics().cameras, hub.statistics().ring_bytes) == (0, 0)

    trio.run(play, clock=clock)


VIEWING = st.lists(
    st.tuples(
        st.sampled_from(["all", "subscribe", "unsubscribe", "pause", "resume", "publish", "leave"]),
        st.integers(0, 2),
        st.sets(st.sampled_from("abc"), max_size=2),
    ),
    max_size=40,
)


@settings(max_examples=200)
@given(actions=VIEWING)
def test_every_frame_goes_to_exactly_those_who_chose_its_camera(actions: list[tuple[str, int, set[str]]]) -> None:
    """After any choices of three viewers, a frame waits for a viewer if and only if it chose the camera."""

    async def play() -> None:
        hub = make_hub(max_fps=1000)
        with ExitStack() as cameras:
            sessions = {camera_id: register(cameras, hub, camera_id) for camera_id in "abc"}
            stacks = [ExitStack() for _ in range(3)]
            viewers = [stack.enter_context(hub.watch()) for stack in stacks]
            chosen: list[tuple[bool, set[str]]] = [(False, set())] * 3
            for action, number, camera_ids in actions:
                viewer = viewers[number]
                paused, wanted = chosen[number]
                match action:
                    case "all":
                        hub.subscribe(viewer)
                        wanted = set("abc")
                    case "subscribe":
                        wanted = camera_ids if viewer.wants_all else wanted | camera_ids
                        hub.subscribe(viewer, camera_ids)
                    case "unsubscribe":
                        hub.unsubscribe(viewer, camera_ids)
                        wanted = wanted - camera_ids
                    case "pause":
                        hub.pause(viewer)
                        paused = True
                    case "resume":
                        hub.resume(viewer)
                        paused = False
                    case "leave":
                        stacks[number].close()
                        viewers[number] = stacks[number].enter_context(hub.watch())
                        paused, wanted = False, set()
                    case "publish":
                        for camera_id, session in sessions.items():
                            frame = publish(hub, session)
                            for (stopped, ids), other in zip(chosen, viewers, strict=True):
                                waiting = other.outbox.waiting.get(camera_id)
                                gets_it = waiting is not None and waiting.frame is frame
                                assert gets_it == (camera_id in ids and not stopped)
                chosen[number] = (paused, wanted)
                for camera_id in "abc":
                    watching = sum(camera_id in ids and not stopped for stopped, ids in chosen)
                    assert hub.viewer_count(camera_id) == watching
            for stack in stacks:
                stack.close()
            assert (hub._viewers, hub._audience.of, hub._audience.of_all, +hub._audience._exceptions) == (
                {},
                {},
                {},
                {},
            )

    trio.run(play, clock=MockClock())


# Many viewers


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
    """Others have a turn in between, and in the end everybody has it, whatever is cancelled."""
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


# Many cameras


def register_many(stack: ExitStack, hub: Hub, count: int) -> list[CameraSession]:
    sessions = [register(stack, hub, f"camera-{number}") for number in range(count)]
    for session in sessions:
        publish(hub, session)
    return sessions


@pytest.mark.parametrize("how", ["subscribe", "resume"])
async def test_a_viewer_of_many_cameras_is_offered_their_frames_a_few_at_a_time(
    autojump_clock: MockClock, how: str
) -> None:
    """Its own task asks for the rest, and so gets what is the newest frame of each camera then."""
    hub = make_hub()
    with ExitStack() as stack, hub.watch() as viewer:
        sessions = register_many(stack, hub, 1000)
        hub.subscribe(viewer)
        if how == "resume":
            hub.pause(viewer)
            assert await take_frames(viewer) == []
            hub.resume(viewer)
        assert len(viewer.outbox.waiting) == 64
        publish(hub, sessions[999])

        taken = await take_frames(viewer)
        assert sorted(taken) == sorted([(f"camera-{number}", 1) for number in range(999)] + [("camera-999", 2)])
        assert (viewer.outbox.sent, viewer.outbox.superseded) == (1000, 0)


async def test_cameras_without_frames_do_not_keep_a_viewer_from_the_others(autojump_clock: MockClock) -> None:
    """Thousands of cameras may never have sent anything, and the last one has."""
    hub = make_hub()
    with ExitStack() as stack, hub.watch() as viewer:
        for number in range(999):
            register(stack, hub, f"camera-{number}")
        publish(hub, register(stack, hub, "last"))
        hub.subscribe(viewer)

        assert await take_frames(viewer) == [("last", 1)]


async def test_a_viewer_gets_nothing_of_cameras_that_it_left_before_their_turn(autojump_clock: MockClock) -> None:
    """What it was still to be offered goes when it unsubscribes, when it pauses, and with the camera."""
    hub = make_hub(client_timeout=60)
    with hub.watch() as viewer:
        with ExitStack() as stack:
            register_many(stack, hub, 200)
        hub.subscribe(viewer)
        hub.unsubscribe(viewer, [f"camera-{number}" for number in range(100, 190)])
        assert len(await take_frames(viewer)) == 110

        hub.subscribe(viewer)
        hub.pause(viewer)
        assert await take_frames(viewer) == []
        hub.resume(viewer)
        await trio.sleep(60)
        hub.evict_idle()
        assert await take_frames(viewer) == []


async def test_busy_cameras_do_not_keep_back_those_that_wait_for_their_turn(autojump_clock: MockClock) -> None:
    """Each time the viewer takes a frame, one more camera is offered, however many frames wait already."""
    hub, quiet = make_hub(), set[str]()
    with ExitStack() as stack, hub.watch() as viewer:
        busy = register_many(stack, hub, 100)
        hub.subscribe(viewer)
        for number in range(100):
            publish(hub, register(stack, hub, f"quiet-{number}"))
        hub.pause(viewer)
        hub.resume(viewer)
        for _ in range(400):
            for session in busy:
                publish(hub, session)
            delivery = await viewer.outbox.receive()
            if isinstance(delivery, Delivery) and delivery.camera_id.startswith("quiet"):
                quiet.add(delivery.camera_id)
    assert len(quiet) == 100
