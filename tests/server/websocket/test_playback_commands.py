"""A viewer's playback commands, and what it gets for them."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock, wait_all_tasks_blocked

from skysentry_trio.base.demand import Limits
from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import ANYONE, Principal
from skysentry_trio.server.relay.camera import CameraSession
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.websocket.viewer import serve_viewer
from skysentry_trio.wire.framing import encode_frame
from skysentry_trio.wire.results import Box
from skysentry_trio.wire.viewer_query import ViewerFormat
from tests.hubs import nothing, publish_nowait
from tests.jpegs import draw_jpeg
from tests.server.websocket.fakes import FakePeer

EPOCH = 1_700_000_000.0
BOX = Box(1, 2, 3, 4)


@pytest.fixture
def wall_clock(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> MockClock:
    """Let the time of day follow the clock of the test."""
    monkeypatch.setattr(time, "time", lambda: EPOCH + autojump_clock.current_time())
    return autojump_clock


@define(eq=False)
class OtherNode:
    """Another server, which plays and says nothing."""

    has_camera: list[bool]
    """What each command finds out."""
    heard: list[list[str]] = field(factory=list)
    """The types of the messages on each connection."""

    async def has(self, _camera_id: str) -> bool:
        return self.has_camera.pop(0)

    @asynccontextmanager
    async def open_viewer(self, _camera_id: str, _limits: Limits, _principal: Principal) -> AsyncIterator[Connection]:
        self.heard.append([])
        yield Connection(self.heard[-1])


@define(eq=False)
class Connection:
    heard: list[str]

    async def send(self, message: str) -> None:
        await trio.lowlevel.checkpoint()
        self.heard.append(json.loads(message)["type"])

    async def receive(self) -> str | bytes:
        return await trio.sleep_forever()


def publish(hub: Hub, session: CameraSession) -> None:
    publish_nowait(hub, session, draw_jpeg(session.camera.frame_count), width=32, height=24)


@asynccontextmanager
async def serving_viewer(query: str = "", elsewhere: OtherNode | None = None) -> AsyncIterator[tuple[FakePeer, Hub]]:
    """Have a viewer of the camera ``door``, which sent its frames 1 to 10 at the seconds 0 to 9; now is 10."""
    hub, peer = Hub(Settings(max_fps=1000, buffer_seconds=30)), FakePeer()
    with hub.register("door", on_end=nothing) as session, trio.fail_after(1000):
        for _ in range(10):
            publish(hub, session)
            await trio.sleep(1)
        async with trio.open_nursery() as nursery:
            serve = partial(serve_viewer, elsewhere=elsewhere)
            nursery.start_soon(serve, peer, ScopedHub(hub, ANYONE), query, ViewerFormat.ENVELOPE)
            await wait_all_tasks_blocked()
            await peer.hear_all()
            yield peer, hub
            peer.leave()


def understood(message: Any) -> Any:
    """Return a frame as sequence and whether it is live; a playback as its news; all else as it is."""
    if isinstance(message, bytes):
        header = json.loads(message[2 : 2 + int.from_bytes(message[:2], "big")])
        return header["sequence"], header["live"]
    if isinstance(message, dict) and message["type"] == "playback":
        return {key: message[key] for key in ("live", "speed", "sequence")}
    return message


def in_any_order(messages: list[Any]) -> list[str]:
    """Frames and words take different ways out."""
    return sorted(map(str, messages))


async def heard(peer: FakePeer) -> list[Any]:
    """Return what came, in order."""
    await wait_all_tasks_blocked()
    return [understood(message) for message in await peer.hear_all()]


async def test_a_question_about_the_timeline_is_answered_and_changes_nothing(wall_clock: MockClock) -> None:
    """A viewer in a playback learns which frames the server has dropped since, and stays where it is."""
    async with serving_viewer() as (peer, _):
        peer.say({"type": "seek", "clientId": "door", "sequence": 4, "speed": 0})
        await wait_all_tasks_blocked()
        await peer.hear_all()
        peer.say({"type": "playback", "clientId": "door"})
        assert await heard(peer) == [{"live": False, "speed": 0.0, "sequence": 4}]
        peer.say({"type": "live", "clientId": "door"})
        await wait_all_tasks_blocked()
        await peer.hear_all()
        peer.say({"type": "playback", "clientId": "door"})
        assert await heard(peer) == [{"live": True, "speed": 1.0, "sequence": 10}]


async def test_a_seek_is_answered_with_where_the_viewer_is(wall_clock: MockClock) -> None:
    """All of the answer's keys, times in milliseconds."""
    async with serving_viewer() as (peer, _):
        peer.say({"type": "seek", "clientId": "door", "back": 5, "speed": 0.5})
        await wait_all_tasks_blocked()
        answer = next(message for message in await peer.hear_all() if isinstance(message, dict))

    assert answer == {
        "type": "playback",
        "clientId": "door",
        "live": False,
        "speed": 0.5,
        "sequence": 6,
        "at": pytest.approx((EPOCH + 5) * 1000, abs=10),
        "oldestAt": EPOCH * 1000,
        "newestAt": (EPOCH + 9) * 1000,
    }


