"""The other end of a connection, in memory: what a test says, the endpoint receives, and the other way round."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, Self

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import PeerGone, ProtocolViolation
from skysentry_trio.base.sink import WriteResult
from skysentry_trio.wire.framing import Opcode, decode_head
from tests.jpegs import draw_jpeg

JPEG = draw_jpeg()
NO_JPEG = b"\x89PNG no JPEG"
ABSENT = b"drawn"
"""What stands for the picture of a camera that shows none."""


def unframe(frame: bytes) -> str | bytes:
    """Return the message in a server's WebSocket frame."""
    (message,) = unframe_all(frame)
    return message


def unframe_all(frames: bytes) -> Iterator[str | bytes]:
    """Yield the messages in a server's WebSocket frames, which are all complete."""
    while frames:
        head = decode_head(frames)
        assert head is not None
        end = head.size + head.length
        assert (head.final, head.reserved, head.mask) == (True, 0, None)
        assert end <= len(frames)
        payload, frames = frames[head.size : end], frames[end:]
        yield payload.decode() if head.opcode == Opcode.TEXT else payload


@define(eq=False)
class FakePeer:
    """What an endpoint has instead of a connection, and what a test does at the other end of it."""

    room: float = math.inf
    """Messages that the endpoint can send before the test has to read."""
    at_once: WriteResult = WriteResult.NOTHING
    """What becomes of frames that are to be sent at once."""
    goodbye: tuple[int, str] | None = field(default=None, init=False)
    """Code and reason with which the endpoint closed."""
    pieces: int = field(default=0, init=False)
    """Number of calls with which the endpoint sent encoded frames."""
    _said: trio.MemorySendChannel[str | bytes | ProtocolViolation] = field(init=False)
    _incoming: trio.MemoryReceiveChannel[str | bytes | ProtocolViolation] = field(init=False)
    _outgoing: trio.MemorySendChannel[str | bytes] = field(init=False)
    _heard: trio.MemoryReceiveChannel[str | bytes] = field(init=False)
    _begun: str | bytes | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._said, self._incoming = trio.open_memory_channel[str | bytes | ProtocolViolation](math.inf)
        self._outgoing, self._heard = trio.open_memory_channel[str | bytes](self.room)

    # The endpoint's side

    async def receive(self) -> str | bytes:
        try:
            message = await self._incoming.receive()
        except trio.EndOfChannel:
            raise PeerGone("left") from None
        if isinstance(message, ProtocolViolation):
            raise message
        return message

    async def send(self, message: str) -> None:
        await self._send(message)

    async def send_frame(self, frame: bytes) -> None:
        self.pieces += 1
        for message in unframe_all(frame):
            await self._send(message)

    @property
    def sink(self) -> Self:
        return self

    def try_send(self, frame: bytes) -> WriteResult:
        if self._begun is not None:
            return WriteResult.NOTHING
        if self.at_once is WriteResult.ALL:
            self._outgoing.send_nowait(unframe(frame))
        if self.at_once is WriteResult.PART:
            self._begun = unframe(frame)
        return self.at_once

    async def finish_frame(self) -> None:
        assert self._begun is not None
        await self._send(self._begun)
        self._begun = None

    async def close(self, code: int, reason: str) -> None:
        await trio.lowlevel.checkpoint()
        if self.goodbye is None:
            self.goodbye = (code, reason)
        self._outgoing.close()

    async def _send(self, message: str | bytes) -> None:
        try:
            await self._outgoing.send(message)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise PeerGone("left") from None

    # The test's side

    def say(self, message: bytes | str | dict[str, Any] | ProtocolViolation) -> None:
        """Let the endpoint receive a message; a dictionary is sent as JSON, a violation is the transport's."""
        self._said.send_nowait(json.dumps(message) if isinstance(message, dict) else message)

    def leave(self) -> None:
        """Close the connection."""
        self._said.close()
        self._heard.close()

    def stop_reading(self) -> None:
        """Let the endpoint's next write fail while it has nothing to read."""
        self._heard.close()

    async def hear(self) -> Any:
        """Return the next message, JSON decoded; `trio.EndOfChannel` when the endpoint has closed."""
        with trio.fail_after(30):
            message = await self._heard.receive()
        return json.loads(message) if isinstance(message, str) else message

    async def hear_all(self) -> list[Any]:
        """Return the messages that came and come within a moment."""
        messages = []
        with trio.move_on_after(0.001):
            while True:
                try:
                    message = await self._heard.receive()
                except trio.EndOfChannel:
                    break
                messages.append(json.loads(message) if isinstance(message, str) else message)
        return messages
