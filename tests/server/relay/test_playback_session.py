"""A viewer leaves the live pictures of some cameras and comes back, while nobody else notices."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from skysentry_trio.base.demand import Limits
from skysentry_trio.server.relay.camera import CameraSession
from skysentry_trio.server.relay.delivery import Delivery
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.playback_session import MAX_PLAYBACKS, PlaybackSession
from skysentry_trio.server.relay.viewer import HubViewer
from skysentry_trio.server.settings import Settings
from tests.hubs import evict_idle, nothing, publish_nowait
from tests.principals import make_guest

LIVE, PAST = True, False


def make_hub(**chosen: Any) -> Hub:
    return Hub(Settings(**{"max_fps": 1000, "buffer_seconds": 30, **chosen}))


def publish(hub: Hub, session: CameraSession) -> None:
    publish_nowait(hub, session, b"jpeg", width=4, height=3)


@contextmanager
def filled(hub: Hub, *camera_ids: str) -> Iterator[list[CameraSession]]:
    """Have cameras that can publish."""
    with ExitStack() as stack:
        yield [stack.enter_context(hub.register(camera_id, on_end=nothing)) for camera_id in camera_ids]


async def pass_seconds(hub: Hub, sessions: list[CameraSession], seconds: int) -> None:
    """Let each camera send a frame a second."""
    for _ in range(seconds):
        for session in sessions:
            publish(hub, session)
        await trio.sleep(1)


async def take(viewer: HubViewer) -> list[tuple[str, int, bool]]:
    """Return what waits for a viewer: id, sequence, and whether it is live."""
    taken = []
    with trio.move_on_after(1e-6):
        while True:
            waiting = await viewer.outbox.receive()
            if isinstance(waiting, Delivery):
                taken.append((waiting.camera_id, waiting.frame.sequence, waiting.live))
    return taken


async def follow(playback: PlaybackSession, viewer: HubViewer, until: float) -> list[tuple[float, int, bool]]:
    """Let playbacks go on until a time; return when each frame came for the viewer."""
    seen = []
    while playback.due <= until + 0.01:
        await trio.sleep_until(playback.due)
        playback.advance()
        seen += [(round(trio.current_time(), 2), *what) for _, *what in await take(viewer)]
    return seen  # type: ignore[return-value]


async def test_a_playback_shows_the_frames_as_fast_as_they_came(autojump_clock: MockClock) -> None:
    """Five seconds back, every frame comes five seconds after it came first, and none of the live ones comes."""
    hub = make_hub()
    with filled(hub, "door") as [door], hub.watch() as viewer, hub.watch() as other:
        hub.subscribe(viewer)
        hub.subscribe(other)
        playback = PlaybackSession(hub, viewer)
        await pass_seconds(hub, [door], 10)
        await take(viewer)
        await take(other)

        playback.seek("door", 1.0, back=5)
        assert await take(viewer) == [("door", 6, PAST)]
        publish(hub, door)
        assert await take(other) == [("door", 11, LIVE)]
        assert await follow(playback, viewer, 13.0) == [(11.0, 7, PAST), (12.0, 8, PAST), (13.0, 9, PAST)]


async def test_a_playback_that_catches_up_is_live_again(autojump_clock: MockClock) -> None:
    """The last frame of it is live, and so are all after it."""
    hub = make_hub()
    with filled(hub, "door") as [door], hub.watch() as viewer:
        hub.subscribe(viewer)
        playback = PlaybackSession(hub, viewer)
        await pass_seconds(hub, [door], 5)
        playback.seek("door", 2.0, sequence=3)
        assert await take(viewer) == [("door", 3, PAST)]
        await trio.sleep_until(5.5)
        assert playback.advance() == []
        await trio.sleep_until(6.0)
        assert playback.advance() == ["door"]

        assert await take(viewer) == [("door", 5, LIVE)]
        assert (playback.due, playback.is_active()) == (math.inf, False)
        publish(hub, door)
        assert await take(viewer) == [("door", 6, LIVE)]


async def test_backwards_ends_at_the_oldest_frame_and_stays_there(autojump_clock: MockClock) -> None:
    """It does not become live by itself."""
    hub = make_hub()
    with filled(hub, "door") as [door], hub.watch() as viewer:
        hub.subscribe(viewer)
        playback = PlaybackSession(hub, viewer)
        await pass_seconds(hub, [door], 3)
        playback.seek("door", -1.0, back=0)
        assert await follow(playback, viewer, 99.0) == [(4.0, 2, PAST), (5.0, 1, PAST)]
        publish(hub, door)

        assert playback.state_of("door").speed == 0
        assert await take(viewer) == []


async def test_cameras_in_step_show_the_same_moment(autojump_clock: MockClock) -> None:
    """A camera with a gap, and one that came later, show at each time what they showed at the moment that is played."""
    hub = make_hub()
    with filled(hub, "steady", "gap", "late") as [steady, gap, late], hub.watch() as viewer:
        hub.subscribe(viewer)
        playback = PlaybackSession(hub, viewer)
        for second in range(10):
            publish(hub, steady)
            if second in {0, 6}:
                publish(hub, gap)
            if second >= 5:
                publish(hub, late)
            await trio.sleep(1)
        await take(viewer)
        # It is 10 now, and 3.5 is played.
        for camera_id in ("steady", "gap", "late"):
            playback.seek(camera_id, 1.0, back=6.5, in_step=True)
        assert await take(viewer) == [("steady", 4, PAST), ("gap", 1, PAST), ("late", 1, PAST)]
        seen = list[tuple[float, str, int]]()
        while playback.due <= 13.6:
            await trio.sleep_until(playback.due)
            playback.advance()
            seen += [
                (round(trio.current_time() - 6.5, 2), camera_id, frame) for camera_id, frame, _ in await take(viewer)
            ]

    # Each frame of each camera comes at the moment at which it was taken.
    assert sorted(seen) == [
        (4.0, "steady", 5),
        (5.0, "steady", 6),
        (6.0, "gap", 2),
        (6.0, "late", 2),
        (6.0, "steady", 7),
        (7.0, "late", 3),
        (7.0, "steady", 8),
    ]


async def test_cameras_in_step_go_back_together(autojump_clock: MockClock) -> None:
    """A time of day is the same moment for all, also backwards and faster."""
    hub = make_hub()
    with filled(hub, "a", "b") as [a, b], hub.watch() as viewer:
        hub.subscribe(viewer)
        playback = PlaybackSession(hub, viewer)
        await pass_seconds(hub, [a], 4)
        await pass_seconds(hub, [a, b], 4)
        moment = hub.camera("a").ring.newest.received_at - 0.5  # type: ignore[union-attr]
        await take(viewer)
        for camera_id in ("a", "b"):
            playback.seek(camera_id, -2.0, at=moment, in_step=True)
        assert await take(viewer) == [("a", 7, PAST), ("b", 3, PAST)]
        started, seen = trio.current_time(), list[tuple[float, str, int]]()
        while playback.due <= started + 1.3:
            await trio.sleep_until(playback.due)
            playback.advance()
            passed = round(trio.current_time() - started, 2)
            seen += [(passed, camera_id, frame) for camera_id, frame, _ in await take(viewer)]

    # 6.5 at the start; frame 6 of a, and frame 2 of b, came at 5.
    assert sorted(seen) == [(0.75, "a", 6), (0.75, "b", 2), (1.25, "a", 5), (1.25, "b", 1)]


async def test_one_camera_in_the_past_leaves_the_others_live(autojump_clock: MockClock) -> None:
    """Who follows all cameras and seeks in one loses nothing of the others."""
    hub = make_hub()
    with filled(hub, "a", "b") as sessions, hub.watch() as viewer:
        hub.subscribe(viewer)
        playback = PlaybackSession(hub, viewer)
        await pass_seconds(hub, sessions, 3)
        await take(viewer)
        playback.seek("a", 0.0, sequence=2)
        assert await take(viewer) == [("a", 2, PAST)]
        for session in sessions:
            publish(hub, session)
        assert await take(viewer) == [("b", 4, LIVE)]
        playback.go_live("a")
        assert await take(viewer) == [("a", 4, LIVE)]
        playback.go_live("a")
        playback.go_live("nobody")
        assert await take(viewer) == []


async def test_a_frame_of_the_past_takes_the_place_of_what_waits(autojump_clock: MockClock) -> None:
    """A slow viewer gets one frame of a camera, whichever was wanted last, and the loss is counted."""
    hub = make_hub()
    with filled(hub, "door") as [door], hub.watch() as viewer:
        hub.subscribe(viewer)
        playback = PlaybackSession(hub, viewer)
        publish(hub, door)
        publish(hub, door)
        playback.seek("door", 0.0, sequence=1)
        assert await take(viewer) == [("door", 1, PAST)]
        assert viewer.outbox.superseded == 2


async def test_what_cannot_be_played_stays_live(autojump_clock: MockClock) -> None:
    """Cameras that are unknown, not subscribed to or without frames, and the moment that is now."""
    hub = make_hub()
    with filled(hub, "a", "b", "empty") as [a, b, _], hub.watch() as viewer:
        hub.subscribe(viewer, ["a", "empty", "nobody"])
        playback = PlaybackSession(hub, viewer)
        publish(hub, a)
        publish(hub, b)
        await take(viewer)
        for camera_id in ("nobody", "b", "empty"):
            playback.seek(camera_id, 1.0, back=5)
        assert await take(viewer) == []
        playback.seek("a", 1.0, at=4e9)
        assert await take(viewer) == [("a", 1, LIVE)]
        assert not playback.is_active()


async def test_the_number_of_playbacks_is_bounded(autojump_clock: MockClock) -> None:
    """One more is not begun; another moment of one that is there is."""
    hub = make_hub()
    ids = [f"camera-{number}" for number in range(MAX_PLAYBACKS + 1)]
    with filled(hub, *ids) as sessions, hub.watch() as viewer:
        hub.subscribe(viewer)
        playback = PlaybackSession(hub, viewer)
        await pass_seconds(hub, sessions, 2)
        await take(viewer)
        for camera_id in ids:
            playback.seek(camera_id, 0.0, sequence=1)
        playback.seek(ids[0], 0.0, sequence=2)

        assert [camera_id for camera_id in ids if playback.is_active(camera_id)] == ids[:-1]
        assert await take(viewer) == [(ids[0], 2, PAST), *((camera_id, 1, PAST) for camera_id in ids[1:-1])]


async def test_a_viewer_that_goes_live_while_a_frame_is_fanned_out_gets_it_once(autojump_clock: MockClock) -> None:
    """Hundreds watch, so not all were offered the newest frame yet when one of the last asks for what is live."""
    hub = make_hub()
    with ExitStack() as stack:
        (session,) = stack.enter_context(filled(hub, "door"))
        await pass_seconds(hub, [session], 2)
        for viewer in (viewers := [stack.enter_context(hub.watch()) for _ in range(300)]):
            hub.subscribe(viewer)
        playback = PlaybackSession(hub, viewers[-1])
        playback.seek("door", 0.0, sequence=1)
        await take(viewers[-1])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(hub.publish, session, b"jpeg", width=4, height=3))
            # The publishing task offers the frame to the first viewers, and yields before the others.
            while session.camera.sequence < 3:
                await trio.lowlevel.checkpoint()
            playback.go_live("door")
        assert await take(viewers[-1]) == [("door", 3, LIVE)]


async def test_a_playback_ends_with_the_subscription_to_its_camera(autojump_clock: MockClock) -> None:
    """Unsubscribed, or left out of a new subscription: when the viewer subscribes again, it is live."""
    hub = make_hub()
    with filled(hub, "a", "b") as sessions, hub.watch() as viewer:
        hub.subscribe(viewer)
        playback = PlaybackSession(hub, viewer)
        await pass_seconds(hub, sessions, 3)
        playback.seek("a", 1.0, sequence=1)
        playback.seek("b", 1.0, sequence=1)
        hub.unsubscribe(viewer, ["a"])
        assert [playback.is_active(camera_id) for camera_id in "ab"] == [False, True]
        hub.subscribe(viewer, ["a"])
        assert (playback.due, playback.is_active()) == (math.inf, False)
        assert await take(viewer) == [("a", 3, LIVE)]

        playback.seek("a", 1.0, sequence=1)
        hub.subscribe(viewer, ["a"], Limits(max_fps=2))
        hub.subscribe(viewer)
        assert [playback.is_active(camera_id) for camera_id in "ab"] == [True, False]


async def test_a_playback_ends_with_its_camera(autojump_clock: MockClock) -> None:
    """The frames of a forgotten camera are gone, from the playback too; one that comes under its id is live."""
    hub = make_hub(client_timeout=60)
    with hub.watch() as viewer:
        hub.subscribe(viewer)
        playback = PlaybackSession(hub, viewer)
        with filled(hub, "door") as sessions:
            await pass_seconds(hub, sessions, 3)
            playback.seek("door", 0.01, sequence=1)
        await trio.sleep(60)
        assert evict_idle(hub) == ["door"]
        assert (playback.due, playback.advance()) == (math.inf, [])
        with filled(hub, "door") as [door]:
            publish(hub, door)
            assert await take(viewer) == [("door", 1, LIVE)]


async def test_a_playback_outlives_the_connection_of_its_camera(autojump_clock: MockClock) -> None:
    """When another connection takes the camera over, the ring stays, and so does the place in it."""
    hub = make_hub()
    with filled(hub, "door") as sessions, hub.watch() as viewer:
        hub.subscribe(viewer)
        playback = PlaybackSession(hub, viewer)
        await pass_seconds(hub, sessions, 3)
        await take(viewer)
        playback.seek("door", 1.0, sequence=1)
        with filled(hub, "door") as [successor]:
            publish(hub, successor)
            assert await take(viewer) == [("door", 1, PAST)]
            assert await follow(playback, viewer, 4.0) == [(4.0, 2, PAST)]


async def test_a_pause_holds_playbacks_too(autojump_clock: MockClock) -> None:
    """Nothing comes and no time passes in it; then it goes on from the same frame, with that frame again."""
    hub = make_hub()
    with filled(hub, "door", "gone") as [door, gone], hub.watch() as viewer:
        hub.subscribe(viewer)
        playback = PlaybackSession(hub, viewer)
        await pass_seconds(hub, [door, gone], 4)
        playback.seek("door", 1.0, sequence=1)
        await follow(playback, viewer, 5.0)
        hub.pause(viewer)
        await take(viewer)
        await trio.sleep(15)
        assert (playback.due, playback.advance(), await take(viewer)) == (math.inf, [], [])
        playback.seek("gone", 0.0, sequence=3)
        playback.go_live("gone")
        assert await take(viewer) == []

        hub.resume(viewer)
        playback.resume()
        assert await take(viewer) == [("gone", 4, LIVE), ("door", 2, PAST)]
        assert await follow(playback, viewer, 22.0) == [(21.0, 3, PAST), (22.0, 4, LIVE)]


async def test_the_viewers_rate_holds_for_playbacks(autojump_clock: MockClock) -> None:
    """A viewer that asked for one frame in 2.3 seconds gets no more from the past, until it asks for more."""
    hub = make_hub()
    with filled(hub, "door") as sessions, hub.watch() as viewer:
        hub.subscribe(viewer, limits=Limits(max_fps=1 / 2.3))
        playback = PlaybackSession(hub, viewer)
        await pass_seconds(hub, sessions, 10)
        await take(viewer)
        playback.seek("door", 1.0, back=9)
        assert await take(viewer) == [("door", 2, PAST)]
        assert await follow(playback, viewer, 15.0) == [(12.3, 4, PAST), (14.6, 6, PAST)]
        hub.subscribe(viewer)
        assert await follow(playback, viewer, 18.5) == [(16.9, 8, PAST), (17.0, 9, PAST), (18.0, 10, LIVE)]


async def test_a_hidden_camera_is_described_as_one_that_does_not_exist(autojump_clock: MockClock) -> None:
    """Who may not see a camera learns neither its newest frame nor how far its timeline reaches."""
    hub = make_hub()
    guest = make_guest("lobby")
    with filled(hub, "door", "lobby") as sessions, hub.watch(principal=guest) as viewer:
        hub.subscribe(viewer)
        playback = PlaybackSession(hub, viewer)
        await pass_seconds(hub, sessions, 3)
        await take(viewer)
        playback.seek("door", 1.0, sequence=1)

        assert await take(viewer) == []
        assert playback.state_of("door") == playback.state_of("nobody")
        assert playback.state_of("lobby").sequence == 3


async def test_a_timeline_is_as_long_as_the_time_that_has_passed(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the clock is set to, also for a paused viewer and for a camera that sends no more."""
    ahead = 0.0
    monkeypatch.setattr(time, "time", lambda: 1e9 + autojump_clock.current_time() + ahead)
    hub = make_hub()
    with filled(hub, "door", "yard") as [door, yard], hub.watch() as viewer:
        hub.subscribe(viewer)
        session = PlaybackSession(hub, viewer)
        await pass_seconds(hub, [door, yard], 10)
        session.seek("door", 0, back=5)
        shown = session.state_of("door").received_at
        for ahead in (3600.0, -3600.0):
            await pass_seconds(hub, [door], 1)
            hub.discard_expired()
            state = session.state_of("door")
            assert None not in (state.oldest_at, state.newest_at, shown)
            assert 10 <= state.newest_at - state.oldest_at <= 12  # type: ignore[operator]
            assert state.received_at == pytest.approx(shown + ahead)  # type: ignore[operator]
            (of_yard, now) = (session.state_of("yard"), time.time())
            assert 9 <= of_yard.newest_at - of_yard.oldest_at <= 10  # type: ignore[operator]
            assert now - 3 <= of_yard.newest_at <= now  # type: ignore[operator]
            found = hub.camera("door").ring.at(now - 5)  # type: ignore[union-attr]
            assert found is hub.camera("door").ring.back(5, trio.current_time())  # type: ignore[union-attr]
