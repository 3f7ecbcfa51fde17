"""The conversation with a viewer: what it gets in which format, what it may say, and that it delays nobody."""

from __future__ import annotations

import json
import time
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from skysentry_trio.base.exceptions import MessageSkipped, ProtocolViolation
from skysentry_trio.base.principal import ANYONE
from skysentry_trio.base.sink import WriteResult
from skysentry_trio.server.relay.camera import CameraSession
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.websocket.viewer import serve_viewer
from skysentry_trio.wire.capture import PictureMeasure
from skysentry_trio.wire.messages import encode_json
from skysentry_trio.wire.viewer_frames import decode_envelope
from skysentry_trio.wire.viewer_query import MAX_SUBSCRIBED, ViewerFormat
from tests.hubs import evict_idle, make_hub, nothing, publish_nowait
from tests.jpegs import draw_jpeg
from tests.server.websocket.fakes import FakePeer

NOBODY: dict[str, Any] = {"type": "clients", "clients": []}


def publish(hub: Hub, session: CameraSession, shade: int = 0) -> bytes:
    """Publish a frame; return its JPEG."""
    jpeg = draw_jpeg(shade)
    publish_nowait(hub, session, jpeg, width=32, height=24)
    return jpeg


@asynccontextmanager
async def serving(
    hub: Hub, query: str = "", default: ViewerFormat = ViewerFormat.ENVELOPE, peer: FakePeer | None = None
) -> AsyncIterator[FakePeer]:
    """Serve one viewer; it has left or was refused when the context ends."""
    peer, others = peer or FakePeer(), hub.statistics().viewers
    with trio.fail_after(1000):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_viewer, peer, ScopedHub(hub, ANYONE), query, default)
            await wait_all_tasks_blocked()
            yield peer
            peer.leave()
    assert hub.statistics().viewers == others


def opened(messages: list[Any]) -> list[Any]:
    """Return messages with each envelope as id and sequence."""
    result = []
    for message in messages:
        if isinstance(message, bytes):
            header, _ = decode_envelope(message)
            result.append((header.camera_id, header.sequence))
        else:
            result.append(message)
    return result


async def refusal_of(peer: FakePeer) -> tuple[str, int]:
    """Return code and close code of the last words to a viewer, which end the connection."""
    message = await peer.hear()
    with pytest.raises(trio.EndOfChannel):
        await peer.hear()
    assert peer.goodbye is not None
    assert message == {"type": "error", "error": peer.goodbye[1], "code": message["code"]}
    return message["code"], peer.goodbye[0]


# What a viewer gets


async def test_a_viewer_gets_the_list_the_newest_frames_and_every_frame_from_then_on(autojump_clock: MockClock) -> None:
    """First all cameras with what is known of them, then frames as envelopes, byte for byte."""
    hub = make_hub()
    with hub.register("door", name="Front door", on_end=nothing) as session:
        with hub.register("gone", on_end=nothing):
            pass
        newest = publish(hub, session, 1)
        async with serving(hub) as peer:
            assert await peer.hear() == {
                "type": "clients",
                "clients": [
                    {"clientId": "door", "name": "Front door", "online": True, "fps": 0.0},
                    {"clientId": "gone", "name": None, "online": False, "fps": 0.0},
                ],
            }
            header, jpeg = decode_envelope(await peer.hear())
            assert (header.camera_id, header.sequence, jpeg) == ("door", 1, newest)
            for sequence in range(2, 6):
                newest = publish(hub, session, sequence)
                header, jpeg = decode_envelope(await peer.hear())
                assert (header.sequence, header.size, jpeg) == (sequence, len(newest), newest)


