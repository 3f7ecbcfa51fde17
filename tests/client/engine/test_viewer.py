from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio_websocket import WebSocketConnection

from skysentry_trio.base.backoff import Backoff
from skysentry_trio.base.demand import NO_LIMITS, Limits
from skysentry_trio.base.exceptions import SkySentryError
from skysentry_trio.base.frames import JpegFrame, RingStatistics
from skysentry_trio.client.engine.addresses import parse_server_address
from skysentry_trio.client.engine.connection import Refused
from skysentry_trio.client.engine.viewer import ViewerClient, ViewerReport
from skysentry_trio.wire.messages import Clock, ClockReply, encode_message
from skysentry_trio.wire.viewer import (
    Ack,
    CameraLatency,
    ClientConnected,
    ClientDisconnected,
    Clients,
    ClientSummary,
    Latency,
    decode_viewer_message,
)
from skysentry_trio.wire.viewer_frames import FrameHeader, encode_envelope
from tests.client.engine.fake_server import FakeServer, Handler, open_fake_server
from tests.jpegs import draw_jpeg
from tests.raw_peer import until

NOON = 1_700_000_000.0


def envelope(sequence: int, camera_id: str = "door", captured_at: float | None = None) -> bytes:
    """Return a frame as the server sends it."""
    frame = JpegFrame(sequence, NOON, captured_at, draw_jpeg(sequence), 32, 24)
    return b"".join(encode_envelope(camera_id, frame, RingStatistics(1, 16, sequence, NOON, 15.0)))


class Taken:
    """Frames that a viewer handed on."""

    def __init__(self) -> None:
        self.frames: list[tuple[str, int, bytes]] = []
        self.changed = trio.Event()

    async def take(self, header: FrameHeader, jpeg: bytes) -> None:
        self.frames.append((header.camera_id, header.sequence, jpeg))
        self.changed.set()
        self.changed = trio.Event()

    async def wait_for(self, count: int) -> None:
        with trio.fail_after(10):
            while len(self.frames) < count:
                await self.changed.wait()


@asynccontextmanager
async def viewing(
    *script: Handler, camera_ids: tuple[str, ...] = (), limits: Limits = NO_LIMITS
) -> AsyncIterator[tuple[FakeServer, ViewerClient, Taken]]:
    """Run a viewer at a server that does what is said."""
    taken = Taken()
    with trio.fail_after(15):
        async with open_fake_server(*script, stay) as server, trio.open_nursery() as nursery:
            viewer = ViewerClient(
                parse_server_address(server.url), camera_ids, taken.take, limits, clock=lambda: NOON + 0.25
            )
            nursery.start_soon(viewer.run, Backoff(lambda: 0.02))
            yield server, viewer, taken
            nursery.cancel_scope.cancel()


async def stay(_server: FakeServer, websocket: WebSocketConnection) -> None:
    while True:
        await websocket.get_message()


def sending(*messages: str | bytes, then: Handler = stay) -> Handler:
    """Return a server's part: to say these things, and then something else."""

    async def send(server: FakeServer, websocket: WebSocketConnection) -> None:
        for message in messages:
            await websocket.send_message(message)
        await then(server, websocket)

    return send


def report_of(viewer: ViewerClient) -> ViewerReport:
    return viewer.report(trio.current_time())


async def test_frames_are_handed_on_as_they_are() -> None:
    """Every envelope becomes a header and the JPEG, byte for byte, and is counted."""
    async with viewing(sending(*(envelope(number) for number in (1, 2, 3)), envelope(9, "yard"))) as (_, viewer, taken):
        await taken.wait_for(4)
        report = report_of(viewer)
    assert taken.frames == [
        *(("door", number, draw_jpeg(number)) for number in (1, 2, 3)),
        ("yard", 9, draw_jpeg(9)),
    ]
    assert (report.state, report.trouble, report.connections) == ("live", None, 1)
    door, yard = report.cameras
    assert (door.camera_id, door.frames, door.gaps, door.online) == ("door", 3, 0, True)
    assert (door.width, door.height) == (32, 24)
    assert door.age == pytest.approx(0.25)
    assert door.nbytes == sum(len(draw_jpeg(number)) for number in (1, 2, 3))
    assert (yard.camera_id, yard.frames) == ("yard", 1)


async def test_what_is_asked_for() -> None:
    """Ids and limits are in the query, and the subprotocol is ours."""
    async with viewing(camera_ids=("a", "b"), limits=Limits(2.5, 640, 0.6)) as (server, _, _taken):
        await server.wait_until(lambda: bool(server.requests))
    assert server.requests[0].path == "/stream/ws?client=a&client=b&maxFps=2.5&maxWidth=640&quality=0.6"
    assert server.requests[0].proposed_subprotocols == ("skysentry.v1",)


