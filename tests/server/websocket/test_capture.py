"""The conversation with a camera: what is taken, what is refused and with which words."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from skysentry_trio.base.demand import CombinedDemand, Limits
from skysentry_trio.base.exceptions import MessageSkipped, ProtocolViolation
from skysentry_trio.base.principal import ANYONE
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.websocket.capture import serve_capture
from skysentry_trio.wire.capture import PictureMeasure
from skysentry_trio.wire.envelope import join_envelope
from tests.hubs import evict_idle, publish_nowait
from tests.jpegs import draw_jpeg, draw_noise
from tests.server.websocket.fakes import JPEG, NO_JPEG, FakePeer

REGISTRATION = {"type": "client-registration", "clientId": "door"}


def make_hub(**chosen: Any) -> Hub:
    return Hub(Settings(**chosen))


@asynccontextmanager
async def serving(hub: Hub) -> AsyncIterator[FakePeer]:
    """Serve one camera; it has left or was refused when the context ends."""
    peer = FakePeer()
    with trio.fail_after(1000):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_capture, peer, ScopedHub(hub, ANYONE))
            yield peer
            peer.leave()


@asynccontextmanager
async def registered(hub: Hub, **said: Any) -> AsyncIterator[FakePeer]:
    """Serve one camera that has registered."""
    async with serving(hub) as peer:
        peer.say({**REGISTRATION, **said})
        success = await peer.hear()
        assert (success["type"], success["clientId"]) == ("registration-success", "door")
        yield peer


def camera_of(hub: Hub) -> HubCamera:
    camera = hub.camera("door")
    assert camera is not None
    return camera


async def refusal_of(peer: FakePeer) -> tuple[Any, ...]:
    """Return the id, code and close code of the last words to a camera, which end the connection."""
    message = await peer.hear()
    with pytest.raises(trio.EndOfChannel):
        await peer.hear()
    assert peer.goodbye is not None
    close_code, reason = peer.goodbye
    assert message == {
        "type": "registration-error",
        "clientId": message["clientId"],
        "error": reason,
        "code": message["code"],
    }
    return message["clientId"], message["code"], close_code


async def test_a_camera_registers_sends_and_leaves(autojump_clock: MockClock) -> None:
    """Every JPEG is in the ring byte for byte; when the camera leaves it is offline at once and its frames stay."""
    hub, jpegs = make_hub(), [draw_jpeg(shade, (16 + shade, 8)) for shade in range(5)]
    async with registered(hub, name=" Front\u202e door\n") as peer:
        for jpeg in jpegs:
            peer.say(jpeg)
        await wait_all_tasks_blocked()

        camera = camera_of(hub)
        assert (camera.name, camera.online) == ("Front door", True)
        assert [frame.jpeg for frame in camera.ring] == jpegs
        assert [frame.sequence for frame in camera.ring] == [1, 2, 3, 4, 5]
        assert [(frame.width, frame.height) for frame in camera.ring] == [(16 + shade, 8) for shade in range(5)]
        assert await peer.hear_all() == []

    assert not camera.online
    assert len(camera.ring) == 5
    assert peer.goodbye is None


async def test_only_the_first_of_several_pictures_in_a_message_is_taken(autojump_clock: MockClock) -> None:
    """Whether a camera sends more once in a while, or a small second picture always, is all the same."""
    hub = make_hub(max_fps=1000)
    large, small = draw_noise((320, 240)), draw_noise((100, 100))
    assert len(small) > 4098
    assert len(large) > 5 * len(small)
    async with registered(hub) as peer:
        for message in (small, small, small + small, small, large + small, large + small, large + small, large):
            peer.say(message)
        await wait_all_tasks_blocked()

    assert [frame.jpeg for frame in camera_of(hub).ring] == [small] * 4 + [large] * 4


async def test_a_picture_that_is_still_the_same_is_not_sent_again(autojump_clock: MockClock) -> None:
    """It counts as another frame, with its own time and the same bytes; before any frame, nothing is the same."""
    hub = make_hub()
    async with registered(hub, capabilities=["envelope"]) as peer:
        peer.say({"type": "same"})
        refused = await peer.hear()
        peer.say(JPEG)
        await trio.sleep(1)
        peer.say({"type": "same", "capturedAt": 1.0, "change": 0, "brightness": 5, "contrast": 3})
        await wait_all_tasks_blocked()

    first, second = camera_of(hub).ring
    assert refused["code"] == "no-frame"
    assert second.jpeg is first.jpeg
    assert (first.repeats, second.repeats, second.sequence) == (False, True, 2)
    assert second.arrived - first.arrived == 1


@pytest.mark.parametrize(
    ("header", "measure"),
    [
        ({"capturedAt": 1, "change": 0.25, "brightness": 100, "contrast": 20.5}, (0.25, 100, 20.5)),
        ({"change": 1, "brightness": 300, "contrast": 1}, (1, None, None)),
        ({"change": "much", "brightness": 10, "contrast": 1}, (None, 10, 1)),
        ({"change": -1}, None),
        ({"capturedAt": "now", "change": True}, None),
    ],
)
async def test_what_a_camera_measures_is_noted(
    autojump_clock: MockClock, header: dict[str, Any], measure: tuple[float | None, ...] | None
) -> None:
    """Values that cannot be right count as none, and never cost the picture."""
    hub, noted = make_hub(), list[PictureMeasure]()
    hub.on_measure = lambda _camera, measure: noted.append(measure)
    async with registered(hub, capabilities=["envelope"]) as peer:
        peer.say(join_envelope(json.dumps(header).encode(), JPEG))
        await wait_all_tasks_blocked()

    assert len(camera_of(hub).ring) == 1
    assert noted == ([] if measure is None else [measure])


async def test_a_camera_hears_which_measurements_are_wanted(autojump_clock: MockClock) -> None:
    """A server that makes events of changes asks for one with every frame."""
    hub, answers = make_hub(), []
    for wanted in (False, True):
        hub.wants_change = {"door": wanted}.__getitem__
        async with serving(hub) as peer:
            peer.say(REGISTRATION)
            answers.append((await peer.hear())["capabilities"])

    assert answers == [["same", "change"], ["same", "change", "motion"]]


async def test_a_camera_that_says_goodbye_was_stopped_on_purpose(autojump_clock: MockClock) -> None:
    """It is marked so while it is offline; one that comes back, or leaves without a word, is not."""
    hub = make_hub()
    async with registered(hub) as peer:
        peer.say({"type": "goodbye"})
        await wait_all_tasks_blocked()
        assert not camera_of(hub).stopped
    assert camera_of(hub).stopped
    async with registered(hub):
        assert not camera_of(hub).stopped
    assert not camera_of(hub).stopped


async def test_the_goodbye_of_a_replaced_connection_says_nothing(autojump_clock: MockClock) -> None:
    """The camera belongs to the connection that took over."""
    hub = make_hub()
    async with registered(hub) as old, registered(hub):
        old.say({"type": "goodbye"})
        await wait_all_tasks_blocked()
    assert not camera_of(hub).stopped


async def test_a_camera_may_ask_for_the_clock(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before and after it registered, the answer has its own time and ours, in milliseconds."""
    monkeypatch.setattr("time.time", lambda: 1700000000.25)
    async with serving(make_hub()) as peer:
        peer.say({"type": "clock", "sentAt": 5})
        assert await peer.hear() == {"type": "clock", "sentAt": 5.0, "serverAt": 1700000000250.0}
        peer.say(REGISTRATION)
        assert (await peer.hear())["timestamp"] == "2023-11-14T22:13:20.250+00:00"
        peer.say({"type": "clock", "sentAt": 6})
        assert await peer.hear() == {"type": "clock", "sentAt": 6.0, "serverAt": 1700000000250.0}


