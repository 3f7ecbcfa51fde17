"""A small server that speaks the real codec, and does what a test tells it to."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import trio
from attrs import define, field
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, WebSocketServer, serve_websocket

from skysentry_trio.wire.capture import (
    Goodbye,
    PictureMeasure,
    Registration,
    RegistrationSuccess,
    Same,
    decode_camera_message,
    decode_jpeg,
)
from skysentry_trio.wire.messages import Authenticated, Clock, ClockReply, encode_message, rfc3339

Handler = Callable[["FakeServer", WebSocketConnection], Awaitable[None]]


@define(eq=False)
class FakeServer:
    """What was heard, and what is to be done with the next connections."""

    script: list[Handler] = field(factory=list)
    """For one connection each; after that every camera is taken."""
    url: str = ""
    requests: list[WebSocketRequest] = field(factory=list)
    registrations: list[Registration] = field(factory=list)
    frames: list[bytes] = field(factory=list)
    captured_at: list[float | None] = field(factory=list)
    """Of each frame, in seconds since the epoch; None for a bare JPEG."""
    answers_clock: bool = True
    """Whether it does what SkySentry Go does not."""
    clock_offset: float = 0.0
    """Seconds by which its clock is ahead."""
    questions: int = 0
    """For the clock."""
    goodbyes: int = 0
    max_frame_size: int | None = None
    """What it states in its answer to a registration."""
    capabilities: tuple[str, ...] = ()
    """What it states in its answer to a registration."""
    measures: list[PictureMeasure | None] = field(factory=list)
    """Of each frame."""
    same: list[Same] = field(factory=list)
    """In place of frames."""
    rejections: list[int] = field(factory=list)
    """HTTP statuses for the next handshakes, 0 for an accepted one."""
    rejection: bytes = b"from a proxy"
    """The body of such an answer."""
    tokens: list[str] = field(factory=list)
    """From messages that present one."""
    expiries: list[float | None] = field(factory=list)
    """When the access ends, in seconds since the epoch, for the answers to the next such messages; then never."""
    said: list[str] = field(factory=list)
    """What viewers said, if the script writes it down."""
    _heard: trio.Event = field(factory=trio.Event)

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until what was heard fulfils a condition."""
        with trio.fail_after(10):
            while not condition():
                await self._heard.wait()

    def hear(self) -> None:
        """Wake those who wait for something to be heard."""
        self._heard.set()
        self._heard = trio.Event()

    async def take_registration(self, websocket: WebSocketConnection) -> Registration:
        """Hear a camera register; it is not answered."""
        message = decode_camera_message(str(await websocket.get_message()))
        assert isinstance(message, Registration)
        self.registrations.append(message)
        self.hear()
        return message

    async def accept_camera(self, websocket: WebSocketConnection) -> None:
        """Take a camera's registration."""
        registration = await self.take_registration(websocket)
        answer = RegistrationSuccess(registration.camera_id, rfc3339(0), self.max_frame_size, self.capabilities)
        await websocket.send_message(encode_message(answer))

    async def take_frame(self, websocket: WebSocketConnection) -> bytes:
        """Take one JPEG from a camera; questions before it are answered."""
        while isinstance(message := await websocket.get_message(), str):
            await self.tell_time(websocket, message)
        frame, _size, captured_at, measure = decode_jpeg(message, max_size=5 * 1024 * 1024, envelope=True)
        self.frames.append(frame)
        self.captured_at.append(captured_at)
        self.measures.append(measure)
        self.hear()
        return frame

    async def tell_time(self, websocket: WebSocketConnection, message: str) -> None:
        """Answer a question for the clock, or a token."""
        if json.loads(message)["type"] == "authenticate":
            await self.take_token(websocket, message)
            return
        question = decode_camera_message(message)
        if isinstance(question, Goodbye):
            self.goodbyes += 1
            self.hear()
            return
        if isinstance(question, Same):
            self.same.append(question)
            self.hear()
            return
        assert isinstance(question, Clock)
        self.questions += 1
        self.hear()
        if self.answers_clock:
            await websocket.send_message(
                encode_message(ClockReply(question.sent_at, (time.time() + self.clock_offset) * 1000))
            )

    async def take_token(self, websocket: WebSocketConnection, message: str) -> None:
        """Accept a token, whatever it is."""
        self.tokens.append(json.loads(message)["token"])
        expires_at = self.expiries.pop(0) if self.expiries else None
        await websocket.send_message(
            encode_message(Authenticated("somebody", None if expires_at is None else expires_at * 1000))
        )
        self.hear()

    async def handle(self, request: WebSocketRequest) -> None:
        """Do with a connection what the script says."""
        self.requests.append(request)
        self.hear()
        if request.path.endswith("/rejected"):
            await request.reject(403, body=b"not you")
            return
        if self.rejections and (status := self.rejections.pop(0)):
            await request.reject(status, body=self.rejection)
            return
        handler = self.script.pop(0) if self.script else take_everything
        try:
            websocket = await request.accept(subprotocol=next(iter(request.proposed_subprotocols), None))
            await handler(self, websocket)
        except ConnectionClosed:
            pass
        finally:
            self.hear()


async def take_everything(server: FakeServer, websocket: WebSocketConnection) -> None:
    """Take a camera and all its frames."""
    await server.accept_camera(websocket)
    while True:
        await server.take_frame(websocket)


@asynccontextmanager
async def open_fake_server(*script: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[FakeServer]:
    """Run a fake server on a free port of this machine."""
    server = FakeServer(list(script))
    async with trio.open_nursery() as nursery:
        websocket_server: WebSocketServer = await nursery.start(
            partial(serve_websocket, server.handle, "127.0.0.1", 0, tls, disconnect_timeout=1)
        )
        port = websocket_server.port
        server.url = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
        yield server
        nursery.cancel_scope.cancel()