async def test_all_cameras_are_the_default() -> None:
    """Without ids there is no query."""
    async with viewing() as (server, _, _taken):
        await server.wait_until(lambda: bool(server.requests))
    assert server.requests[0].path == "/stream/ws"


async def test_cameras_come_and_go() -> None:
    """The list and the notices say who is online; a camera that was removed is forgotten."""
    messages = [
        Clients(
            [
                ClientSummary("door", "Front door", online=True, fps=15.0, condition="covered"),
                ClientSummary("yard", None, False, 0.0),
            ]
        ),
        ClientConnected("roof"),
        ClientConnected("roof", condition="dark"),
        ClientConnected("shed"),
        ClientDisconnected("door"),
        ClientDisconnected("shed", removed=True),
    ]
    script = sending(*map(encode_message, messages), '{"type":"news"}', envelope(1, "roof"))
    async with viewing(script) as (_, viewer, taken):
        await taken.wait_for(1)
        cameras = {camera.camera_id: (camera.online, camera.condition) for camera in report_of(viewer).cameras}
    assert cameras == {"door": (False, None), "yard": (False, None), "roof": (True, "dark")}


async def test_only_cameras_asked_for_are_shown() -> None:
    """The server speaks of all; a viewer of one does not show the others."""
    clients = Clients([ClientSummary("door", None, online=True, fps=1.0), ClientSummary("yard", None, True, 1.0)])
    script = sending(encode_message(clients), encode_message(ClientConnected("roof")), envelope(1))
    async with viewing(script, camera_ids=("door",)) as (_, viewer, taken):
        await taken.wait_for(1)
        assert [camera.camera_id for camera in report_of(viewer).cameras] == ["door"]


async def test_a_lost_connection_is_made_anew() -> None:
    """Counting goes on where it was, and a frame that is shown again is not counted twice."""

    async def leave(_server: FakeServer, websocket: WebSocketConnection) -> None:
        await websocket.aclose(1012, "restarting")

    script = (sending(envelope(1), envelope(2), then=leave), sending(envelope(2), envelope(5)))
    async with viewing(*script) as (_, viewer, taken):
        await taken.wait_for(3)
        report = report_of(viewer)
    assert [sequence for _, sequence, _ in taken.frames] == [1, 2, 5]
    assert report.connections == 2
    assert report.cameras[0].gaps == 2


async def test_cameras_that_went_while_we_were_away_are_forgotten() -> None:
    """The list after a reconnect is all there is; what was counted of the others stays."""

    async def leave(_server: FakeServer, websocket: WebSocketConnection) -> None:
        await websocket.aclose(1012, "restarting")

    clients = Clients([ClientSummary("door", None, online=True, fps=1.0)])
    script = (
        sending(envelope(1), envelope(1, "yard"), then=leave),
        sending(encode_message(clients), envelope(2)),
    )
    async with viewing(*script) as (_, viewer, taken):
        await taken.wait_for(3)
        cameras = {camera.camera_id: camera.frames for camera in report_of(viewer).cameras}
    assert cameras == {"door": 2}


async def test_while_there_is_no_server_nothing_is_known() -> None:
    """The reason is shown, and no camera is said to be online."""

    async def leave(_server: FakeServer, websocket: WebSocketConnection) -> None:
        await websocket.aclose(1001, "going away")

    with trio.fail_after(10):
        async with open_fake_server(sending(envelope(1), then=leave)) as server, trio.open_nursery() as nursery:
            taken = Taken()
            viewer = ViewerClient(parse_server_address(server.url), (), taken.take)
            nursery.start_soon(viewer.run, Backoff(lambda: 0.99, first=30, longest=30))
            await taken.wait_for(1)
            while report_of(viewer).state != "waiting":
                await trio.testing.wait_all_tasks_blocked(0.01)
            nursery.cancel_scope.cancel()
    report = report_of(viewer)
    assert report.trouble == "the server closed the connection (1001: going away); trying again in 29.7 s"
    assert report.cameras[0].online is None


async def test_a_refusal_is_final() -> None:
    """Code 1008 will be 1008 the next time."""

    async def refuse(_server: FakeServer, websocket: WebSocketConnection) -> None:
        await websocket.aclose(1008, "no such format")

    async with open_fake_server(refuse) as server:
        viewer = ViewerClient(parse_server_address(server.url), (), Taken().take)
        with pytest.raises(Refused, match="no such format"), trio.fail_after(10):
            await viewer.run(Backoff(lambda: 0.02))


