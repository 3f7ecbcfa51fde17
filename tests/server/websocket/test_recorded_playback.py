"""A viewer goes back from the ring into the recordings, and forward again to the live picture."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from skysentry_trio.base.principal import ANYONE, Principal, Rights
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.websocket.recorded_playback import Archive
from skysentry_trio.server.websocket.viewer import serve_viewer
from skysentry_trio.wire.viewer_query import ViewerFormat
from tests.clocks import NOON
from tests.hubs import nothing, publish_nowait
from tests.server.history.helpers import OpenFolder, frame
from tests.server.websocket.fakes import FakePeer
from tests.server.websocket.test_playback_commands import understood

HOUR = 3600.0


@asynccontextmanager
async def a_viewer(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    principal: Principal = ANYONE,
    recorded: Iterable[int] = range(int(HOUR) - 5),
) -> AsyncIterator[tuple[FakePeer, Hub]]:
    """Have a viewer of ``door``, of which an hour was recorded at one frame a second, and whose ring has 5 s of it.

    Now is an hour past noon. The frame of second N has the sequence N + 1. `recorded` names the seconds with a frame.
    """

    async def at_once(_archive: Archive, work: Callable[[], Any]) -> Any:
        # While a thread works, the clock of the test would jump.
        await trio.lowlevel.checkpoint()
        return work()

    monkeypatch.setattr(Archive, "run", at_once)
    clock = trio.lowlevel.current_clock()
    monkeypatch.setattr(time, "time", lambda: NOON + HOUR - 5 + clock.current_time())
    opened = OpenFolder(folder)
    opened.record("door", [frame(1 + second, NOON + second) for second in recorded])
    # The hub has forgotten this camera.
    opened.record("attic", [frame(1 + second, NOON + second) for second in range(10)])
    hub, peer = Hub(Settings(max_fps=1000, buffer_seconds=30)), FakePeer()
    archive = Archive(opened.reader, lambda: hub.wall_clock.now() - trio.current_time())
    try:
        with hub.register("door", on_end=nothing) as session, trio.fail_after(100):
            session.camera.sequence = int(HOUR) - 5
            for _ in range(5):
                publish_nowait(hub, session)
                await trio.sleep(1)
            async with trio.open_nursery() as nursery:
                serve = serve_viewer(peer, ScopedHub(hub, principal), "", ViewerFormat.ENVELOPE, archive=archive)
                nursery.start_soon(lambda: serve)
                await trio.testing.wait_all_tasks_blocked()
                await peer.hear_all()
                yield peer, hub
                peer.leave()
    finally:
        opened.close()


async def hear(peer: FakePeer, count: int) -> list[Any]:
    """Return the next frames, as sequence and whether they are live, and playback news, until ``count`` frames came."""
    heard = list[Any]()
    while sum(isinstance(one, tuple) for one in heard) < count:
        await trio.sleep(0.01)
        heard += [understood(message) for message in await peer.hear_all()]
    return heard


def frames_in(heard: list[Any]) -> list[int]:
    return [one[0] for one in heard if isinstance(one, tuple)]


async def test_an_old_moment_is_played_from_disk(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each second shows the next recorded frame, at the original speed."""
    async with a_viewer(tmp_path, monkeypatch) as (peer, _):
        peer.say({"type": "seek", "clientId": "door", "at": (NOON + 100) * 1000, "speed": 1})
        began = trio.current_time()
        heard = await hear(peer, 4)

        assert frames_in(heard) == [101, 102, 103, 104]
        assert trio.current_time() - began == pytest.approx(3, abs=0.2)


