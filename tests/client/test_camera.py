from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio_websocket import WebSocketConnection

from skysentry_trio.client import Camera, Closed, ConfigurationError, Demand, ProtocolViolation, Refused
from skysentry_trio.client.thread import handle as handle_module
from skysentry_trio.wire.messages import encode_message
from tests.client.engine.fake_server import FakeServer, Handler, open_fake_server
from tests.jpegs import draw_jpeg


@asynccontextmanager
async def serving(*script: Handler) -> AsyncIterator[FakeServer]:
    with trio.fail_after(20):
        async with open_fake_server(*script) as server:
            yield server


async def test_pictures_are_sent() -> None:
    """Each that is sent slowly enough; also those that are no bytes; captured when the program says so."""
    async with serving() as server, Camera(server.url, "scope", name="Microscope") as camera:
        for number, kind in enumerate((bytes, bytearray, memoryview)):
            camera.send(kind(draw_jpeg(number)))
            await server.wait_until(lambda number=number: len(server.frames) == number + 1)  # type: ignore[misc]
        await server.wait_until(lambda: server.questions >= 2)
        camera.send(draw_jpeg(3), captured_at=time.time() - 100)
        await server.wait_until(lambda: len(server.frames) == 4)
        assert (camera.state, camera.trouble, camera.demand, camera.dropped) == ("live", None, None, {})
    assert server.frames == [draw_jpeg(number) for number in range(4)]
    assert (server.registrations[0].camera_id, server.registrations[0].name) == ("scope", "Microscope")
    assert server.captured_at[3] == pytest.approx(time.time() - 100, abs=20)


async def test_the_last_picture_goes_out() -> None:
    """A program that sends one and ends has sent one, whether it waits in Trio, asyncio or not at all."""

    def send(url: str) -> None:
        with Camera(url, "scope") as camera:
            camera.send(draw_jpeg(1))

    async def send_in_asyncio(url: str) -> None:
        async with Camera(url, "scope") as camera:
            camera.send(draw_jpeg(2))

    async with serving() as server:
        await trio.to_thread.run_sync(send, server.url)
        await trio.to_thread.run_sync(asyncio.run, send_in_asyncio(server.url))
        async with Camera(server.url, "scope") as camera:
            camera.send(draw_jpeg(3))
        await server.wait_until(lambda: len(server.frames) == 3)
    assert server.frames == [draw_jpeg(number) for number in (1, 2, 3)]
    assert camera.state == "ended"


def test_without_a_server_closing_takes_no_longer_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last picture is given up then."""
    monkeypatch.setattr(handle_module, "CLOSE_TIMEOUT", 0.1)
    with Camera("http://127.0.0.1:1", "scope") as camera:
        camera.send(draw_jpeg())
    camera._background.join(10)
    assert not camera._background.is_running
    with pytest.raises(Closed, match="the camera was closed"):
        camera.send(draw_jpeg())


async def test_what_is_not_needed_is_not_sent() -> None:
    """The program can know what is needed; what it sends over the rate is left out and counted."""

    async def demand(server: FakeServer, websocket: WebSocketConnection) -> None:
        await server.accept_camera(websocket)
        await websocket.send_message(encode_message(Demand(0, 0.01)))
        while True:
            await server.take_frame(websocket)

    async with serving(demand) as server, Camera(server.url, "scope") as camera:
        while camera.demand is None:  # noqa: ASYNC110 - nobody announces it
            await trio.sleep(0.01)
        assert camera.demand == Demand(0, 0.01)
        for _ in range(20):
            camera.send(draw_jpeg())
            await trio.sleep(0.005)
    assert len(server.frames) == 1
    assert camera.dropped["demand"] > 0
    assert sum(camera.dropped.values()) == 19


async def test_a_camera_that_is_taken_over_ends() -> None:
    """Whoever sends hears why."""

    async def replace(server: FakeServer, websocket: WebSocketConnection) -> None:
        await server.accept_camera(websocket)
        await websocket.aclose(4001, "replaced")

    async with serving(replace) as server:
        camera = Camera(server.url, "scope")
        while camera._background.is_running:  # noqa: ASYNC110 - nobody announces it
            await trio.sleep(0.01)
        with pytest.raises(Refused, match="took over"):
            camera.send(draw_jpeg())
        await camera.aclose()


def test_what_makes_no_sense_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address, an id, a picture that is none."""
    monkeypatch.setattr(handle_module, "CLOSE_TIMEOUT", 0.1)
    with pytest.raises(ConfigurationError):
        Camera("gopher://h", "scope")
    with pytest.raises(ProtocolViolation):
        Camera("http://h", "a/b")
    with Camera("http://127.0.0.1:1", "scope") as camera, pytest.raises(ProtocolViolation, match="expected a JPEG"):
        camera.send(b"GIF89a")
