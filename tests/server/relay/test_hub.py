"""Cameras and viewers meet: frames are published, and cameras that have left are forgotten."""

from __future__ import annotations

import math
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from skysentry_trio.base.demand import Limits
from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.sink import WriteResult
from skysentry_trio.server.relay.camera import SessionReplaced
from skysentry_trio.server.relay.delivery import Delivery
from skysentry_trio.server.relay.notices import CameraNotice
from tests.frame_sinks import CallingSink
from tests.hubs import evict_idle, make_hub, nothing, publish, publish_nowait, register, sequences, take


@contextmanager
def outrun_wall_clock(monkeypatch: pytest.MonkeyPatch, to: float) -> Any:
    with monkeypatch.context() as patch:
        patch.setattr("time.time", lambda: to)
        yield


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


async def test_a_camera_that_left_goes_offline_at_once_and_later_away_while_its_viewers_stay(
    autojump_clock: MockClock,
) -> None:
    """Offline at once, forgotten by the janitor after the timeout; its viewers wait and see it when it comes back."""
    hub, forgotten = make_hub(client_timeout=120), dict[float, list[str]]()

    async def clean_up() -> None:
        while True:
            await trio.sleep(30)
            forgotten[trio.current_time() - began] = evict_idle(hub)

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

    assert evict_idle(hub) == []
    assert sequences(hub) == [1]
    await trio.sleep(1)
    assert evict_idle(hub) == ["door"]


async def test_a_connected_camera_that_says_nothing_is_kept(autojump_clock: MockClock) -> None:
    """Pings show that its connection lives, so the client timeout begins when it has left."""
    hub, ends = make_hub(client_timeout=60), list[str]()
    with hub.register("door", on_end=partial(ends.append, "door")) as session:
        publish(hub, session)
        await trio.sleep(10_000)
        assert evict_idle(hub) == []
        assert (session.is_replaced, ends) == (False, [])
        publish(hub, session)
    assert sequences(hub) == [1, 2]
    await trio.sleep(60)
    assert evict_idle(hub) == ["door"]


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
    assert evict_idle(hub) == ["b", "c"]


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
        evict_idle(hub)

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
            evict_idle(hub)
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
            assert evict_idle(hub) == []
    with outrun_wall_clock(monkeypatch, 1.7e9 - jump):
        await trio.sleep(59)
        assert evict_idle(hub) == []
        await trio.sleep(1)
        assert evict_idle(hub) == ["door"]


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
        evict_idle(hub)

        assert await take(viewer) == [CameraNotice("door", "Front door", online=False, removed=True)]
        assert await take(other) == []
