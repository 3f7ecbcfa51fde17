from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.lowlevel
from attrs import define, field
from trio_websocket import WebSocketConnection

from skysentry_trio.base.backoff import Backoff
from skysentry_trio.client.engine import camera as camera_module
from skysentry_trio.client.engine import camera_session
from skysentry_trio.client.engine.addresses import ServerAddress, parse_server_address
from skysentry_trio.client.engine.camera import CameraClient, CameraReport
from skysentry_trio.client.engine.connection import Refused
from skysentry_trio.sources.encoder_target import UNLIMITED, EncoderTarget
from skysentry_trio.sources.frames import FrameSlot, SourceFrame
from skysentry_trio.wire.capture import Demand, RegistrationError
from skysentry_trio.wire.messages import ErrorNotice, encode_message
from tests.client.engine.fake_server import FakeServer, Handler, open_fake_server
from tests.jpegs import draw_jpeg

SOON = Backoff(lambda: 0.02)


def camera_at(url: str, slot: FrameSlot | None = None, **options: Any) -> CameraClient:
    """Return a camera named door."""
    return CameraClient(parse_server_address(url), "door", slot or FrameSlot(), "Front door", **options)


def report_of(camera: CameraClient) -> CameraReport:
    return camera.report(trio.current_time())


def frame(number: int) -> SourceFrame:
    return SourceFrame(draw_jpeg(number), 0.0)


@define(eq=False)
class RecordingBackoff(Backoff):
    """Keeps the waits that it decided on."""

    waits: list[float] = field(factory=list, init=False)

    def delay_after(self, lasted: float) -> float:
        self.waits.append(super().delay_after(lasted))
        return self.waits[-1]


@asynccontextmanager
async def running(*script: Handler, **options: Any) -> AsyncIterator[tuple[FakeServer, CameraClient, FrameSlot]]:
    """Run a camera at a server that does what is said."""
    slot = FrameSlot()
    with trio.fail_after(15):
        async with open_fake_server(*script) as server, trio.open_nursery() as nursery:
            camera = camera_at(server.url, slot, **options)
            nursery.start_soon(camera.run, Backoff(lambda: 0.02))
            yield server, camera, slot
            nursery.cancel_scope.cancel()


async def refuse(server: FakeServer, websocket: WebSocketConnection, *, close_code: int = 1008) -> None:
    await server.take_registration(websocket)
    error = RegistrationError(camera_id="door", error="not here", code="some-code")
    await websocket.send_message(encode_message(error))
    await websocket.aclose(close_code, "not here")


async def test_a_camera_registers_and_sends() -> None:
    """The registration says id and name; every frame arrives as the bare JPEG it is."""
    async with running() as (server, camera, slot):
        for number in range(5):
            slot.offer(frame(number))
            await server.wait_until(lambda number=number: len(server.frames) == number + 1)  # type: ignore[misc]
        report = report_of(camera)
    (registration,) = server.registrations
    assert (registration.camera_id, registration.name) == ("door", "Front door")
    assert server.requests[0].path == "/ws"
    assert server.frames == [draw_jpeg(number) for number in range(5)]
    assert (report.state, report.trouble, report.frames, report.connections) == ("live", None, 5, 1)
    assert report.nbytes == sum(len(jpeg) for jpeg in server.frames)
    assert report.dropped == {}
    assert report.fps > 0
    assert report.bytes_per_second > 0


async def test_the_end_of_the_source_is_the_end() -> None:
    """The last frame is sent, then the camera leaves in good order."""
    slot = FrameSlot()
    slot.offer(frame(1))
    slot.close()
    with trio.fail_after(10):
        async with open_fake_server() as server:
            camera = camera_at(server.url, slot)
            await camera.run(SOON)
    assert server.frames == [draw_jpeg(1)]
    assert report_of(camera).state == "ended"