@pytest.mark.parametrize("step", [-3600.0, 600.0])
@pytest.mark.parametrize("asks_first", [True, False])
async def test_times_of_a_camera_follow_a_clock_that_was_set(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, step: float, *, asks_first: bool
) -> None:
    """A camera that knows our clock from before learns of the step only later, so its times are corrected."""
    set_by = 0.0
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.0 + trio.current_time() + set_by)
    hub = make_hub()

    async def send(peer: FakePeer) -> float | None:
        """Send a frame that was captured 0.1 s ago by the camera's clock; return how old the server believes it is."""
        captured_at = 1000 * (1_700_000_000.0 + trio.current_time() - 0.1)
        peer.say(join_envelope(b'{"capturedAt":%f}' % captured_at, JPEG))
        await trio.sleep(0.1)
        frame = camera_of(hub).ring.newest
        assert frame is not None
        return None if frame.captured_at is None else frame.received_at - frame.captured_at

    async with serving(hub) as peer:
        if asks_first:
            peer.say({"type": "clock", "sentAt": 5})
            await peer.hear()
        peer.say({**REGISTRATION, "capabilities": ["envelope"]})
        await peer.hear()
        assert await send(peer) == pytest.approx(0.1)
        set_by = step
        # A camera that never asks has a clock of its own, so the server cannot know better. It ignores a time to come.
        age = await send(peer)
        if asks_first:
            assert age == pytest.approx(0.1)
        else:
            assert age == (pytest.approx(0.1 + step) if step > 0 else None)