@pytest.mark.parametrize("first", [envelope(1), encode_message(Clients([]))])
@pytest.mark.parametrize("status", [302, 401, 403, 404])
async def test_a_rejection_after_success_is_tried_again(status: int, first: str | bytes) -> None:
    """A proxy answers so while the server behind it restarts, and a server may close with 1008 then."""

    async def refuse(server: FakeServer, websocket: WebSocketConnection) -> None:
        server.rejections += [status, status]
        await websocket.aclose(1008, "not now")

    async with viewing(sending(first, then=refuse), sending(envelope(2))) as (server, _, taken):
        await taken.wait_for(1 + isinstance(first, bytes))
        assert len(server.requests) == 4


async def test_each_connection_that_brought_a_picture_starts_the_back_off_again() -> None:
    """The waits do not grow while each attempt brings a picture."""

    async def leave(_server: FakeServer, websocket: WebSocketConnection) -> None:
        await websocket.aclose(1001, "going away")

    backoff, taken = Backoff(lambda: 0.99, first=0.01, longest=100), Taken()
    script = [sending(envelope(number), then=leave) for number in range(1, 12)]
    with trio.fail_after(10):
        async with open_fake_server(*script, stay) as server, trio.open_nursery() as nursery:
            viewer = ViewerClient(parse_server_address(server.url), (), taken.take)
            nursery.start_soon(viewer.run, backoff)
            await taken.wait_for(11)
            nursery.cancel_scope.cancel()
    assert backoff.delay_after(0) <= 0.99 * 0.02


@pytest.mark.parametrize("message", [b"", b"\x00\x02{}", b"\xff\xff", "no JSON", envelope(1)[:-2]])
async def test_who_does_not_speak_our_protocol_is_left(message: str | bytes) -> None:
    """It is tried again, as the next server at this address may be the right one."""
    async with viewing(sending(message), sending(envelope(1))) as (server, _, taken):
        await taken.wait_for(1)
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "message", [envelope(1, "../../.ssh"), envelope(1, "a\x1b[2J"), envelope(1, captured_at=1e300)]
)
async def test_a_frame_that_no_server_of_ours_sends_is_not_handed_on(message: bytes) -> None:
    """Programs make file names of ids, and count with times."""
    async with viewing(sending(message), sending(envelope(2))) as (server, _, taken):
        await taken.wait_for(1)
        assert [sequence for _, sequence, _ in taken.frames] == [2]
        assert len(server.requests) == 2


async def test_frames_of_cameras_that_were_not_asked_for_are_ignored() -> None:
    """A server that sends more than was asked for fills no memory, and no program gets what it does not expect."""
    async with viewing(sending(envelope(1, "yard"), envelope(2)), camera_ids=("door",)) as (_, viewer, taken):
        await taken.wait_for(1)
        assert [camera_id for camera_id, _, _ in taken.frames] == ["door"]
        assert [camera.camera_id for camera in viewer.report(0).cameras] == ["door"]


async def test_errors_of_the_taker_are_raised() -> None:
    """A disk that is full ends the viewer."""

    class DiskFull(SkySentryError):
        pass

    async def take(_header: FrameHeader, _jpeg: bytes) -> None:
        raise DiskFull

    async with open_fake_server(sending(envelope(1))) as server:
        with pytest.raises(DiskFull), trio.fail_after(10):
            await ViewerClient(parse_server_address(server.url), (), take).run(Backoff(lambda: 0.02))


async def receive_acks(websocket: WebSocketConnection, count: int) -> list[Ack]:
    """Receive what a viewer says until so many frames were acknowledged."""
    acks: list[Ack] = []
    while len(acks) < count:
        message = decode_viewer_message(str(await websocket.get_message()))
        if isinstance(message, Ack):
            acks.append(message)
    return acks


async def test_frames_are_acknowledged_when_they_were_handed_on() -> None:
    """Each one, also one we had already; with the server's time of that as soon as it is known."""
    acks: list[Ack] = []
    done = trio.Event()

    async def pace(server: FakeServer, websocket: WebSocketConnection) -> None:
        await websocket.send_message(envelope(1))
        acks.extend(await receive_acks(websocket, 1))
        server.clock_offset = 5000
        while not acks[-1].painted_at:
            await websocket.send_message(envelope(len(acks) + 1))
            while isinstance(message := decode_viewer_message(str(await websocket.get_message())), Clock):
                reply = ClockReply(message.sent_at, (time.time() + 5000) * 1000)
                await websocket.send_message(encode_message(reply))
            assert isinstance(message, Ack)
            acks.append(message)
        await websocket.send_message(envelope(len(acks)))
        acks.extend(await receive_acks(websocket, 1))
        done.set()
        await stay(server, websocket)

    async with viewing(pace) as (_, viewer, taken):
        await done.wait()
        age = report_of(viewer).cameras[0].age
    assert [ack.sequence for ack in acks] == [*range(1, len(acks)), len(acks) - 1]
    assert len(taken.frames) == len(acks) - 1
    assert {ack.camera_id for ack in acks} == {"door"}
    assert acks[0].painted_at is None
    assert acks[-1].painted_at == pytest.approx(time.time() + 5000, abs=5)
    # The age follows the server's clock too.
    assert age == pytest.approx(time.time() + 5000 - NOON, abs=5)