async def test_a_lost_connection_is_made_anew() -> None:
    """A server that goes away, in whatever way, gets the camera back."""

    async def go_away(server: FakeServer, websocket: WebSocketConnection) -> None:
        await server.accept_camera(websocket)
        await server.take_frame(websocket)
        await websocket.aclose(1001, "going away")

    async def break_off(server: FakeServer, websocket: WebSocketConnection) -> None:
        await server.take_registration(websocket)
        await trio.aclose_forcefully(websocket._stream)

    async with running(go_away, break_off) as (server, camera, slot):
        slot.offer(frame(1))
        await server.wait_until(lambda: len(server.registrations) == 3)
        slot.offer(frame(2))
        await server.wait_until(lambda: len(server.frames) == 2)
        assert report_of(camera).connections == 2
    assert server.frames == [draw_jpeg(1), draw_jpeg(2)]


async def test_while_waiting_the_reason_is_known() -> None:
    """The report of a camera without a server says what is wrong."""
    camera = camera_at("http://127.0.0.1:1")
    with trio.move_on_after(0.2):
        await camera.run(Backoff(lambda: 0.99, first=30, longest=30))
    report = report_of(camera)
    assert report.state == "waiting"
    assert report.trouble == "cannot connect to http://127.0.0.1:1: Connection refused; trying again in 29.7 s"


async def test_a_source_waits_for_the_server() -> None:
    """Nothing is asked of the source before a server has taken the camera."""
    asked = trio.Event()
    slot = FrameSlot()
    async with trio.open_nursery() as nursery:

        async def source() -> None:
            await slot.wait_asked()
            asked.set()

        async def hesitate(server: FakeServer, websocket: WebSocketConnection) -> None:
            await server.take_registration(websocket)
            await trio.sleep(0.05)
            assert not asked.is_set()
            await websocket.aclose(1012, "restarting")

        nursery.start_soon(source)
        async with open_fake_server(hesitate) as server:
            with trio.fail_after(10):
                nursery.start_soon(camera_at(server.url, slot).run, SOON)
                await asked.wait()
        assert len(server.registrations) == 2
        nursery.cancel_scope.cancel()


async def test_a_refusal_is_final() -> None:
    """A server that does not want this camera is not asked again."""
    with trio.fail_after(10):
        async with open_fake_server(refuse) as server:
            with pytest.raises(Refused, match="the server refused 'door': not here"):
                await camera_at(server.url).run(SOON)
    assert len(server.registrations) == 1


async def test_a_refusal_for_now_is_not_final() -> None:
    """A server that is full (1013, try again later) is asked again."""

    async def full(server: FakeServer, websocket: WebSocketConnection) -> None:
        await refuse(server, websocket, close_code=1013)

    async with running(full) as (server, camera, slot):
        slot.offer(frame(1))
        await server.wait_until(lambda: len(server.frames) == 1)
        assert len(server.registrations) == 2
        assert report_of(camera).connections == 1


async def test_a_refusal_followed_by_anything_else_is_tried_again() -> None:
    """Who refuses and goes on talking may take us the next time."""

    async def confused(server: FakeServer, websocket: WebSocketConnection) -> None:
        await server.take_registration(websocket)
        error = RegistrationError(camera_id="door", error="not here", code="x")
        await websocket.send_message(encode_message(error))
        await websocket.send_message("anything")

    async with running(confused) as (server, _camera, slot):
        slot.offer(frame(1))
        await server.wait_until(lambda: len(server.frames) == 1)