async def test_what_we_do_not_know_is_ignored(autojump_clock: MockClock) -> None:
    """Messages of newer cameras change nothing, before and after registration."""
    async with serving(make_hub()) as peer:
        peer.say({"type": "hello"})
        peer.say(REGISTRATION)
        peer.say({"type": "telemetry"})
        peer.say({"type": "clock", "sentAt": 5})

        assert [(await peer.hear())["type"] for _ in range(2)] == ["registration-success", "clock"]


# Registration


@pytest.mark.parametrize(
    ("said", "code", "close_code"),
    [
        ("x" * 65_537, "message-too-large", 1009),
        ({"type": "client-registration"}, "invalid-message", 1008),
        ({"type": "client-registration", "clientId": "a/b"}, "invalid-client-id", 1008),
        ({"type": "clock"}, "invalid-message", 1008),
        (ProtocolViolation("too many control frames", "flood"), "flood", 1008),
    ],
    ids=lambda said: ascii(said)[:50],
)
async def test_who_does_not_register_rightly_is_refused(
    autojump_clock: MockClock, said: Any, code: str, close_code: int
) -> None:
    """The first words have to be a registration: otherwise a reason, a close code, and nothing is stored."""
    hub = make_hub()
    async with serving(hub) as peer:
        peer.say(said)

        assert await refusal_of(peer) == (None, code, close_code)
    assert hub.statistics().cameras == 0


STRAY = ["ping", "", "null", "[]", "{}", "7", "[" * 60_000, '{"type":7}', '{"type":"later"}', "\ufeff", "{'type':'a'}"]


@pytest.mark.parametrize(
    "said", [*STRAY, JPEG, b"", b"{", MessageSkipped("too large", 10**7)], ids=lambda said: ascii(said)[:30]
)
async def test_what_comes_before_the_registration_is_ignored(autojump_clock: MockClock, said: Any) -> None:
    """As SkySentry Go did; a frame is answered with an error, and everything is counted."""
    hub = make_hub()
    async with serving(hub) as peer:
        peer.say(said)
        await wait_all_tasks_blocked()
        told = await peer.hear_all()
        peer.say(REGISTRATION)

        assert (await peer.hear())["type"] == "registration-success"
    assert [message["code"] for message in told] == (
        [] if isinstance(said, str) or said == b"{" else ["not-registered"]
    )
    assert hub.statistics().messages_ignored == {"camera": 1}


@pytest.mark.parametrize("mark", ["", "\ufeff", " \r\n"])
@pytest.mark.parametrize("binary", [False, True])
async def test_a_registration_may_be_binary_or_begin_with_a_mark(
    autojump_clock: MockClock, mark: str, binary: bool
) -> None:
    """Some languages write a byte order mark, and some libraries send bytes unless they are told otherwise."""
    text = mark + json.dumps(REGISTRATION)
    async with serving(make_hub()) as peer:
        peer.say(text.encode() if binary else text)
        assert (await peer.hear())["type"] == "registration-success"
        peer.say(text.encode() if binary else text)
        assert (await peer.hear())["type"] == "registration-success"


async def test_the_limit_on_frames_is_said_at_the_registration(autojump_clock: MockClock) -> None:
    """So that a camera can make smaller pictures instead of finding out."""
    async with serving(make_hub(max_frame_size=12345)) as peer:
        peer.say(REGISTRATION)

        assert (await peer.hear())["maxFrameSize"] == 12345