async def test_the_header_of_an_envelope_has_all_keys_of_the_protocol(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Times are RFC 3339 and, where the name ends in At, milliseconds."""
    monkeypatch.setattr("time.time", lambda: 1700000001.0)
    hub = make_hub()
    with hub.register("door", on_end=nothing) as session:
        publish_nowait(hub, session, draw_jpeg(), width=32, height=24, captured_at=1700000000.25)
        async with serving(hub) as peer:
            await peer.hear()
            message = await peer.hear()

    header = json.loads(message[2 : 2 + int.from_bytes(message[:2], "big")])
    assert list(header) == ["type", "clientId", "sequence", "timestamp", "capturedAt", "size", "fps", "format", "live"]
    assert (header["type"], header["capturedAt"], header["format"]) == ("frame", 1700000000250.0, "jpeg")


@pytest.mark.parametrize(("query", "default"), [("format=json", "envelope"), ("", "json")])
async def test_an_old_viewer_gets_frame_updates_and_nothing_else(
    autojump_clock: MockClock, query: str, default: str
) -> None:
    """Asked for or the operator's default: text messages as SkySentry Go sent them, no list and no notices."""
    hub = make_hub()
    async with serving(hub, query, ViewerFormat(default)) as peer:
        with hub.register("door", on_end=nothing) as session:
            jpeg = publish(hub, session)
            update = await peer.hear()
        rest = await peer.hear_all()

    assert (update["type"], update["clientId"], update["format"]) == ("frame_update", "door", "jpeg")
    assert b64decode(update["image"].removeprefix("data:image/jpeg;base64,"), validate=True) == jpeg
    assert update["stats"]["frameCount"] == 1
    assert rest == []


async def test_a_bare_viewer_gets_jpegs_of_one_camera_and_nothing_else(autojump_clock: MockClock) -> None:
    """Each binary message is a JPEG as the camera sent it."""
    hub = make_hub()
    async with serving(hub, "format=jpeg&client=door") as peer:
        with hub.register("door", on_end=nothing) as door, hub.register("window", on_end=nothing) as window:
            publish(hub, window, 1)
            jpeg = publish(hub, door, 2)
            assert await peer.hear() == jpeg
        assert await peer.hear_all() == []


async def test_a_viewer_of_some_cameras_hears_of_those_only(autojump_clock: MockClock) -> None:
    """List, frames and notices are of the cameras in the query."""
    hub = make_hub()
    with hub.register("a", on_end=nothing) as a, hub.register("b", on_end=nothing) as b:
        async with serving(hub, "client=b&client=c") as peer:
            listed = await peer.hear()
            publish(hub, a)
            publish(hub, b)
            with hub.register("c", on_end=nothing), hub.register("d", on_end=nothing):
                await wait_all_tasks_blocked()
            messages = opened(await peer.hear_all())

    assert [camera["clientId"] for camera in listed["clients"]] == ["b"]
    assert messages == [
        ("b", 1),
        {"type": "client-connected", "clientId": "c", "name": None},
        {"type": "client-disconnected", "clientId": "c", "removed": False},
    ]


async def test_viewers_hear_what_is_wrong_with_pictures_and_that_it_is_over(autojump_clock: MockClock) -> None:
    """In the list for viewers that come later, and in a notice when it changes; a new connection starts without one."""
    hub = make_hub()
    async with serving(hub) as early:
        await early.hear()
        with hub.register("door", on_end=nothing) as door:

            async def see(brightness: float, seconds: int) -> None:
                for _ in range(seconds):
                    publish(hub, door, shade=door.camera.sequence)
                    hub.note_measure(door.camera, PictureMeasure(None, brightness, 40.0))
                    await trio.sleep(1)

            await see(5, 6)
            async with serving(hub) as late:
                listed = (await late.hear())["clients"]
            await see(90, 2)
            await see(5, 6)
        with hub.register("door", on_end=nothing):
            notices = [one for one in opened(await early.hear_all()) if isinstance(one, dict)]

    assert [camera.get("condition") for camera in listed] == ["dark"]
    said = [one.get("condition", "well") for one in notices if one["type"] == "client-connected"]
    assert said == ["well", "dark", "well", "dark", "well"]


async def test_viewers_hear_that_a_picture_is_frozen(autojump_clock: MockClock) -> None:
    """Once when it begins, however many frames follow, and once when it ends."""
    hub = make_hub()
    async with serving(hub) as peer:
        await peer.hear()
        with hub.register("door", on_end=nothing) as door:
            for second in range(15):
                publish(hub, door, shade=1 if second < 14 else 2)
                await trio.sleep(1)
            heard = [one.get("condition", "well") for one in opened(await peer.hear_all()) if isinstance(one, dict)]

    assert heard == ["well", "frozen", "well"]


async def test_who_subscribes_later_hears_which_of_the_new_ones_are_there(autojump_clock: MockClock) -> None:
    """Of cameras that were not in the list it could know no other way; their frames come after that."""
    hub = make_hub()
    with hub.register("a", on_end=nothing), hub.register("b", name="Back", on_end=nothing) as b:
        with hub.register("c", on_end=nothing) as c:
            publish(hub, b)
            publish(hub, c)
        async with serving(hub, "client=a") as peer:
            assert [camera["clientId"] for camera in (await peer.hear())["clients"]] == ["a"]
            peer.say({"type": "subscribe", "clients": ["a", "b", "c", "d"]})
            first = opened(await peer.hear_all())
            peer.say({"type": "unsubscribe", "clients": ["b", "c"]})
            peer.say({"type": "pause"})
            peer.say({"type": "subscribe", "clients": ["b"]})
            second = opened(await peer.hear_all())
            peer.say({"type": "resume"})
            peer.say({"type": "subscribe", "clients": "*"})
            third = opened(await peer.hear_all())

    b_is_here = {"type": "client-connected", "clientId": "b", "name": "Back"}
    c_was_here = {"type": "client-disconnected", "clientId": "c", "removed": False}
    assert first == [b_is_here, c_was_here, ("b", 1), ("c", 1)]
    assert second == [b_is_here]
    assert third == [("b", 1), c_was_here, ("c", 1)]


async def test_cameras_named_in_the_address_are_told_of_whatever_is_chosen(autojump_clock: MockClock) -> None:
    """A page that takes away what is out of sight still hears that it left and came back, and nothing twice."""
    hub = make_hub()
    async with serving(hub, "client=a&client=b") as peer:
        assert (await peer.hear())["clients"] == []
        peer.say({"type": "unsubscribe", "clients": ["a", "b"]})
        with hub.register("a", on_end=nothing), hub.register("c", on_end=nothing):
            assert await peer.hear() == {"type": "client-connected", "clientId": "a", "name": None}
            peer.say({"type": "subscribe", "clients": ["a", "c"]})
            assert await peer.hear_all() == [{"type": "client-connected", "clientId": "c", "name": None}]
            peer.say({"type": "unsubscribe", "clients": ["a", "c"]})
            await wait_all_tasks_blocked()
        assert await peer.hear_all() == [{"type": "client-disconnected", "clientId": "a", "removed": False}]


async def test_who_has_the_list_of_all_is_told_nothing_twice(autojump_clock: MockClock) -> None:
    """A viewer that named no cameras hears of all of them anyway, whatever it chooses later."""
    hub = make_hub()
    with hub.register("a", on_end=nothing), hub.register("b", on_end=nothing):
        async with serving(hub) as peer:
            assert len((await peer.hear())["clients"]) == 2
            peer.say({"type": "subscribe", "clients": ["a"]})
            peer.say({"type": "subscribe", "clients": ["b"]})
            assert await peer.hear_all() == []


async def test_a_viewer_hears_when_cameras_come_and_go(autojump_clock: MockClock) -> None:
    """Connected, disconnected, and disconnected for good when the janitor forgets it."""
    hub = make_hub(client_timeout=60)
    async with serving(hub) as peer:
        assert await peer.hear() == NOBODY
        with hub.register("door", name="Front door", on_end=nothing):
            assert await peer.hear() == {"type": "client-connected", "clientId": "door", "name": "Front door"}
        assert await peer.hear() == {"type": "client-disconnected", "clientId": "door", "removed": False}
        await trio.sleep(61)
        evict_idle(hub)
        assert await peer.hear() == {"type": "client-disconnected", "clientId": "door", "removed": True}


async def test_a_long_list_leaves_time_for_other_tasks(autojump_clock: MockClock) -> None:
    """The list of 2,000 cameras and 2,000 notices are made in parts."""
    hub, steps = make_hub(), list[int]()
    with ExitStack() as stack:
        for number in range(2000):
            stack.enter_context(hub.register(f"camera-{number}", on_end=nothing))
        peer = FakePeer(room=0)

        async def count_steps() -> None:
            while True:
                steps.append(len(steps))
                await trio.lowlevel.checkpoint()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_viewer, peer, ScopedHub(hub, ANYONE), "", ViewerFormat.ENVELOPE)
            nursery.start_soon(count_steps)
            message = await peer.hear()
            assert [camera["clientId"] for camera in message["clients"]] == [
                f"camera-{number}" for number in range(2000)
            ]
            assert len(steps) >= 4
            nursery.cancel_scope.cancel()


