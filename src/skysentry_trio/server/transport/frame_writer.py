"""Write frames to one socket complete and one after the other, whichever task writes and whichever is cancelled.

A frame that was encoded for many viewers is written at once to a socket that has room for it, without waking a task.
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
    """Serializes all writes to a peer: of senders, of the WebSocket library, and of tasks that cannot wait."""

    _stream: PeerStream
    close_sent: bool = field(default=False, init=False)
    """Whether a Close frame was sent; nothing may follow it."""
    _let_go: bool = field(default=False, init=False)
    """Whether the library has finished with the connection."""
    _rest: memoryview | None = field(default=None, init=False, repr=False)
    """Unwritten rest of a frame; the next writer finishes what a cancellation cut off."""
    _turn: trio.Lock = field(factory=trio.Lock, init=False, repr=False)

    def try_send(self, frame: bytes) -> WriteResult:
        """Write a frame now unless another must end first; never waits. After `WriteResult.PART`, call `finish`."""
        if self._rest is not None or self.close_sent or self._let_go:
            return NOTHING
        try:
            count = os.write(self._stream.descriptor, frame)
        except OSError:
            # As in `PeerStream.write_now`, which is not called, to save a function call for each viewer and frame.
            return NOTHING
        if count == len(frame):
            return ALL
        self._rest = memoryview(frame)[count:]
        return PART

    async def send(self, frame: bytes) -> None:
        """Write a frame after the frame that was begun before it.

        Raises:
            trio.BrokenResourceError: the peer is gone, stopped reading, or was sent a Close frame.
        """
        async with self._turn:
            if self._let_go or self.close_sent:
                raise trio.BrokenResourceError("the connection is being closed")
            await self._write(frame)

    async def finish(self) -> None:
        """Write the rest of a frame that `try_send` began."""
        async with self._turn:
            await self._write_rest()

    async def send_for_library(self, data: bytes | bytearray | memoryview) -> None:
        """Write bytes of the library: handshakes, text and control frames, one at a time."""
        async with self._turn:
            if self._let_go:
                raise trio.ClosedResourceError
            await self._write(data, ends=data[0] == 0x80 | Opcode.CLOSE)

    def let_go(self) -> None:
        """Refuse further writes of the library and of senders; only `say_goodbye` may follow."""
        self._let_go = True

    async def say_goodbye(self, close_frame: bytes) -> None:
        """Write a Close frame that the library did not write, after `let_go`."""
        async with self._turn:
            await self._write(close_frame, ends=True)

    async def _write(self, data: bytes | bytearray | memoryview, *, ends: bool = False) -> None:
        """Finish the frame that was begun, then write this; ``ends`` means that nothing may follow."""
        await self._write_rest()
        self.close_sent |= ends
        self._rest = memoryview(data)
        await self._write_rest()

    async def _write_rest(self) -> None:
        if self._rest:
            # Most often the kernel has room for all of it, and no deadline is needed.
            self._rest = self._rest[self._stream.write_now(self._rest) :]
        while self._rest:
            goal = max(0, len(self._rest) - CHUNK)
            with self._stream.write_deadline():
                while len(self._rest) > goal:
                    self._rest = self._rest[await self._stream.write_soon(self._rest) :]
        self._rest = None