async def test_who_writes_a_registration_wrongly_learns_why(autojump_clock: MockClock) -> None:
    """What was ignored is named when the time is up."""
    async with serving(make_hub()) as peer:
        peer.say("{type: client-registration}")

        assert "a text was ignored: expected a JSON object" in (await peer.hear())["error"]


async def test_frames_without_a_registration_are_a_flood_too(autojump_clock: MockClock) -> None:
    """Hundreds a second and no registration end the connection."""
    async with serving(make_hub(max_fps=1)) as peer:
        for _ in range(200):
            peer.say(JPEG)
        await wait_all_tasks_blocked()

        assert [message["code"] for message in await peer.hear_all()] == ["not-registered", "flood"]


async def test_who_never_registers_is_refused_in_time(autojump_clock: MockClock) -> None:
    """After the registration timeout it is over, whatever else was said meanwhile."""
    began = trio.current_time()
    hub = make_hub(registration_timeout=10)
    async with serving(hub) as peer:
        await trio.sleep(9)
        peer.say({"type": "hello"})

        assert await refusal_of(peer) == (None, "registration-timeout", 1008)
    assert hub.statistics().peers_refused == {("camera", "registration-timeout"): 1}
    assert trio.current_time() - began == pytest.approx(10)


async def test_a_flood_before_registration_is_cut_off(autojump_clock: MockClock) -> None:
    """A few questions are fine; hundreds of messages and still no registration are not, and are not waited out."""
    began = trio.current_time()
    async with serving(make_hub()) as peer:
        for _ in range(1000):
            peer.say({"type": "clock", "sentAt": 5})
        answers = await peer.hear_all()

        assert answers[-1]["code"] == "flood"
        assert len(answers) <= 101
        assert peer.goodbye is not None
        assert peer.goodbye[0] == 1008
    assert trio.current_time() - began < 1


async def test_a_camera_beyond_the_limit_is_refused(autojump_clock: MockClock) -> None:
    """A full server says so, with the id that asked and 1013: try again later."""
    hub = make_hub(max_cameras=1)
    with hub.register("other", on_end=lambda: None):
        async with serving(hub) as peer:
            peer.say(REGISTRATION)

            assert await refusal_of(peer) == ("door", "server-full", 1013)
    assert hub.camera("door") is None


async def test_a_second_registration_changes_nothing(autojump_clock: MockClock) -> None:
    """The same id is confirmed again; another id is an error, and the connection goes on."""
    hub = make_hub()
    async with registered(hub) as peer:
        peer.say(JPEG)
        peer.say(REGISTRATION)
        assert (await peer.hear())["type"] == "registration-success"
        assert camera_of(hub).frame_count == 1
        peer.say({**REGISTRATION, "clientId": "window"})
        assert (await peer.hear())["code"] == "already-registered"
        peer.say(JPEG)
        await wait_all_tasks_blocked()

        assert (hub.camera("window"), camera_of(hub).frame_count, camera_of(hub).online) == (None, 2, True)


async def test_a_take_over_closes_the_old_connection_and_nothing_else(autojump_clock: MockClock) -> None:
    """The old one is told with 4001, its frames count no more, and its end leaves the new one alone."""
    hub = make_hub()
    async with registered(hub) as old:
        old.say(JPEG)
        await wait_all_tasks_blocked()
        async with registered(hub) as new:
            old.say(JPEG)
            await wait_all_tasks_blocked()
            assert old.goodbye is not None
            assert old.goodbye[0] == 4001
            assert old.goodbye[1].startswith("replaced")
            new.say(JPEG)
            await wait_all_tasks_blocked()

            assert (camera_of(hub).frame_count, camera_of(hub).online) == (2, True)
        assert not camera_of(hub).online
    assert hub.statistics().peers_refused == {("camera", "replaced"): 1}


async def test_a_silent_camera_stays(autojump_clock: MockClock) -> None:
    """It is connected, as pings show; that it has nothing to send is no reason to end it."""
    hub = make_hub(client_timeout=60)
    async with registered(hub) as peer:
        await trio.sleep(900)
        assert evict_idle(hub) == []
        peer.say(JPEG)
        await wait_all_tasks_blocked()

        assert (camera_of(hub).frame_count, peer.goodbye) == (1, None)