async def test_many_notices_are_sent_in_few_pieces(autojump_clock: MockClock) -> None:
    """A piece has some kilobytes."""
    hub = make_hub(client_timeout=60)
    for number in range(1000):
        with hub.register(f"camera-{number}", on_end=nothing):
            pass
    async with serving(hub) as one, serving(hub) as other:
        await one.hear_all()
        await other.hear_all()
        await trio.sleep(60)
        evict_idle(hub)
        heard = await one.hear_all()
        assert await other.hear_all() == heard
    assert [notice["clientId"] for notice in heard] == [f"camera-{number}" for number in range(1000)]
    assert one.pieces == other.pieces < 30


async def test_what_changes_while_the_list_is_on_its_way_is_told_afterwards(autojump_clock: MockClock) -> None:
    """A camera that comes or goes before a slow viewer has read the list is not lost on it."""
    hub = make_hub()
    with hub.register("old", on_end=nothing):
        peer = FakePeer(room=0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_viewer, peer, ScopedHub(hub, ANYONE), "", ViewerFormat.ENVELOPE)
            await wait_all_tasks_blocked()
            with hub.register("short", on_end=nothing), hub.register("new", on_end=nothing) as session:
                publish(hub, session)
                messages = opened(await peer.hear_all())
                peer.leave()

    assert [camera["clientId"] for camera in messages[0]["clients"]] == ["old"]
    assert {"type": "client-connected", "clientId": "new", "name": None} in messages
    assert {"type": "client-connected", "clientId": "short", "name": None} in messages
    assert ("new", 1) in messages