async def test_a_refusal_without_a_close_is_final(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that refuses and forgets to close does not hold us."""
    monkeypatch.setattr(camera_module, "REGISTRATION_TIMEOUT", 0.2)

    async def forget(server: FakeServer, websocket: WebSocketConnection) -> None:
        await server.take_registration(websocket)
        error = RegistrationError(camera_id="door", error="not here", code="x")
        await websocket.send_message(encode_message(error))
        await websocket.get_message()

    with trio.fail_after(10):
        async with open_fake_server(forget) as server:
            with pytest.raises(Refused, match="not here"):
                await camera_at(server.url).run(SOON)


async def test_a_rejected_handshake_is_final() -> None:
    """HTTP 403 will be 403 the next time."""
    with trio.fail_after(10):
        async with open_fake_server() as server:
            address = parse_server_address(server.url)
            camera = CameraClient(ServerAddress(address.host, address.port, prefix="/rejected/.."), "door", FrameSlot())
            monkey = pytest.MonkeyPatch()
            monkey.setattr(camera_module, "PATH", "/rejected")
            try:
                with pytest.raises(Refused, match="403: not you"):
                    await camera.run(SOON)
            finally:
                monkey.undo()


async def test_a_taken_over_camera_does_not_fight() -> None:
    """Two cameras of one id would take each other's place for ever."""

    async def replace(server: FakeServer, websocket: WebSocketConnection) -> None:
        await server.accept_camera(websocket)
        await websocket.aclose(4001, "replaced")

    with trio.fail_after(10):
        async with open_fake_server(replace) as server:
            with pytest.raises(Refused, match="another camera has registered as 'door'"):
                await camera_at(server.url).run(SOON)


async def test_a_server_that_does_not_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registration has a deadline; what is no answer does not count as one."""
    monkeypatch.setattr(camera_module, "REGISTRATION_TIMEOUT", 0.2)

    async def babble(server: FakeServer, websocket: WebSocketConnection) -> None:
        await server.take_registration(websocket)
        for message in ("no JSON", '{"type":"demand"}', b"bytes", '{"type":"registration-success"}'):
            await websocket.send_message(message)
        await websocket.get_message()

    async with running(babble) as (server, camera, slot):
        slot.offer(frame(1))
        await server.wait_until(lambda: len(server.frames) == 1)
        assert report_of(camera).connections == 1
    assert len(server.registrations) == 2


async def test_frames_that_are_too_large_are_not_sent_again() -> None:
    """What a server closed with 1009 teaches the camera how large is too large."""
    small, large = SourceFrame(draw_jpeg(1), 0.0), SourceFrame(draw_jpeg(1, (640, 480)), 0.0)

    async def limited(server: FakeServer, websocket: WebSocketConnection) -> None:
        await server.accept_camera(websocket)
        await server.take_frame(websocket)
        server.frames.pop()
        await websocket.aclose(1009, "too large")

    async with running(limited) as (server, camera, slot):
        slot.offer(large)
        await server.wait_until(lambda: len(server.registrations) == 2)
        slot.offer(large)
        while slot._frame is not None or report_of(camera).state != "live":
            await trio.testing.wait_all_tasks_blocked(0.01)
        slot.offer(small)
        await server.wait_until(lambda: len(server.frames) == 1)
        assert report_of(camera).dropped == {"too-large": 1}
    assert server.frames == [small.jpeg]


async def test_a_stated_limit_is_kept() -> None:
    """A frame above the limit is never sent; the source makes smaller ones, and the camera says why."""
    small, large = SourceFrame(draw_jpeg(1), 0.0), SourceFrame(draw_jpeg(1, (640, 480)), 0.0)
    async with running() as (server, camera, slot):
        server.max_frame_size = len(large.jpeg) - 1
        slot.offer(large)
        while not slot.dropped["too-large"]:
            await trio.testing.wait_all_tasks_blocked(0.01)
        assert slot.target.width_factor < 1
        assert report_of(camera).trouble == (
            f"the server takes frames of at most {len(large.jpeg) - 1} bytes, got {len(large.jpeg)}"
        )
        slot.offer(small)
        await server.wait_until(lambda: len(server.frames) == 1)
    assert server.frames == [small.jpeg]
    assert len(server.registrations) == 1


async def test_without_a_stated_limit_it_is_five_mebibytes() -> None:
    """A server that states no limit gets nothing above the default one."""
    async with running() as (server, _, slot):
        slot.offer(SourceFrame(b"\xff\xd8\xff" + bytes(5 * 1024 * 1024), 0.0))
        while not slot.dropped["too-large"]:
            await trio.testing.wait_all_tasks_blocked(0.01)
        assert len(server.registrations) == 1


async def test_still_pictures_are_left_out_if_the_server_knows_it() -> None:
    """In their place goes a message, with what is measured in them; another picture is sent whole."""

    async def accept(server: FakeServer, websocket: WebSocketConnection) -> None:
        server.capabilities = ("same", "change", "motion")
        await server.accept_camera(websocket)
        while True:
            await server.take_frame(websocket)

    async with running(accept, skips_still=True) as (server, camera, slot):
        slot.offer(frame(1))
        await server.wait_until(lambda: len(server.frames) == 1)
        while not server.same:
            slot.offer(frame(1))
            await trio.sleep(0.02)
        slot.offer(frame(200))
        await server.wait_until(lambda: len(server.frames) == 2)
        dropped = report_of(camera).dropped["still"]

    assert server.frames == [draw_jpeg(1), draw_jpeg(200)]
    assert dropped >= len(server.same)
    assert (server.same[0].change, server.same[0].brightness is None) == (0, False)


async def test_a_server_that_does_not_know_it_gets_every_picture() -> None:
    """Also still ones, and without measurements."""
    async with running(skips_still=True) as (server, _, slot):
        for number in range(3):
            slot.offer(frame(1))
            await server.wait_until(lambda number=number: len(server.frames) == number + 1)  # type: ignore[misc]

    assert server.measures == [None, None, None]


async def test_a_refused_frame_is_reported() -> None:
    """The server's `error` is what the camera's status says, until frames have been taken for a while."""

    async def refuse_frame(server: FakeServer, websocket: WebSocketConnection) -> None:
        await server.accept_camera(websocket)
        await server.take_frame(websocket)
        await websocket.send_message(encode_message(ErrorNotice("expected a JPEG, got something", "not-a-jpeg")))
        await server.take_frame(websocket)

    async with running(refuse_frame) as (_, camera, slot):
        slot.offer(frame(1))
        while report_of(camera).trouble is None:
            await trio.testing.wait_all_tasks_blocked(0.01)
        assert report_of(camera).trouble == "the server refused a frame: expected a JPEG, got something"


@pytest.mark.parametrize("status", [302, 401, 403, 404])
async def test_a_rejection_after_success_is_tried_again(status: int) -> None:
    """A proxy answers so while the server behind it restarts."""

    async def go_away(server: FakeServer, websocket: WebSocketConnection) -> None:
        await server.accept_camera(websocket)
        server.rejections += [status, status, status]
        await websocket.aclose(1001, "going away")

    async with running(go_away) as (server, camera, slot):
        await server.wait_until(lambda: len(server.requests) == 5)
        slot.offer(frame(1))
        await server.wait_until(lambda: len(server.frames) == 1)
        assert report_of(camera).connections == 2


async def test_a_refusal_after_success_is_tried_again() -> None:
    """A camera that was accepted once does not end with a server that refuses it later."""

    async def go_away(server: FakeServer, websocket: WebSocketConnection) -> None:
        await server.accept_camera(websocket)
        await websocket.aclose(1001, "going away")

    async with running(go_away, refuse, refuse) as (server, _, slot):
        await server.wait_until(lambda: len(server.registrations) == 4)
        slot.offer(frame(1))
        await server.wait_until(lambda: len(server.frames) == 1)


async def offer_until(slot: FrameSlot, server: FakeServer, frames: int) -> None:
    """Offer frames until the server has this many; those that were sent while it closed the connection are lost."""
    while len(server.frames) < frames:
        slot.offer(frame(len(server.frames)))
        await trio.sleep(0.002)


@pytest.mark.parametrize("end", [1001, 1006, 1011])
async def test_each_connection_that_brought_a_picture_starts_the_back_off_again(end: int) -> None:
    """The waits do not grow while each attempt brings a picture; they grow while none does."""

    async def take_one(server: FakeServer, websocket: WebSocketConnection) -> None:
        await server.accept_camera(websocket)
        await server.take_frame(websocket)
        await trio.sleep(0.005)
        slot._frame = None
        if end == 1006:
            await trio.aclose_forcefully(websocket._stream)
        else:
            await websocket.aclose(end, "")

    async def take_none(server: FakeServer, websocket: WebSocketConnection) -> None:
        await server.accept_camera(websocket)
        await websocket.aclose(1001, "")

    backoff = RecordingBackoff(lambda: 0.99, first=0.02, longest=0.16)
    slot = FrameSlot()
    with trio.fail_after(15):
        async with open_fake_server(*[take_one] * 4, *[take_none] * 3) as server, trio.open_nursery() as nursery:
            nursery.start_soon(camera_at(server.url, slot).run, backoff)
            nursery.start_soon(offer_until, slot, server, 4)
            await server.wait_until(lambda: len(server.registrations) == 8)
            nursery.cancel_scope.cancel()
    first = 0.99 * 0.02
    assert backoff.waits == pytest.approx([first, first, first, first, 2 * first, 4 * first, 8 * first])


async def test_a_frame_that_closes_the_connection_does_not_start_the_back_off_again() -> None:
    """A server that closes because of each frame is not hurried."""

    async def refuse_each(server: FakeServer, websocket: WebSocketConnection) -> None:
        await server.accept_camera(websocket)
        await server.take_frame(websocket)
        await websocket.aclose(1008, "flood")

    backoff = RecordingBackoff(lambda: 0.99, first=0.01, longest=10)
    slot = FrameSlot()
    with trio.fail_after(15):
        async with open_fake_server(*[refuse_each] * 3) as server, trio.open_nursery() as nursery:
            camera = camera_at(server.url, slot)
            nursery.start_soon(camera.run, backoff)
            nursery.start_soon(offer_until, slot, server, 3)
            await server.wait_until(lambda: len(server.registrations) == 4)
            nursery.cancel_scope.cancel()
    assert backoff.waits == pytest.approx([0.99 * 0.01, 0.99 * 0.02, 0.99 * 0.04])


async def test_a_camera_that_is_stopped_says_goodbye() -> None:
    """Stopping, like the end of the source, is on purpose: the server is told before the connection is closed."""
    slot = FrameSlot()
    slot.offer(frame(1))
    slot.close()
    with trio.fail_after(10):
        async with open_fake_server() as server:
            await camera_at(server.url, slot).run(SOON)
            await server.wait_until(lambda: server.goodbyes == 1)
            async with trio.open_nursery() as nursery:
                camera = camera_at(server.url)
                nursery.start_soon(camera.run, SOON)
                while report_of(camera).state != "live":
                    await trio.testing.wait_all_tasks_blocked(0.01)
                nursery.cancel_scope.cancel()
            await server.wait_until(lambda: server.goodbyes == 2)


async def test_a_frame_that_did_not_get_out_is_counted() -> None:
    """A frame on its way when the connection broke is counted as lost."""
    slot = FrameSlot()
    huge = SourceFrame(b"\xff\xd8\xff" + bytes(30_000_000), 0.0)

    async def offer_always() -> None:
        # So the camera is sending a frame whenever the connection breaks.
        while True:
            slot.offer(huge)
            await trio.sleep(0.01)

    async def break_off(server: FakeServer, websocket: WebSocketConnection) -> None:
        await server.accept_camera(websocket)
        await websocket.get_message()
        await trio.aclose_forcefully(websocket._stream)

    with trio.fail_after(30):
        async with open_fake_server(break_off) as server, trio.open_nursery() as nursery:
            server.max_frame_size = 40_000_000
            camera = camera_at(server.url, slot)
            nursery.start_soon(camera.run, SOON)
            nursery.start_soon(offer_always)
            await server.wait_until(lambda: len(server.registrations) == 2)
            nursery.cancel_scope.cancel()
    dropped = report_of(camera).dropped
    assert dropped.get("lost", 0) >= 1


async def test_a_slow_network_sees_the_present() -> None:
    """While a frame is under way newer ones replace each other, and are counted."""
    release = trio.Event()

    async def slow(server: FakeServer, websocket: WebSocketConnection) -> None:
        await server.accept_camera(websocket)
        await release.wait()
        while True:
            await server.take_frame(websocket)

    async with running(slow) as (server, camera, slot):
        await server.wait_until(lambda: len(server.registrations) == 1)
        for number in range(1000):
            slot.offer(SourceFrame(draw_jpeg(number) + b"", float(number)))
            slot.offer(SourceFrame(draw_jpeg(number + 1), float(number)))
            await trio.lowlevel.checkpoint()
            if camera.slot.dropped["behind"] > 100:
                break
        # A size that none of the frames before has.
        newest = draw_jpeg(7, size=(48, 24))
        slot.offer(SourceFrame(newest, 0.0))
        release.set()
        await server.wait_until(lambda: bool(server.frames) and server.frames[-1] == newest)
        report = report_of(camera)
    assert report.dropped["behind"] > 100
    assert report.frames == len(server.frames)


async def test_capabilities_are_told() -> None:
    """A camera that ignores demand does not claim to support it."""
    async with running() as (server, _, _slot):
        await server.wait_until(lambda: len(server.registrations) == 1)
    async with running(obeys=False) as (stubborn, _, _slot):
        await stubborn.wait_until(lambda: len(stubborn.registrations) == 1)
    assert server.registrations[0].capabilities == ("demand", "envelope", "clock")
    assert stubborn.registrations[0].capabilities == ("envelope", "clock")


async def test_frames_say_when_they_were_taken() -> None:
    """By the server's clock, as soon as that is known; the frames before come bare."""
    async with running() as (server, _, slot):
        server.clock_offset = 5000.0
        await server.wait_until(lambda: server.questions >= 1)
        while not server.captured_at or server.captured_at[-1] is None:
            frames = len(server.frames)
            taken_at = time.time() - 0.5
            slot.offer(SourceFrame(draw_jpeg(frames), taken_at))
            await server.wait_until(lambda frames=frames: len(server.frames) > frames)  # type: ignore[misc]
    assert server.captured_at[-1] == pytest.approx(taken_at + 5000, abs=0.25)
    assert server.frames[-1] == draw_jpeg(len(server.frames) - 1)


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
async def test_a_frame_has_no_time_if_the_clock_was_set_after_it_was_taken(
    monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    """Nobody knows how old that frame is; the next one has a time again, by the server's clock."""
    true_time = time.time
    async with running() as (server, _, slot):
        await wait_for_clock(server, slot)
        seen = len(server.frames)
        taken_at = true_time()
        monkeypatch.setattr(time, "time", lambda: true_time() + step)
        for number, moment in enumerate((taken_at, true_time() + step), 1):
            slot.offer(SourceFrame(draw_jpeg(number), moment))
            await server.wait_until(lambda number=number: len(server.frames) == seen + number)  # type: ignore[misc]
        assert server.captured_at[seen] is None
        assert server.captured_at[seen + 1] is not None


async def test_a_server_that_does_not_tell_the_time() -> None:
    """As SkySentry Go: it gets bare JPEGs, no question behind each of them, and they wait for no receipt."""
    async with running() as (server, _, slot):
        server.answers_clock = False
        await server.wait_until(lambda: server.questions >= 1)
        for number in range(40):
            slot.offer(frame(number))
            await server.wait_until(lambda number=number: len(server.frames) == number + 1)  # type: ignore[misc]
    assert server.captured_at == [None] * 40
    assert server.questions <= 5


async def answer_once(server: FakeServer, websocket: WebSocketConnection) -> None:
    """Tell the time until the first frame, and take no further messages then."""
    await server.accept_camera(websocket)
    await server.tell_time(websocket, str(await websocket.get_message()))
    server.answers_clock = False
    while True:
        await server.take_frame(websocket)


async def wait_for_clock(server: FakeServer, slot: FrameSlot) -> None:
    """Wait until the camera knows the time, which shows in how it sends."""
    while None in server.captured_at[-1:] or not server.captured_at:
        frames = len(server.frames)
        slot.offer(frame(0))
        await server.wait_until(lambda frames=frames: len(server.frames) > frames)  # type: ignore[misc]


async def test_two_frames_may_be_without_a_receipt() -> None:
    """The newest is sent when one of them is confirmed; those in between are skipped and counted."""
    go_on = trio.Event()

    async def hesitate(server: FakeServer, websocket: WebSocketConnection) -> None:
        await server.accept_camera(websocket)
        await server.tell_time(websocket, str(await websocket.get_message()))
        held: list[str] = []
        while not go_on.is_set():
            with trio.move_on_after(0.3):
                message = await websocket.get_message()
                if isinstance(message, str):
                    held.append(message)
                else:
                    server.frames.append(message)
                    server.hear()
        for question in held:
            await server.tell_time(websocket, question)
        while True:
            await server.take_frame(websocket)

    async with running(hesitate) as (server, camera, slot):
        await server.wait_until(lambda: server.questions >= 1)
        await trio.testing.wait_all_tasks_blocked(0.02)
        for number in range(6):
            slot.offer(frame(number))
            await trio.testing.wait_all_tasks_blocked(0.01)
        held_back = len(server.frames)
        go_on.set()
        await server.wait_until(lambda: server.frames[-1] == draw_jpeg(5))
        assert held_back == 2
        assert report_of(camera).dropped == {"behind": 3}


async def test_a_server_that_stops_confirming_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pings may go on for ever; the frames do not."""
    monkeypatch.setattr(camera_session, "RECEIPT_TIMEOUT", 0.2)
    async with running(answer_once) as (server, camera, slot):
        await wait_for_clock(server, slot)
        for _ in range(2):
            slot.offer(frame(1))
            await trio.testing.wait_all_tasks_blocked(0.01)
        await server.wait_until(lambda: len(server.registrations) == 2)
        while report_of(camera).connections < 2:
            await trio.testing.wait_all_tasks_blocked(0.01)


async def test_without_adapting_nothing_waits_for_receipts() -> None:
    """The network's own buffers are what limits then; the time is told all the same."""
    async with running(answer_once, adapts=False) as (server, _, slot):
        await wait_for_clock(server, slot)
        before = len(server.frames)
        for number in range(20):
            slot.offer(frame(number))
            await server.wait_until(lambda number=number: len(server.frames) == before + number + 1)  # type: ignore[misc]
    assert server.questions <= 5
    assert server.captured_at[-1] is not None


async def test_demand_is_obeyed_and_reported() -> None:
    """It reaches the source, and is forgotten with the connection."""

    async def demand(server: FakeServer, websocket: WebSocketConnection) -> None:
        await server.accept_camera(websocket)
        await websocket.send_message(encode_message(Demand(0, 0.2)))
        await server.take_frame(websocket)
        await websocket.aclose(1001, "going away")

    async with running(demand) as (server, camera, slot):
        while slot.target == UNLIMITED:
            await trio.testing.wait_all_tasks_blocked(0.01)
        assert slot.target == EncoderTarget(max_fps=0.2)
        assert report_of(camera).demand == Demand(0, 0.2)
        slot.offer(frame(1))
        await server.wait_until(lambda: len(server.registrations) == 2)
        while report_of(camera).connections < 2:
            await trio.testing.wait_all_tasks_blocked(0.01)
        assert slot.target == UNLIMITED
        assert report_of(camera).demand is None