@pytest.mark.parametrize("said", [{"type": "telemetry"}, {"type": "clock", "sentAt": 1}, JPEG, NO_JPEG])
async def test_a_camera_that_says_anything_is_not_silent(autojump_clock: MockClock, said: Any) -> None:
    """Questions, unknown messages and even broken frames are signs of life."""
    hub = make_hub(client_timeout=60)
    async with registered(hub) as peer:
        for _ in range(3):
            await trio.sleep(40)
            peer.say(said)
            await wait_all_tasks_blocked()
            assert evict_idle(hub) == []

        assert camera_of(hub).online


# Frames


async def test_a_bad_frame_is_refused_counted_and_never_seen(autojump_clock: MockClock) -> None:
    """The camera hears what was wrong and goes on; no viewer gets anything of it."""
    hub = make_hub()
    with hub.watch() as viewer:
        hub.subscribe(viewer)
        async with registered(hub) as peer:
            peer.say(NO_JPEG)
            error = await peer.hear()
            peer.say(JPEG)
            peer.say(JPEG[:-10])
            peer.say(JPEG[:-2] + b"junk")
            await wait_all_tasks_blocked()

            assert (error["type"], error["code"]) == ("error", "not-a-jpeg")
            assert "begins with FF D8" in error["error"]
            assert camera_of(hub).refused == {"not-a-jpeg": 3}
            assert [frame.jpeg for frame in camera_of(hub).ring] == [JPEG]
        assert viewer.outbox.waiting["door"] is not None
        assert viewer.outbox.superseded == 0
    assert hub.statistics().frames_refused == {"not-a-jpeg": 3}


async def test_complaints_come_at_most_once_a_second(autojump_clock: MockClock) -> None:
    """A camera that sends thirty broken frames a second hears of it once a second; all are counted."""
    hub = make_hub()
    async with registered(hub) as peer:
        for index in range(300):
            peer.say(JPEG if index % 30 == 29 else NO_JPEG)
            await trio.sleep(1 / 30)

        assert len(await peer.hear_all()) == pytest.approx(10, abs=1)
        assert camera_of(hub).refused == {"not-a-jpeg": 290}
        assert camera_of(hub).frame_count == 10


async def test_a_camera_that_is_too_fast_is_told_now_and_then(autojump_clock: MockClock) -> None:
    """What its viewers do not get is no secret to it: once a second it hears the highest rate."""
    hub = make_hub(max_fps=10)
    async with registered(hub) as peer:
        for _ in range(200):
            peer.say(JPEG)
            await trio.sleep(1 / 20)
        complaints = await peer.hear_all()

        assert len(complaints) == pytest.approx(10, abs=1)
        assert {(complaint["type"], complaint["code"]) for complaint in complaints} == {("error", "too-fast")}
        assert "10 frames a second" in complaints[0]["error"]


async def test_a_camera_whose_frames_find_no_room_is_told(autojump_clock: MockClock) -> None:
    """It can do nothing about others' frames, but whoever looks at it sees why nothing arrives."""
    hub = make_hub(max_memory=2 * len(JPEG), max_frame_size=len(JPEG))
    async with registered(hub) as peer:
        with hub.register("b", on_end=lambda: None) as second, hub.register("c", on_end=lambda: None) as third:
            for session in (second, third):
                publish_nowait(hub, session, JPEG, width=32, height=24)
            peer.say(JPEG)
            complaint = await peer.hear()

        assert (complaint["type"], complaint["code"]) == ("error", "memory-full")
        assert f"{2 * len(JPEG)} bytes" in complaint["error"]
        assert camera_of(hub).refused == {"memory-full": 1}