async def test_a_description_says_when_something_was_found(wall_clock: MockClock) -> None:
    """Findings from before the viewer came are marks too, at the times of their frames; a seek is answered without."""
    async with serving_viewer() as (peer, hub):
        for sequence, found in ((2, True), (3, True), (8, True), (9, False)):
            hub.results.publish("door", sequence, encode_frame("{}"), boxes=[BOX] if found else [])
        with pytest.raises(ProtocolViolation):
            hub.results.publish("door", 11, encode_frame("{}"), boxes=[BOX])
        await wait_all_tasks_blocked()
        await peer.hear_all()
        for command in ("playback", "live"):
            peer.say({"type": command, "clientId": "door"})
            await wait_all_tasks_blocked()
            [answer] = [message for message in await peer.hear_all() if isinstance(message, dict)]
            assert answer["results"] == [
                [(EPOCH + first) * 1000, (EPOCH + last) * 1000] for first, last in ((1, 2), (7, 7))
            ]
        peer.say({"type": "seek", "clientId": "door", "back": 3, "speed": 0})
        await wait_all_tasks_blocked()
        answers = [message for message in await peer.hear_all() if isinstance(message, dict)]
        assert [message for message in answers if "results" in message] == []


async def test_a_command_may_name_several_cameras(wall_clock: MockClock) -> None:
    """Each gets an answer of its own."""
    async with serving_viewer() as (peer, hub):
        with hub.register("yard", on_end=nothing) as yard:
            publish(hub, yard)
            await trio.sleep(1)
            await wait_all_tasks_blocked()
            await peer.hear_all()
            for command, live in (({"type": "seek", "back": 1, "speed": 0}, False), ({"type": "live"}, True)):
                peer.say({**command, "clients": ["door", "yard", "door", "nobody"]})
                await wait_all_tasks_blocked()
                answers = [message for message in await peer.hear_all() if isinstance(message, dict)]
                assert [(answer["clientId"], answer["live"]) for answer in answers] == [
                    ("door", live),
                    ("yard", live),
                    ("nobody", True),
                ]


@pytest.mark.parametrize(
    ("where", "sequence"), [({"at": (EPOCH + 3.5) * 1000}, 4), ({"back": 2}, 9), ({"sequence": 7}, 7)]
)
async def test_a_seek_names_its_moment_in_one_of_three_ways(
    wall_clock: MockClock, where: dict[str, float], sequence: int
) -> None:
    """By the server's clock, by distance, and by the frame."""
    async with serving_viewer() as (peer, _):
        peer.say({"type": "seek", "clientId": "door", "speed": 0, **where})
        assert in_any_order(await heard(peer)) == in_any_order(
            [{"live": False, "speed": 0.0, "sequence": sequence}, (sequence, False)]
        )


async def test_frames_come_when_they_are_due_until_the_playback_is_live(wall_clock: MockClock) -> None:
    """Two seconds back and twice as fast: the viewer is told when it has caught up."""
    async with serving_viewer() as (peer, _):
        peer.say({"type": "seek", "clientId": "door", "sequence": 8, "speed": 2})
        await heard(peer)
        seen = []
        for _ in range(3):
            message = understood(await peer.hear())
            seen.append((round(wall_clock.current_time(), 1), message))

    assert seen[0] == (10.5, (9, False))
    assert in_any_order(seen[1:]) == in_any_order(
        [(11.0, (10, True)), (11.0, {"live": True, "speed": 1.0, "sequence": 10})]
    )


async def test_the_end_on_the_way_back_is_told_too(wall_clock: MockClock) -> None:
    """The viewer learns that it stands still now."""
    async with serving_viewer() as (peer, _):
        peer.say({"type": "seek", "clientId": "door", "sequence": 2, "speed": -1})
        await heard(peer)

        assert in_any_order([understood(await peer.hear()) for _ in range(2)]) == in_any_order(
            [(1, False), {"live": False, "speed": 0.0, "sequence": 1}]
        )


async def test_live_is_answered_whether_it_was_or_not(wall_clock: MockClock) -> None:
    """The newest frame comes only if the viewer had left it."""
    async with serving_viewer() as (peer, _):
        peer.say({"type": "live", "clientId": "door"})
        assert await heard(peer) == [{"live": True, "speed": 1.0, "sequence": 10}]
        peer.say({"type": "seek", "clientId": "door", "sequence": 3, "speed": 0})
        await heard(peer)
        peer.say({"type": "live", "clientId": "door"})
        assert in_any_order(await heard(peer)) == in_any_order(
            [(10, True), {"live": True, "speed": 1.0, "sequence": 10}]
        )
        peer.say({"type": "seek", "clientId": "nobody", "back": 3})
        assert await heard(peer) == [{"live": True, "speed": 1.0, "sequence": None}]


