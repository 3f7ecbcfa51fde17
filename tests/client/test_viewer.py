from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio_websocket import WebSocketConnection

from skysentry_trio.base.frames import JpegFrame as ServerFrame
from skysentry_trio.base.frames import RingStatistics
from skysentry_trio.client import Box, Closed, ConfigurationError, Frame, ProtocolViolation, Refused, Viewer
from skysentry_trio.wire.viewer_frames import encode_envelope
from tests.client.engine.fake_server import FakeServer, Handler, open_fake_server
from tests.jpegs import draw_jpeg


def envelope(sequence: int, camera_id: str = "door", captured_at: float | None = None) -> bytes:
    """Return a frame as the server sends it."""
    now = time.time()
    frame = ServerFrame(sequence, now, captured_at, draw_jpeg(sequence), 32, 24)
    return b"".join(encode_envelope(camera_id, frame, RingStatistics(1, 16, sequence, now, 15.0)))


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[FakeServer]:
    with trio.fail_after(20):
        async with open_fake_server(handler, handler, handler) as server:
            yield server


def showing(*messages: bytes) -> Handler:
    """Return a server's part: to show these, and to listen."""

    async def show(server: FakeServer, websocket: WebSocketConnection) -> None:
        for message in messages:
            await websocket.send_message(message)
        while True:
            server.said.append(str(await websocket.get_message()))
            server.hear()

    return show


async def acknowledged(server: FakeServer, sequence: int) -> None:
    """Wait until a viewer has a frame."""
    await server.wait_until(lambda: any('"ack"' in said and f'"sequence":{sequence},' in said for said in server.said))


async def test_the_newest_frame_is_given() -> None:
    """Frames that came while the program was busy are skipped, and none is given twice."""
    async with (
        serving(showing(*map(envelope, range(1, 8)))) as server,
        Viewer(server.url, "door", max_fps=20, max_width=640, quality=0.5) as viewer,
    ):
        await acknowledged(server, 7)
        frame = await anext(viewer)
        with trio.move_on_after(0.1) as nothing_new:
            await anext(viewer)
        assert viewer.latest() == viewer.latest("door") == frame
        assert viewer.latest("yard") is None
        assert (viewer.state, viewer.trouble) == ("live", None)
    assert (frame.camera_id, frame.sequence, frame.jpeg) == ("door", 7, draw_jpeg(7))
    assert frame.captured_at is None
    assert frame.received_at == pytest.approx(time.time(), abs=20)
    assert 0 <= frame.age < 20
    assert nothing_new.cancelled_caught
    assert server.requests[0].path == "/stream/ws?client=door&maxFps=20&maxWidth=640&quality=0.5"


async def test_age_counts_from_capture() -> None:
    """If the camera says when it took the picture."""
    async with serving(showing(envelope(1, captured_at=time.time() - 100))) as server, Viewer(server.url) as viewer:
        frame = await anext(viewer)
    assert frame.captured_at == pytest.approx(time.time() - 100, abs=20)
    assert 99 < frame.age < 120


async def test_blocking_programs() -> None:
    """The same with for, with a timeout, and with an end to it from another thread."""

    def look(url: str) -> list[int]:
        with Viewer(url) as viewer:
            first = viewer.receive(timeout=10)
            with pytest.raises(TimeoutError):
                viewer.receive(timeout=0.01)
            closing = threading.Timer(0.1, viewer.close)
            closing.start()
            seen = [first.sequence, *(frame.sequence for frame in viewer)]
            closing.join()
            with pytest.raises(Closed):
                viewer.receive()
        return seen

    async with serving(showing(envelope(1))) as server:
        assert await trio.to_thread.run_sync(look, server.url) == [1]


async def test_asyncio_programs() -> None:
    """The same with async for under asyncio."""

    async def look(url: str) -> list[Frame]:
        async with Viewer(url) as viewer:
            frames = []
            async for frame in viewer:
                frames.append(frame)
                if len(frames) == 2:
                    break
        async for _ in viewer:
            pytest.fail("it was closed")
        return frames

    async with serving(showing(envelope(1), envelope(1, "yard"))) as server:
        frames = await trio.to_thread.run_sync(asyncio.run, look(server.url))
    assert [frame.camera_id for frame in frames] == ["door", "yard"]