async def test_a_recorded_minute_passes_in_a_second(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the highest speed, one recorded frame a second becomes 60 frames a second, past the ends of files."""
    async with a_viewer(tmp_path, monkeypatch) as (peer, _):
        peer.say({"type": "seek", "clientId": "door", "at": (NOON + 100) * 1000, "speed": 60})
        began = trio.current_time()
        shown = frames_in(await hear(peer, 300))

        assert shown == sorted(set(shown))
        assert shown[-1] - shown[0] == pytest.approx(60 * (trio.current_time() - began), abs=10)


async def test_the_past_is_played_backwards_and_faster(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two seconds backwards at eight times the speed are sixteen frames."""
    async with a_viewer(tmp_path, monkeypatch) as (peer, _):
        peer.say({"type": "seek", "clientId": "door", "at": (NOON + 100) * 1000, "speed": -8})
        began = trio.current_time()
        heard = await hear(peer, 17)

        assert frames_in(heard) == list(range(101, 84, -1))
        assert trio.current_time() - began == pytest.approx(2, abs=0.2)


async def test_playing_on_leads_through_the_ring_to_the_present(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames of disk and ring follow each other without a gap or a repetition, and then the camera is live."""
    async with a_viewer(tmp_path, monkeypatch) as (peer, _):
        peer.say({"type": "seek", "clientId": "door", "at": (NOON + HOUR - 8) * 1000, "speed": 4})
        heard = await hear(peer, 8)
        await trio.sleep(1)
        heard += [understood(message) for message in await peer.hear_all()]

        last = int(HOUR)
        assert frames_in(heard) == list(range(last - 7, last + 1))
        assert [one["live"] for one in heard if isinstance(one, dict)][-1]


async def test_a_pause_in_the_past_stands_still_and_steps(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At speed 0 one frame is shown; the neighbouring frames are shown when they are asked for."""
    async with a_viewer(tmp_path, monkeypatch) as (peer, _):
        peer.say({"type": "seek", "clientId": "door", "at": (NOON + 100.5) * 1000, "speed": 0})
        first = await hear(peer, 1)
        await trio.sleep(5)
        peer.say({"type": "seek", "clientId": "door", "sequence": 102, "speed": 0})
        second = await hear(peer, 1)
        peer.say({"type": "seek", "clientId": "door", "sequence": 101, "speed": 0})
        third = await hear(peer, 1)

        assert [frames_in(one) for one in (first, second, third)] == [[101], [102], [101]]


async def test_the_timeline_begins_with_the_recordings(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest moment that a viewer is told is that of the oldest recorded frame."""
    async with a_viewer(tmp_path, monkeypatch) as (peer, _):
        peer.say({"type": "playback", "clientId": "door"})
        await trio.testing.wait_all_tasks_blocked()
        (answer,) = [one for one in await peer.hear_all() if isinstance(one, dict)]

        assert answer["oldestAt"] == NOON * 1000
        assert answer["ringOldestAt"] == pytest.approx((NOON + HOUR - 5) * 1000)


async def test_going_live_ends_the_playback(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest frame is shown at once, and no recorded frame comes after it."""
    async with a_viewer(tmp_path, monkeypatch) as (peer, _):
        peer.say({"type": "seek", "clientId": "door", "at": (NOON + 100) * 1000, "speed": 1})
        await hear(peer, 2)
        peer.say({"type": "live", "clientId": "door"})
        heard = await hear(peer, 1)
        await trio.sleep(5)
        heard += [understood(message) for message in await peer.hear_all()]

        assert [one for one in heard if isinstance(one, tuple)] == [(int(HOUR), True)]


async def test_the_oldest_frame_stands_still(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A playback backwards stops at the oldest recorded frame, and the viewer is told."""
    async with a_viewer(tmp_path, monkeypatch) as (peer, _):
        peer.say({"type": "seek", "clientId": "door", "at": (NOON + 1) * 1000, "speed": -1})
        heard = await hear(peer, 2)
        await trio.sleep(2)
        heard += [understood(message) for message in await peer.hear_all()]

        assert frames_in(heard) == [2, 1]
        assert [one["speed"] for one in heard if isinstance(one, dict)][-1] == 0


async def test_a_camera_that_the_viewer_no_longer_gets_is_not_played(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unsubscribing ends the playback."""
    async with a_viewer(tmp_path, monkeypatch) as (peer, _):
        peer.say({"type": "seek", "clientId": "door", "at": (NOON + 100) * 1000, "speed": 1})
        await hear(peer, 2)
        peer.say({"type": "unsubscribe", "clients": ["door"]})
        await trio.sleep(0.5)
        await peer.hear_all()
        await trio.sleep(5)

        assert frames_in([understood(message) for message in await peer.hear_all()]) == []


def playing_back(*history: str) -> Principal:
    """Return a viewer of all cameras that may play some back."""
    return Principal("guest", Rights.of({"view": ["*"], "history": history}), "jwt", "jwt:guest")


@pytest.mark.parametrize("seek", [{"at": NOON * 1000}, {"back": 4 * HOUR}])
async def test_frames_before_the_moment_of_a_right_are_not_played(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seek: dict[str, float]
) -> None:
    """Neither by a seek nor backwards; the timeline begins at the moment."""
    async with a_viewer(tmp_path, monkeypatch, playing_back("door@2026-11-29T12:30:00Z")) as (peer, _):
        peer.say({"type": "seek", "clientId": "door", **seek, "speed": 0})
        first = await hear(peer, 1)
        peer.say({"type": "seek", "clientId": "door", "at": (NOON + 1803) * 1000, "speed": -1})
        heard = await hear(peer, 4)
        await trio.sleep(5)
        rest = [understood(message) for message in await peer.hear_all()]
        peer.say({"type": "playback", "clientId": "door"})
        state = await peer.hear()

    assert frames_in(first) == [1801]
    assert state["oldestAt"] == (NOON + 1800) * 1000
    assert frames_in(heard) == [1804, 1803, 1802, 1801]
    assert frames_in(rest) == []


@pytest.mark.parametrize("command", ["playback", "seek", "live"])
async def test_a_viewer_learns_nothing_of_recordings_that_it_may_not_see(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Not even whether there are any."""
    hidden = Principal("guest", Rights.of({"view": ["yard"], "history": ["yard"]}), "jwt", "jwt:guest")
    answers = []
    for number, camera_id in enumerate(("door", "nowhere")):
        async with a_viewer(tmp_path / str(number), monkeypatch, hidden) as (peer, _):
            where = {"at": NOON * 1000} if command == "seek" else {}
            peer.say({"type": command, "clientId": camera_id, **where})
            await trio.sleep(1)
            answers.append([str(message).replace("door", "nowhere") for message in await peer.hear_all()])
    assert answers[0] == answers[1]


async def test_playing_backwards_leads_from_the_ring_into_the_recordings(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames of ring and disk follow each other at the same speed."""
    async with a_viewer(tmp_path, monkeypatch) as (peer, _):
        peer.say({"type": "seek", "clientId": "door", "back": 3, "speed": -1})
        began = trio.current_time()
        heard = await hear(peer, 8)

        newest = frames_in(heard)[0]
        assert newest > int(HOUR) - 5
        assert frames_in(heard) == list(range(newest, newest - 8, -1))
        assert trio.current_time() - began == pytest.approx(7, abs=1.1)
        assert all(one["speed"] == -1 for one in heard if isinstance(one, dict))


GAP = [*range(100), *range(160, int(HOUR) - 5)]
"""Seconds of an hour of which one minute was not recorded."""


async def test_a_gap_is_left_out(autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One camera alone waits a second where nothing was recorded."""
    async with a_viewer(tmp_path, monkeypatch, recorded=GAP) as (peer, _):
        peer.say({"type": "seek", "clientId": "door", "at": (NOON + 98) * 1000, "speed": 1})
        began = trio.current_time()

        assert frames_in(await hear(peer, 3)) == [99, 100, 161]
        assert trio.current_time() - began == pytest.approx(2, abs=0.2)


async def test_cameras_in_step_wait_for_each_other(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A camera that is played together with others keeps its picture where it was not recorded."""
    async with a_viewer(tmp_path, monkeypatch, recorded=GAP) as (peer, _):
        peer.say({"type": "seek", "clients": ["door"], "at": (NOON + 98) * 1000, "speed": 2})
        began = trio.current_time()

        assert frames_in(await hear(peer, 3)) == [99, 100, 161]
        assert trio.current_time() - began == pytest.approx(31, abs=0.2)


async def test_a_camera_in_step_waits_for_its_first_frame(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A moment before the recordings shows their first frame until the playback reaches it."""
    async with a_viewer(tmp_path, monkeypatch) as (peer, _):
        peer.say({"type": "seek", "clients": ["door"], "at": (NOON - 20) * 1000, "speed": 1})
        began = trio.current_time()

        assert frames_in(await hear(peer, 2)) == [1, 2]
        assert trio.current_time() - began == pytest.approx(21, abs=0.2)


async def test_a_camera_that_the_server_has_forgotten_has_a_timeline(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its recordings say from when to when there is something to play."""
    async with a_viewer(tmp_path, monkeypatch) as (peer, _):
        peer.say({"type": "playback", "clientId": "attic"})
        await trio.testing.wait_all_tasks_blocked()
        (answer,) = [one for one in await peer.hear_all() if isinstance(one, dict)]

        assert (answer["oldestAt"], answer["newestAt"]) == (NOON * 1000, (NOON + 9) * 1000)
        assert answer["ringOldestAt"] is None