async def test_a_frame_goes_out_at_once_when_the_connection_takes_it(autojump_clock: MockClock) -> None:
    """Before `publish` returns the frame is with the viewer; one that went in part is finished before anything else."""
    hub, peer = make_hub(), FakePeer()
    async with serving(hub, "format=jpeg&client=door", peer=peer):
        with hub.register("door", on_end=nothing) as session:
            await wait_all_tasks_blocked()
            peer.at_once = WriteResult.ALL
            first = publish(hub, session, 1)
            assert peer._heard.statistics().current_buffer_used == 1
            peer.at_once = WriteResult.PART
            second = publish(hub, session, 2)
            third = publish(hub, session, 3)

            assert await peer.hear_all() == [first, second, third]
            assert hub.statistics().frames_sent == 3


# What a viewer may say


async def test_a_viewer_changes_its_mind(autojump_clock: MockClock) -> None:
    """Subscribing, unsubscribing, pausing and resuming do what they say, with the newest frames at once."""
    hub = make_hub()
    a_is_here, b_is_here = ({"type": "client-connected", "clientId": name, "name": None} for name in "ab")
    with hub.register("a", on_end=nothing) as a, hub.register("b", on_end=nothing) as b:

        async def answers_to(message: dict[str, Any]) -> list[Any]:
            peer.say(message)
            await wait_all_tasks_blocked()
            before = opened(await peer.hear_all())
            publish(hub, a)
            publish(hub, b)
            return [*before, "published", *opened(await peer.hear_all())]

        async with serving(hub, "client=none") as peer:
            assert await peer.hear() == NOBODY
            publish(hub, a)
            publish(hub, b)
            first = await answers_to({"type": "subscribe", "clients": ["a"]})
            assert first == [a_is_here, ("a", 1), "published", ("a", 2)]
            assert await answers_to({"type": "pause"}) == ["published"]
            assert await answers_to({"type": "subscribe", "clients": "*"}) == [b_is_here, "published"]
            assert await answers_to({"type": "resume"}) == [("b", 4), ("a", 4), "published", ("b", 5), ("a", 5)]
            assert await answers_to({"type": "unsubscribe", "clients": ["a"]}) == ["published", ("b", 6)]
            assert await answers_to({"type": "later"}) == ["published", ("b", 7)]


@pytest.mark.parametrize("said", [None, {"type": "subscribe", "clients": "*", "maxFps": 5}])
async def test_a_viewer_gets_as_many_frames_as_it_asked_for(
    autojump_clock: MockClock, said: dict[str, Any] | None
) -> None:
    """MaxFps holds from the query as from a message."""
    hub = make_hub()
    async with serving(hub, "maxFps=5" if said is None else "") as peer:
        await peer.hear()
        if said is not None:
            peer.say(said)
            await wait_all_tasks_blocked()
        with hub.register("door", on_end=nothing) as session:
            for _ in range(300):
                publish(hub, session)
                await trio.sleep(1 / 30)
        frames = [message for message in await peer.hear_all() if isinstance(message, bytes)]

    assert len(frames) == pytest.approx(50, abs=1)