async def test_it_connects_again() -> None:
    """A server that goes away is looked for until it is back."""
    shown = 0

    async def go_away(_server: FakeServer, websocket: WebSocketConnection) -> None:
        nonlocal shown
        shown += 1
        await websocket.send_message(envelope(shown))
        await websocket.aclose(1001, "going away")

    async with serving(go_away) as server, Viewer(server.url) as viewer:
        assert [(await anext(viewer)).sequence for _ in range(2)] == [1, 2]
        assert viewer.latest() is not None


async def test_a_refusal_is_raised() -> None:
    """To whoever asks for frames, then and later."""

    async def refuse(_server: FakeServer, websocket: WebSocketConnection) -> None:
        await websocket.aclose(1008, "not you")

    async with serving(refuse) as server, Viewer(server.url) as viewer:
        for _ in range(2):
            with pytest.raises(Refused, match="not you"):
                await anext(viewer)


def test_while_there_is_no_server_the_reason_is_known() -> None:
    """It is waited for, and said why."""
    with Viewer("http://127.0.0.1:1") as viewer:
        with pytest.raises(TimeoutError):
            viewer.receive(timeout=0.2)
        assert viewer.latest() is None
        assert viewer.state in {"connecting", "waiting"}
        assert "Connection refused" in str(viewer.trouble)


def test_what_makes_no_sense_is_an_error_at_once() -> None:
    """Before anything is connected."""
    with pytest.raises(ConfigurationError):
        Viewer("gopher://h")
    with pytest.raises(ProtocolViolation):
        Viewer("http://h", "a/b")
    with pytest.raises(ProtocolViolation):
        Viewer("http://h", max_fps=-1)


async def test_results_are_sent() -> None:
    """For the frame in which they were found, without what is not known of them."""
    async with serving(showing(envelope(1))) as server, Viewer(server.url) as viewer:
        frame = await anext(viewer)
        viewer.send_result(frame, [Box(1, 2, 3, 4, label="cat", score=0.9), Box(5, 6, 7, 8)], data={"lux": 40})
        await server.wait_until(lambda: any('"result"' in said for said in server.said))
    (result,) = [json.loads(said) for said in server.said if '"result"' in said]
    assert result == {
        "type": "result",
        "clientId": "door",
        "sequence": 1,
        "boxes": [
            {"x": 1, "y": 2, "width": 3, "height": 4, "label": "cat", "score": 0.9},
            {"x": 5, "y": 6, "width": 7, "height": 8},
        ],
        "data": {"lux": 40},
    }


def test_a_result_that_makes_no_sense_is_an_error() -> None:
    """The server would close the connection for it."""
    frame = Frame("door", 1, b"", None, 0.0, began=0.0)
    with Viewer("http://127.0.0.1:1") as viewer:
        with pytest.raises(ProtocolViolation, match="a color is"):
            viewer.send_result(frame, [Box(1, 2, 3, 4, color="red")])
        with pytest.raises(ProtocolViolation, match="a result may have 65536 characters"):
            viewer.send_result(frame, data="x" * 70_000)


def test_results_that_nobody_takes_are_bounded() -> None:
    """The oldest go first, and are counted."""
    frame = Frame("door", 1, b"", None, 0.0, began=0.0)
    with Viewer("http://127.0.0.1:1") as viewer:
        for _ in range(70):
            viewer.send_result(frame)
        deadline = time.monotonic() + 10
        while viewer.dropped_results < 6 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert viewer.dropped_results == 6


def test_who_lets_go_of_it_ends_it() -> None:
    """A loop that was left needs no close: the thread ends when nobody holds the viewer any more."""

    def leave() -> None:
        viewer = Viewer("http://127.0.0.1:1")
        with pytest.raises(TimeoutError):
            viewer.receive(timeout=0)

    leave()
    gc.collect()
    deadline = time.monotonic() + 10
    while any(thread.name == "viewer of http://127.0.0.1:1" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_frame_that_does_not_come_is_explained() -> None:
    """Nothing listens there: the error of `receive` says it, as `trouble` does."""
    with Viewer("http://127.0.0.1:1", "door") as viewer:
        while viewer.trouble is None:
            time.sleep(0.01)
        with pytest.raises(TimeoutError, match=r"nothing came for 0 s: cannot connect .*Connection refused"):
            viewer.receive(0)