async def test_what_is_wrong_with_frames_is_logged_once_for_each_cause(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A camera that is a little too fast all day is one line in the log, not one a second."""
    async with registered(make_hub(max_fps=10)) as peer:
        for _ in range(20):
            peer.say(NO_JPEG)
            for _ in range(30):
                peer.say(JPEG)
            await trio.sleep(1)
    refusals = [record.msg["code"] for record in caplog.records if isinstance(record.msg, dict)]

    assert sorted(refusals) == ["not-a-jpeg", "too-fast"]


async def test_who_sends_only_bad_frames_is_no_camera(autojump_clock: MockClock) -> None:
    """Sixty in a row end the connection; a good one in between starts the count anew."""
    hub = make_hub()
    async with registered(hub) as peer:
        for index in range(119):
            peer.say(JPEG if index == 59 else NO_JPEG)
        assert (await peer.hear())["type"] == "error"
        await wait_all_tasks_blocked()
        assert peer.goodbye is None
        peer.say(NO_JPEG)

        assert await refusal_of(peer) == ("door", "not-a-jpeg", 1008)
    assert camera_of(hub).refused == {"not-a-jpeg": 119}


async def test_a_frame_over_the_limit_is_dropped(autojump_clock: MockClock) -> None:
    """The camera is told and goes on, however many there are; the limit itself is fine."""
    hub = make_hub(max_frame_size=len(JPEG))
    large = draw_jpeg(1, (500, 500))
    async with registered(hub) as peer:
        peer.say(JPEG)
        for _ in range(100):
            peer.say(large)
            peer.say(MessageSkipped("too large", 10**7))
        peer.say(JPEG)
        await wait_all_tasks_blocked()

        (error,) = await peer.hear_all()
        assert (error["type"], error["code"]) == ("error", "frame-too-large")
        assert f"a frame may have {len(JPEG)} bytes, got" in error["error"]
        assert (camera_of(hub).frame_count, camera_of(hub).refused) == (2, {"frame-too-large": 200})
        assert peer.goodbye is None


@pytest.mark.parametrize("behind", [b"\0", 512 * b"\0", b"\r\n", 96 * b"x"], ids=len)
async def test_bytes_around_a_frame_are_cut_off(autojump_clock: MockClock, behind: bytes) -> None:
    """Bare and in an envelope: viewers get the JPEG alone."""
    hub = make_hub()
    async with registered(hub, capabilities=["envelope"]) as peer:
        peer.say(JPEG + behind)
        peer.say(behind + JPEG)
        peer.say(join_envelope(b"{}", JPEG + behind))
        await wait_all_tasks_blocked()

        assert [frame.jpeg for frame in camera_of(hub).ring] == [JPEG, JPEG, JPEG]
        assert await peer.hear_all() == []


async def test_an_envelope_tells_when_the_picture_was_taken(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A camera with the capability may send envelopes and bare JPEGs as it likes; a wrong time costs no picture."""
    monkeypatch.setattr("time.time", lambda: 1700000001.0)
    hub = make_hub()
    async with registered(hub, capabilities=["clock", "envelope"]) as peer:
        peer.say(join_envelope(b'{"capturedAt":1700000000250}', JPEG))
        peer.say(JPEG)
        await wait_all_tasks_blocked()

        assert [frame.captured_at for frame in camera_of(hub).ring] == [1700000000.25, None]
        assert [frame.jpeg for frame in camera_of(hub).ring] == [JPEG, JPEG]
        for moment in (b'"now"', b"NaN", b"-1", b"1e300", b"12.3", b"1700000000"):
            peer.say(join_envelope(b'{"capturedAt":%b}' % moment, JPEG))
        await wait_all_tasks_blocked()
        assert [frame.captured_at for frame in camera_of(hub).ring][2:] == 6 * [None]
        assert camera_of(hub).times_ignored == 6
        peer.say(join_envelope(b'{"capturedAt":', JPEG))
        assert (await peer.hear())["code"] == "invalid-message"


async def test_an_envelope_that_was_not_agreed_on_is_a_bad_frame(autojump_clock: MockClock) -> None:
    """Without the capability a binary message is a bare JPEG or nothing."""
    async with registered(make_hub(), capabilities=["clock"]) as peer:
        peer.say(join_envelope(b'{"capturedAt":1700000000250}', JPEG))

        assert (await peer.hear())["code"] == "not-a-jpeg"


@pytest.mark.parametrize("said", [*STRAY, '{"type":"clock","sentAt":NaN}', b"{}"], ids=lambda said: ascii(said)[:30])
async def test_what_is_no_message_is_ignored(autojump_clock: MockClock, said: Any) -> None:
    """Keeping a connection open with texts changes nothing; they get no answer, and are counted."""
    hub = make_hub()
    async with registered(hub) as peer:
        peer.say(said)
        peer.say(JPEG)
        await wait_all_tasks_blocked()

        assert (await peer.hear_all(), camera_of(hub).frame_count, peer.goodbye) == ([], 1, None)
    assert hub.statistics().messages_ignored == {"camera": 1}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("x" * 65_537, "message-too-large"),
        ({"type": "clock"}, "invalid-message"),
        ({"type": "client-registration"}, "invalid-message"),
        ({**REGISTRATION, "clientId": ""}, "invalid-client-id"),
    ],
    ids=lambda said: ascii(said)[:50],
)
async def test_a_wrong_message_is_answered_and_ignored(autojump_clock: MockClock, said: Any, code: str) -> None:
    """The camera learns what was wrong, and goes on."""
    hub = make_hub()
    async with registered(hub) as peer:
        peer.say(said)
        assert (await peer.hear())["code"] == code
        peer.say(JPEG)
        await wait_all_tasks_blocked()

        assert (camera_of(hub).frame_count, peer.goodbye) == (1, None)
    assert hub.statistics().messages_ignored == {"camera": 1}


