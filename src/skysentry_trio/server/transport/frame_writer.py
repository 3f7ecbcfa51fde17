"""Write complete frames to one socket, one after the other, even if several tasks write and some are cancelled.

If the socket has room, a frame that was encoded for many viewers is written immediately, without waking a task.
"""

from __future__ import annotations

import os

import trio
from attrs import define, field

from skysentry_trio.base.sink import ALL, NOTHING, PART, WriteResult
from skysentry_trio.server.transport.peer_stream import CHUNK, PeerStream
from skysentry_trio.wire.framing import Opcode


@define(eq=False)
class FrameWriter:
    """Puts all writes to a peer in order: from `send`, from the WebSocket library, and from `try_send`."""

    _stream: PeerStream
    close_sent: bool = field(default=False, init=False)
    """Whether a Close frame was sent; nothing may follow it."""
    _let_go: bool = field(default=False, init=False)
    """Whether the library has finished with the connection."""
    _rest: memoryview | None = field(default=None, init=False, repr=False)
    """Unwritten rest of a frame; if the task that wrote the frame was cancelled, the next writer sends this rest."""
    _turn: trio.Lock = field(factory=trio.Lock, init=False, repr=False)

    def try_send(self, frame: bytes) -> WriteResult:
        """Write a frame without waiting, unless another one is unfinished. After `WriteResult.PART`, call `finish`."""
        if self._rest is not None or self.close_sent or self._let_go:
            return NOTHING
        try:
            count = os.write(self._stream.descriptor, frame)
        except OSError:
            # This does the same as `PeerStream.write_now`, but saves a function call for each viewer and frame.
            return NOTHING
        if count == len(frame):
            return ALL
        self._rest = memoryview(frame)[count:]
        return PART

    async def send(self, frame: bytes) -> None:
        """Write the rest of an unfinished frame, if there is one, then this frame.

        Raises:
            trio.BrokenResourceError: the peer is gone, stopped reading, or was sent a Close frame.
        """
        async with self._turn:
            if self._let_go or self.close_sent:
                raise trio.BrokenResourceError("the connection is being closed")
            writing = self._write(frame)
            del frame  # an error refers to the variables of this call for a while
            await writing

    async def finish(self) -> None:
        """Write the rest of a frame that `try_send` began."""
        async with self._turn:
            await self._write_rest()

    async def send_for_library(self, data: bytes | bytearray | memoryview) -> None:
        """Write bytes of the WebSocket library: the handshake, or a text or control frame; each call writes one."""
        async with self._turn:
            if self._let_go:
                raise trio.ClosedResourceError
            await self._write(data, ends=data[0] == 0x80 | Opcode.CLOSE)

    def let_go(self) -> None:
        """Refuse all further writes, from the library and from senders; only `say_goodbye` may follow."""
        self._let_go = True

    async def say_goodbye(self, close_frame: bytes) -> None:
        """Write a Close frame that the library did not write, after `let_go`."""
        async with self._turn:
            await self._write(close_frame, ends=True)

    async def _write(self, data: bytes | bytearray | memoryview, *, ends: bool = False) -> None:
        """Write the rest of an unfinished frame, then ``data``; ``ends`` means that no frame may follow."""
        await self._write_rest()
        self.close_sent |= ends
        self._rest = memoryview(data)
        del data
        await self._write_rest()

    async def _write_rest(self) -> None:
        if self._rest:
            # Most often the kernel has room for the whole rest, and no deadline is needed.
            self._rest = self._rest[self._stream.write_now(self._rest) :]
        if self._rest:
            with self._stream.sending(self._rest):
                await self._wait_and_write()
        self._rest = None

    def drop_rest(self) -> None:
        """Free the rest of an unfinished frame, because the connection has ended."""
        self._rest = None
        self._let_go = True

    async def _wait_and_write(self) -> None:
        while self._rest:
            goal = max(0, len(self._rest) - CHUNK)
            with self._stream.write_deadline():
                while len(self._rest) > goal:
                    self._rest = self._rest[await self._stream.write_soon(self._rest) :]


@define(eq=False)
class TlsFrameWriter(FrameWriter):
    """Writes to a connection with TLS, whose stream encrypts what is written now."""

    def try_send(self, frame: bytes) -> WriteResult:
        """Write a frame as `FrameWriter.try_send` does."""
        if self._rest is not None or self.close_sent or self._let_go:
            return NOTHING
        count = self._stream.write_now(frame)
        if count == len(frame):
            return ALL
        if not count:
            return NOTHING
        self._rest = memoryview(frame)[count:]
        return PART