async def test_a_second_seek_changes_the_plan_at_once(wall_clock: MockClock) -> None:
    """A viewer that scrubs does not wait for the frame that was due after an earlier seek."""
    async with serving_viewer() as (peer, _):
        for number in range(15):
            peer.say({"type": "seek", "clientId": "door", "sequence": 1 + number % 9, "speed": 0.001})
        await heard(peer)
        peer.say({"type": "seek", "clientId": "door", "sequence": 4, "speed": 1})
        await heard(peer)

        assert understood(await peer.hear()) == (5, False)
        assert round(wall_clock.current_time(), 1) == 11.0


SEEK = {"type": "seek", "clientId": "door", "sequence": 3, "speed": 0}
LIVE = {"type": "live", "clientId": "door"}


@pytest.mark.parametrize("commands", [[SEEK], [LIVE], [SEEK, LIVE]], ids=["seek", "live", "both"])
async def test_two_thousand_seeks_a_second_are_a_flood(wall_clock: MockClock, commands: list[dict[str, Any]]) -> None:
    """Each can have a frame encoded for one viewer alone, so they are limited together: 20 at once, and 20 a second."""
    async with serving_viewer() as (peer, hub):
        for number in range(200):
            if peer.goodbye is not None:
                break
            peer.say(commands[number % len(commands)])
            await trio.sleep(1 / 2000)

        assert peer.goodbye == (1008, "more than 20 playback commands a second")
        assert number < 25
        messages = [message for message in await peer.hear_all() if isinstance(message, dict)]
        assert messages[-1] == {"type": "error", "error": "more than 20 playback commands a second", "code": "flood"}
        assert hub.statistics().peers_refused == {("viewer", "flood"): 1}


@pytest.mark.parametrize("commands", [[SEEK], [SEEK, LIVE]], ids=["seek", "both"])
async def test_scrubbing_is_no_flood(wall_clock: MockClock, commands: list[dict[str, Any]]) -> None:
    """Twenty seeks a second, more than a page sends that follows a finger, are all answered."""
    async with serving_viewer() as (peer, _):
        for number in range(200):
            peer.say(commands[number % len(commands)])
            await trio.sleep(1 / 20)

        messages = [message for message in await peer.hear_all() if isinstance(message, dict)]
        assert [message["type"] for message in messages] == ["playback"] * 200
        assert peer.goodbye is None


async def test_pause_and_resume_hold_a_playback(wall_clock: MockClock) -> None:
    """After the break the frame comes again that was shown before, and the next at its distance."""
    async with serving_viewer() as (peer, _):
        peer.say({"type": "seek", "clientId": "door", "sequence": 4})
        await heard(peer)
        peer.say({"type": "pause"})
        await trio.sleep(20)
        assert await heard(peer) == []
        peer.say({"type": "resume"})
        assert await heard(peer) == [(4, False)]

        assert understood(await peer.hear()) == (5, False)
        assert round(wall_clock.current_time(), 1) == 31.0


@pytest.mark.parametrize("query", ["?format=jpeg&client=door", "?format=json"])
async def test_other_formats_get_the_frames_and_no_words(wall_clock: MockClock, query: str) -> None:
    """They do not tell the past from now, as there is no place for it."""
    async with serving_viewer(query.removeprefix("?")) as (peer, _):
        peer.say({"type": "seek", "clientId": "door", "sequence": 9})
        await wait_all_tasks_blocked()
        first = await peer.hear_all()
        await trio.sleep(1.5)
        second = await peer.hear_all()

    assert (len(first), len(second)) == (1, 1)
    assert first != second
    assert all(isinstance(message, bytes) or message["type"] == "frame_update" for message in first + second)


async def test_a_viewer_that_stops_reading_in_a_playback_ends_quietly(wall_clock: MockClock) -> None:
    """What it would have been told is told to nobody, and its connection ends."""
    async with serving_viewer() as (peer, hub):
        peer.say({"type": "seek", "clientId": "door", "sequence": 9})
        await heard(peer)
        peer.stop_reading()
        await trio.sleep(30)
        assert hub.statistics().viewers == 0


async def test_a_camera_that_has_come_and_gone_again_is_played_by_the_server_that_has_it(wall_clock: MockClock) -> None:
    """The connection that is just ending takes no more commands. While the camera is here, it is live."""
    node = OtherNode([True, False, True])
    async with serving_viewer(elsewhere=node) as (peer, _):
        seek = {"type": "seek", "clientId": "door", "sequence": 3, "speed": 0}
        peer.say(seek)
        await wait_all_tasks_blocked()
        peer.say({"type": "playback", "clientId": "door"})
        peer.say(seek)
        here = await heard(peer)

    assert in_any_order(here) == in_any_order([{"live": True, "speed": 1.0, "sequence": 10}, (10, True)])
    assert node.heard == [["subscribe", "seek"]] * 2