async def test_what_exceeds_a_limit_ends_the_connection(autojump_clock: MockClock) -> None:
    """The last words name the camera and say what was wrong."""
    hub = make_hub()
    async with registered(hub) as peer:
        peer.say(ProtocolViolation("too large by far", "frame-too-large"))

        assert await refusal_of(peer) == ("door", "frame-too-large", 1009)
    assert not camera_of(hub).online


async def test_frames_above_the_rate_are_dropped_and_a_flood_ends_the_connection(autojump_clock: MockClock) -> None:
    """Twice the rate loses half of the frames; a hundred times the rate is an attack."""
    hub = make_hub(max_fps=10)
    async with registered(hub) as peer:
        for _ in range(200):
            peer.say(JPEG)
            await trio.sleep(1 / 20)
        camera = camera_of(hub)
        assert camera.frame_count == pytest.approx(105, abs=2)
        assert camera.refused == {"too-fast": 200 - camera.frame_count}
        assert peer.goodbye is None
        assert {complaint["code"] for complaint in await peer.hear_all()} == {"too-fast"}

        for _ in range(1000):
            peer.say({"type": "telemetry"})
        assert await refusal_of(peer) == ("door", "flood", 1008)


@pytest.mark.parametrize(
    "said", [{"type": "clock", "sentAt": 5}, {"type": "hello"}, REGISTRATION], ids=lambda said: said["type"]
)
async def test_a_camera_that_talks_instead_of_sending_is_cut_off(autojump_clock: MockClock, said: Any) -> None:
    """A hundred texts at once are fine, and forty a second; hundreds a second take time from others."""
    async with registered(make_hub()) as peer:
        for _ in range(100):
            peer.say(said)
        await trio.sleep(10)
        for _ in range(400):
            peer.say(said)
            await trio.sleep(1 / 40)
        assert peer.goodbye is None
        for _ in range(200):
            peer.say(said)
        await wait_all_tasks_blocked()
        assert peer.goodbye is not None
        assert peer.goodbye[0] == 1008


# Leaving


@pytest.mark.parametrize("said", [None, REGISTRATION, "nonsense"])
async def test_who_leaves_early_leaves_nothing_online(autojump_clock: MockClock, said: Any) -> None:
    """Whatever was said before, a camera that is gone ends its service without an error."""
    hub = make_hub()
    async with serving(hub) as peer:
        if said is not None:
            peer.say(said)
        peer.leave()

    assert hub.statistics().online == 0
    assert peer.goodbye is None


async def test_a_camera_that_does_not_read_is_refused_all_the_same(autojump_clock: MockClock) -> None:
    """When its last words cannot be said, the camera is gone, and that is all."""
    hub = make_hub()
    async with registered(hub) as peer:
        peer.stop_reading()
        peer.say(ProtocolViolation("too large by far", "frame-too-large"))
        await wait_all_tasks_blocked()

        assert not camera_of(hub).online


# What the camera is asked for


IDLE = {"type": "demand", "viewers": 0, "maxFps": 0.2, "maxWidth": None, "quality": None}


def asked(viewers: int, **limits: Any) -> dict[str, Any]:
    return {"type": "demand", "viewers": viewers, "maxFps": None, "maxWidth": None, "quality": None, **limits}