async def test_latency_is_that_of_the_camera() -> None:
    """What the server says of cameras is shown with each; of others it is ignored."""
    door, yard = CameraLatency("door", 15, 20.0, 1.0, 9.0, 30.0), CameraLatency("yard", 15, None, 1.0, 9.0, 10.0)
    latency = encode_message(Latency([door, yard]))
    async with viewing(sending(envelope(1), latency, envelope(2))) as (_, viewer, taken):
        await taken.wait_for(2)
        assert [camera.latency for camera in report_of(viewer).cameras] == [door]


async def test_recordings_are_not_paced() -> None:
    """Who acknowledges nothing gets all that the network's buffers take."""
    said: list[str] = []

    async def listen(_server: FakeServer, websocket: WebSocketConnection) -> None:
        for number in range(1, 4):
            await websocket.send_message(envelope(number))
        while True:
            said.append(str(await websocket.get_message()))

    async with viewing(listen) as (_, viewer, taken):
        viewer.acknowledges = False
        await taken.wait_for(3)
        await trio.testing.wait_all_tasks_blocked(0.02)
    assert said
    assert all(isinstance(decode_viewer_message(message), Clock) for message in said)


async def test_silence_is_explained() -> None:
    """A program that waits in vain is told what this viewer knows: of the connection, or of each camera."""
    known = Clients([ClientSummary("door", None, online=False, fps=0), ClientSummary("yard", None, online=True, fps=5)])
    async with viewing(sending(encode_message(known)), camera_ids=("door", "gate", "yard")) as (_, viewer, _taken):
        before = viewer.explain_silence()
        assert viewer.unknown_cameras() == ()
        await until(lambda: bool(report_of(viewer).cameras))
        after = viewer.explain_silence()
        assert viewer.unknown_cameras() == ("gate",), "only once the server has sent its list"
    assert before == f"there is no connection to {viewer.server} yet"
    assert after == "camera door is offline, camera gate is unknown to the server, camera yard is connected"


async def test_a_viewer_without_a_key_is_refused_as_soon_as_the_server_answers() -> None:
    """A server that wants a key answers questions for its clock before it has sent its list of cameras."""
    async with open_fake_server(answering) as server:
        viewer = ViewerClient(parse_server_address(server.url), (), Taken().take)
        with pytest.raises(Refused, match=r"expected a key.*--token-file"), trio.fail_after(10):
            await viewer.run(Backoff(lambda: 0.02))
    assert viewer.state == "connecting", "a viewer is live only once the server has accepted it"


async def test_a_viewer_that_was_accepted_before_waits_when_a_key_is_wanted() -> None:
    """The server may be behind a proxy that presented a key, and be restarting."""

    async def leave(_server: FakeServer, websocket: WebSocketConnection) -> None:
        await websocket.aclose(1012, "restarting")

    async with viewing(sending(envelope(1), then=leave), answering) as (_server, viewer, taken):
        await taken.wait_for(1)
        with trio.fail_after(10):
            while "expected a key" not in (viewer.trouble or ""):
                await trio.testing.wait_all_tasks_blocked(0.01)
        assert viewer.state == "waiting"


async def answering(server: FakeServer, websocket: WebSocketConnection) -> None:
    """Answer questions for the clock, and nothing else."""
    while True:
        await server.tell_time(websocket, str(await websocket.get_message()))


async def test_silence_of_a_server_without_cameras_is_explained() -> None:
    """A viewer of all cameras may be at the wrong server."""
    async with viewing(sending(encode_message(Clients([])))) as (_, viewer, _taken):
        await until(lambda: viewer.state == "live")
        assert viewer.explain_silence() == f"{viewer.server} knows no camera"


def test_an_explanation_of_many_cameras_is_short() -> None:
    """A viewer may name a thousand."""
    viewer = ViewerClient(parse_server_address("h"), tuple(map(str, range(1000))), Taken().take)
    viewer.state = "live"
    assert viewer.explain_silence().endswith("camera 7 is unknown to the server, and 992 more")