async def test_a_viewer_may_ask_for_the_clock(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer has its own time and ours, in milliseconds."""
    monkeypatch.setattr("time.time", lambda: 1700000000.25)
    async with serving(make_hub()) as peer:
        await peer.hear()
        peer.say({"type": "clock", "sentAt": 5})

        assert await peer.hear() == {"type": "clock", "sentAt": 5.0, "serverAt": 1700000000250.0}


NUMBERS = '{"type":"viewers","clients":{"door":9}}'
"""What another server sends; anyone else could make a camera believe that it has many viewers."""
STRAY = [
    "ping",
    "",
    "null",
    "[]",
    "{}",
    "[" * 60_000,
    '{"type":7}',
    '{"type":"later"}',
    NUMBERS,
    b"x",
    b"",
    b"\xff\xd8",
]


@pytest.mark.parametrize("query", ["", "format=json", "format=jpeg&client=door"])
@pytest.mark.parametrize("said", STRAY, ids=lambda said: ascii(said)[:30])
async def test_what_is_no_message_is_ignored(autojump_clock: MockClock, said: Any, query: str) -> None:
    """Programs written for other servers say what they like to keep a connection open; it is counted, not answered."""
    hub = make_hub()
    async with serving(hub, query) as peer:
        if not query:
            await peer.hear()
        peer.say(said)
        peer.say({"type": "clock", "sentAt": 5})

        assert (await peer.hear())["type"] == "clock"
    assert hub.statistics().messages_ignored == {"viewer": 1}


WRONG: list[tuple[Any, str]] = [
    ("x" * 65_537, "message-too-large"),
    ({"type": "subscribe", "clients": ["a/b"]}, "invalid-client-id"),
    ({"type": "subscribe", "clients": "*", "maxFps": 0}, "invalid-message"),
    ({"type": "seek", "clientId": "a"}, "invalid-message"),
    ({"type": "result", "clientId": "a"}, "invalid-message"),
    (MessageSkipped("too large", 10**7), "frame-too-large"),
]


@pytest.mark.parametrize(("said", "code"), WRONG, ids=lambda said: ascii(said)[:50])
async def test_a_wrong_message_is_answered_and_ignored(autojump_clock: MockClock, said: Any, code: str) -> None:
    """The viewer learns what was wrong, at most once a second, and its pictures go on."""
    hub = make_hub()
    async with serving(hub) as peer:
        assert await peer.hear() == NOBODY
        for _ in range(3):
            peer.say(said)
        await wait_all_tasks_blocked()
        (error,) = await peer.hear_all()
        assert (error["type"], error["code"]) == ("error", code)
        peer.say({"type": "clock", "sentAt": 5})
        assert (await peer.hear())["type"] == "clock"
    assert hub.statistics().messages_ignored == {"viewer": 3}


@pytest.mark.parametrize(("said", "code"), WRONG, ids=lambda said: ascii(said)[:50])
async def test_old_viewers_are_not_told_what_they_do_not_know(autojump_clock: MockClock, said: Any, code: str) -> None:
    """Who gets frames only hears nothing of it, and stays."""
    assert code
    async with serving(make_hub(), "format=json") as peer:
        peer.say(said)
        peer.say({"type": "clock", "sentAt": 5})

        assert (await peer.hear())["type"] == "clock"


async def test_a_message_may_be_binary_or_begin_with_a_mark(autojump_clock: MockClock) -> None:
    """As bytes, and with the mark that some languages write, it is the same message."""
    async with serving(make_hub()) as peer:
        assert await peer.hear() == NOBODY
        text = json.dumps({"type": "clock", "sentAt": 5})
        for said in (text.encode(), "\ufeff" + text, b"\xef\xbb\xbf" + text.encode()):
            peer.say(said)
            assert (await peer.hear())["type"] == "clock"


async def test_what_exceeds_a_limit_ends_the_connection(autojump_clock: MockClock) -> None:
    """A reason, a close code, and no viewer any more; old viewers get the Close frame alone."""
    for query in ("", "format=json"):
        hub = make_hub()
        async with serving(hub, query) as peer:
            if not query:
                await peer.hear()
            peer.say(ProtocolViolation("too many control frames", "flood"))
            if query:
                with pytest.raises(trio.EndOfChannel):
                    await peer.hear()
                assert peer.goodbye is not None
                assert peer.goodbye[0] == 1008
            else:
                assert await refusal_of(peer) == ("flood", 1008)
        assert hub.statistics().peers_refused == {("viewer", "flood"): 1}


async def test_old_viewers_see_no_frames_of_cameras_that_left(autojump_clock: MockClock) -> None:
    """A frame_update does not say that its camera is offline, so there is none; the others get the last frame."""
    hub = make_hub()
    with hub.register("gone", on_end=nothing) as session:
        publish_nowait(hub, session, draw_jpeg(), width=32, height=24)
    with hub.register("here", on_end=nothing) as session:
        publish_nowait(hub, session, draw_jpeg(), width=32, height=24)
        for query, cameras in (("format=json", ["here"]), ("", ["gone", "here"])):
            async with serving(hub, query) as peer:
                await wait_all_tasks_blocked()
                heard = await peer.hear_all()
            got = [
                message["clientId"]
                if isinstance(message, dict)
                else json.loads(message[2 : 2 + int.from_bytes(message[:2], "big")])["clientId"]
                for message in heard
                if not isinstance(message, dict) or message["type"] == "frame_update"
            ]
            assert got == cameras


@pytest.mark.parametrize("query", ["format=xml", "client=..%2F", "maxFps=0", "format=jpeg", "client=%ff"])
async def test_a_query_that_makes_no_sense_is_refused(autojump_clock: MockClock, query: str) -> None:
    """The Close frame says what was wrong, before anything else is said."""
    async with serving(make_hub(), query) as peer:
        with pytest.raises(trio.EndOfChannel):
            await peer.hear()

        assert peer.goodbye is not None
        assert peer.goodbye[0] == 1008
        assert peer.goodbye[1]


async def test_a_flood_is_cut_off(autojump_clock: MockClock) -> None:
    """Thousands of messages a second are an attack, whatever they say."""
    async with serving(make_hub()) as peer:
        assert await peer.hear() == NOBODY
        for _ in range(3000):
            peer.say({"type": "later"})

        assert await refusal_of(peer) == ("flood", 1008)


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "subscribe", "clients": ["a"]},
        {"type": "unsubscribe", "clients": ["a"]},
        {"type": "pause"},
        {"type": "resume"},
    ],
    ids=lambda choice: choice["type"],
)
async def test_who_changes_its_mind_all_the_time_is_cut_off(autojump_clock: MockClock, choice: dict[str, Any]) -> None:
    """Choices cost more than other messages: a burst of a hundred is fine, and ten a second; more is not."""
    async with serving(make_hub()) as peer:
        assert await peer.hear() == NOBODY
        for _ in range(100):
            peer.say(choice)
        await trio.sleep(10)
        for _ in range(100):
            peer.say(choice)
            await trio.sleep(0.1)
        assert await peer.hear_all() == []
        for _ in range(200):
            peer.say(choice)

        assert await refusal_of(peer) == ("flood", 1008)


@pytest.mark.parametrize("question", [{"type": "clock", "sentAt": 5}, {"type": "later"}], ids=lambda said: said["type"])
async def test_who_asks_all_the_time_is_cut_off(autojump_clock: MockClock, question: dict[str, Any]) -> None:
    """A hundred questions at once are fine, and twenty a second; hundreds a second take time from others."""
    async with serving(make_hub()) as peer:
        assert await peer.hear() == NOBODY
        for _ in range(100):
            peer.say(question)
        await trio.sleep(10)
        for _ in range(200):
            peer.say(question)
            await trio.sleep(0.05)
        assert {answer["type"] for answer in await peer.hear_all()} <= {"clock"}
        for _ in range(200):
            peer.say(question)

        assert (await peer.hear_all())[-1]["code"] == "flood"
        assert peer.goodbye is not None
        assert peer.goodbye[0] == 1008


async def test_who_acknowledges_more_than_it_was_sent_is_cut_off(autojump_clock: MockClock) -> None:
    """Acknowledgements without frames are made up; each frame may be acknowledged twice."""
    hub = make_hub()
    with hub.register("door", on_end=nothing) as session:
        async with serving(hub, "client=door") as peer:
            for sequence in range(1, 301):
                publish(hub, session)
                await wait_all_tasks_blocked()
                for _ in range(2):
                    peer.say({"type": "ack", "clientId": "door", "sequence": sequence})
                await trio.sleep(0.05)
            assert peer.goodbye is None
            for _ in range(200):
                peer.say({"type": "ack", "clientId": "door", "sequence": 1})
            await wait_all_tasks_blocked()
            assert peer.goodbye is not None
            assert peer.goodbye[0] == 1008


@pytest.mark.parametrize("verb", ["subscribe", "unsubscribe"])
async def test_a_viewer_cannot_name_more_and_more_cameras(autojump_clock: MockClock, verb: str) -> None:
    """The limit is on all names together, not on those of one message."""
    async with serving(make_hub(), "client=a" if verb == "subscribe" else "") as peer:
        assert await peer.hear() == NOBODY
        for start in range(0, MAX_SUBSCRIBED, 256):
            peer.say({"type": verb, "clients": [f"camera-{number}" for number in range(start, start + 256)]})
        peer.say({"type": verb, "clients": ["camera-0", "one-more"]})

        assert await refusal_of(peer) == ("invalid-message", 1008)


# Slow viewers, and those that leave


async def test_a_viewer_that_does_not_read_delays_nobody(autojump_clock: MockClock) -> None:
    """Others get every frame at once; the one that is stuck gets the newest when it reads again."""
    hub, stuck = make_hub(), FakePeer(room=1)
    async with serving(hub, "format=jpeg&client=door", peer=stuck), serving(hub, "format=jpeg&client=door") as quick:
        with hub.register("door", on_end=nothing) as session:
            began = trio.current_time()
            jpegs = [publish(hub, session, shade) for shade in range(3)]
            for shade in range(3, 100):
                await wait_all_tasks_blocked()
                jpegs.append(publish(hub, session, shade))
            assert trio.current_time() == began
            heard = await quick.hear_all()
            late = await stuck.hear_all()

    assert heard == jpegs[2:]
    assert late[-1] == jpegs[-1]
    assert len(late) <= 4
    statistics = hub.statistics()
    assert statistics.frames_sent + statistics.frames_superseded == 200


async def test_a_viewer_that_left_is_forgotten_while_something_is_sent_to_it(autojump_clock: MockClock) -> None:
    """Leaving ends the service even in the middle of a write."""
    hub, peer = make_hub(), FakePeer(room=0)
    with hub.register("door", on_end=nothing) as session:
        async with serving(hub, "format=jpeg&client=door", peer=peer):
            publish(hub, session)
            await wait_all_tasks_blocked()
            peer.leave()
            await wait_all_tasks_blocked()
            assert hub.statistics().viewers == 0


@pytest.mark.parametrize("query", ["", "client=door"])
async def test_a_viewer_whose_connection_breaks_is_forgotten(autojump_clock: MockClock, query: str) -> None:
    """A write that fails ends the service, though the viewer's silence looks like patience."""
    hub, peer = make_hub(), FakePeer()
    async with serving(hub, query, peer=peer):
        peer.stop_reading()
        with hub.register("door", on_end=nothing):
            await wait_all_tasks_blocked()
        assert hub.statistics().viewers == 0


async def test_a_viewer_that_left_before_the_list_is_forgotten(autojump_clock: MockClock) -> None:
    """Connecting and leaving is no error."""
    hub, peer = make_hub(), FakePeer()
    peer.leave()
    await serve_viewer(peer, ScopedHub(hub, ANYONE), "", ViewerFormat.ENVELOPE)

    assert (hub.statistics().viewers, peer.goodbye) == (0, None)


async def test_a_viewer_that_cannot_be_told_why_is_refused_all_the_same(autojump_clock: MockClock) -> None:
    """When the reason cannot be said, the viewer is gone, and that is all."""
    hub, peer = make_hub(), FakePeer()
    async with serving(hub, peer=peer):
        peer.stop_reading()
        peer.say(ProtocolViolation("too many control frames", "flood"))
        await wait_all_tasks_blocked()

        assert (hub.statistics().viewers, peer.goodbye) == (0, None)


async def test_what_a_viewer_is_told_is_what_the_codec_writes(autojump_clock: MockClock) -> None:
    """The list is one JSON object of bounded shape whatever cameras are called."""
    hub = make_hub()
    with hub.register("door", name='"</script>\u2028', on_end=nothing):
        async with serving(hub) as peer:
            listed = await peer.hear()

    assert listed["clients"][0]["name"] == '"</script>\u2028'
    assert len(encode_json(listed)) < 200


# Acknowledgements


async def test_a_viewer_that_acknowledges_is_paced_and_told_its_latency(autojump_clock: MockClock) -> None:
    """Two frames under way, the newest when one is painted, and once a second where the time went."""
    hub = make_hub()
    with hub.register("door", on_end=nothing) as session:
        async with serving(hub, "client=door") as peer:
            publish(hub, session)
            assert opened(await peer.hear_all())[1:] == [("door", 1)]
            peer.say({"type": "ack", "clientId": "door", "sequence": 1})
            await wait_all_tasks_blocked()
            for _ in range(5):
                publish(hub, session)
                await wait_all_tasks_blocked()
            assert opened(await peer.hear_all()) == [("door", 2), ("door", 3)]

            await trio.sleep(0.05)
            peer.say({"type": "ack", "clientId": "door", "sequence": 3, "paintedAt": time.time() * 1000 + 40})
            latency, frame = sorted(opened(await peer.hear_all()), key=lambda message: isinstance(message, tuple))
            assert (frame, latency["type"], latency["cameras"][0]["clientId"]) == (("door", 6), "latency", "door")
            assert (latency["cameras"][0]["frames"], latency["cameras"][0]["capture"]) == (1, None)
    assert hub.statistics().frames_superseded == 2
    assert hub.latency.by_stage["total"].count == 1


async def test_a_frame_that_was_there_before_says_nothing_about_latency(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last picture of a camera that left a minute ago was not a minute on its way to who looks at it now."""
    monkeypatch.setattr("time.time", lambda: 1.7e9 + trio.current_time())
    hub = make_hub()
    with hub.register("door", on_end=nothing) as session:
        publish(hub, session)
    await trio.sleep(60)
    async with serving(hub, "client=yard") as peer:
        peer.say({"type": "ack", "clientId": "yard", "sequence": 1})
        peer.say({"type": "subscribe", "clients": ["door"]})
        assert opened(await peer.hear_all())[-1] == ("door", 1)
        peer.say({"type": "ack", "clientId": "door", "sequence": 1, "paintedAt": time.time() * 1000 + 40})
        assert await peer.hear_all() == []
    assert hub.latency.by_stage["total"].count == 0


async def test_acknowledgements_of_nothing_are_harmless(autojump_clock: MockClock) -> None:
    """Unknown cameras, frames that were never sent, times that cannot be."""
    hub = make_hub()
    with hub.register("door", on_end=nothing) as session:
        async with serving(hub) as peer:
            for sequence in (-1, 0, 2**62, 7):
                peer.say({"type": "ack", "clientId": "../door", "sequence": sequence, "paintedAt": -1e300})
            publish(hub, session)
            await wait_all_tasks_blocked()
            peer.say({"type": "ack", "clientId": "door", "sequence": 1, "paintedAt": 1e300})
            await wait_all_tasks_blocked()
            publish(hub, session)
            assert opened(await peer.hear_all())[1:] == [("door", 1), ("door", 2)]


async def test_a_viewer_of_all_hears_of_cameras_that_it_does_not_watch(autojump_clock: MockClock) -> None:
    """A page that shows only what is visible still has to know what there is; who named cameras hears of those."""
    hub = make_hub()
    async with serving(hub) as page, serving(hub, "client=yard") as other:
        page.say({"type": "subscribe", "clients": ["yard"]})
        await wait_all_tasks_blocked()
        with hub.register("door", on_end=nothing):
            assert (await page.hear_all())[1:] == [{"type": "client-connected", "clientId": "door", "name": None}]
            assert (await other.hear_all())[1:] == []


# Results


async def test_a_program_that_watches_can_say_what_it_found(autojump_clock: MockClock) -> None:
    """Who watches the camera gets it, and nobody who asked for bare pictures."""
    hub = make_hub()
    with hub.register("door", on_end=nothing) as session:
        publish(hub, session)
        async with serving(hub) as program, serving(hub) as page, serving(hub, "format=jpeg&client=door") as plain:
            for peer in (program, page, plain):
                await peer.hear_all()
            program.say({"type": "result", "clientId": "door", "sequence": 1, "data": [1]})
            assert await page.hear() == {"type": "result", "clientId": "door", "sequence": 1, "data": [1]}
            assert await plain.hear_all() == []
            await program.hear_all()
            program.say({"type": "result", "clientId": "door", "sequence": 2})
            assert (await program.hear())["code"] == "no-frame"
            program.say({"type": "result", "clientId": "yard", "sequence": 1})
            assert (await program.hear())["code"] == "not-found"


async def test_a_flood_of_results_ends_the_connection(autojump_clock: MockClock) -> None:
    """More than any camera has frames is a program that has gone wild."""
    hub = make_hub()
    async with serving(hub) as peer:
        await peer.hear()
        for _ in range(300):
            peer.say({"type": "result", "clientId": "door", "sequence": 1})
        said = [message["code"] for message in await peer.hear_all()]
        assert (said[0], said[-1]) == ("not-found", "flood")