async def test_a_camera_that_obeys_is_told_what_is_needed(autojump_clock: MockClock) -> None:
    """Right after registration, at once when it is more, and a second later when it is less."""
    hub = make_hub()
    async with registered(hub, capabilities=["demand"]) as peer:
        assert await peer.hear() == IDLE
        await trio.sleep(1)
        with hub.watch() as viewer, hub.watch() as other:
            began = trio.current_time()
            hub.subscribe(viewer, ["door"], Limits(10, 320))
            assert await peer.hear() == asked(1, maxFps=10, maxWidth=320)
            await trio.sleep(1)
            hub.subscribe(other)
            assert await peer.hear() == asked(2)
            assert trio.current_time() == pytest.approx(began + 1)
            hub.pause(other)
            assert await peer.hear() == asked(1, maxFps=10, maxWidth=320)
            assert trio.current_time() == pytest.approx(began + 2.1, abs=0.11)
            hub.resume(other)
            assert await peer.hear() == asked(2)
        left = trio.current_time()
        assert await peer.hear() == IDLE
        assert trio.current_time() == pytest.approx(left + 1, abs=0.11)


async def test_a_viewer_that_comes_back_at_once_changes_nothing(autojump_clock: MockClock) -> None:
    """A page that is reloaded does not make the camera stop and start."""
    hub = make_hub()
    async with registered(hub, capabilities=["demand"]) as peer:
        assert await peer.hear() == IDLE
        with hub.watch() as viewer:
            hub.subscribe(viewer)
            assert await peer.hear() == asked(1)
        await trio.sleep(0.5)
        with hub.watch() as viewer:
            hub.subscribe(viewer)
            with trio.move_on_after(5) as scope:
                await peer.hear()
            assert scope.cancelled_caught


async def test_a_program_that_reads_pictures_is_somebody_who_needs_them(autojump_clock: MockClock) -> None:
    """One read asks for five frames a second for ten seconds."""
    hub = make_hub()
    async with registered(hub, capabilities=["demand"]) as peer:
        assert await peer.hear() == IDLE
        await trio.sleep(1)
        began = trio.current_time()
        hub.note_read(camera_of(hub))
        assert await peer.hear() == asked(0, maxFps=5)
        await trio.sleep(5)
        hub.note_read(camera_of(hub))
        assert await peer.hear() == IDLE
        assert trio.current_time() == pytest.approx(began + 16, abs=0.2)


async def test_a_crowd_of_viewers_is_looked_at_a_few_times(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is needed is not made out anew for each of those who come one after the other."""
    hub, looks, demand = make_hub(), 0, Hub.demand

    def count_look(hub: Hub, camera: HubCamera) -> CombinedDemand:
        nonlocal looks
        looks += 1
        return demand(hub, camera)

    monkeypatch.setattr(Hub, "demand", count_look)
    async with registered(hub, capabilities=["demand"]) as peer:
        assert await peer.hear() == IDLE
        await trio.sleep(1)
        looks = 0
        with ExitStack() as crowd:
            for _ in range(100):
                hub.subscribe(crowd.enter_context(hub.watch()), ["door"], Limits(10))
                await trio.lowlevel.checkpoint()
            assert (await peer.hear())["maxFps"] == 10
            assert await peer.hear() == asked(100, maxFps=10)
            assert looks < 10


async def test_a_camera_that_knows_no_demand_is_not_told(autojump_clock: MockClock) -> None:
    """SkySentry Go's cameras hear nothing that they would not understand."""
    hub = make_hub()
    async with registered(hub) as peer:
        with hub.watch() as viewer:
            hub.subscribe(viewer)
            with trio.move_on_after(5) as scope:
                await peer.hear()
            assert scope.cancelled_caught


async def test_a_camera_that_leaves_while_it_is_told_has_just_left(autojump_clock: MockClock) -> None:
    """What cannot be told any more is no failure of its own."""
    hub = make_hub()
    async with registered(hub, capabilities=["demand"]) as peer:
        assert await peer.hear() == IDLE
        peer.stop_reading()
        with hub.watch() as viewer:
            hub.subscribe(viewer)
            await wait_all_tasks_blocked()
            assert camera_of(hub).online
