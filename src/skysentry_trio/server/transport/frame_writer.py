"""Outwards: frames leave one socket whole and one after the other, whoever writes them and whoever is cancelled when.

A frame that was rendered for many viewers is written to a socket that has room for it at once, without waking a task.
"""

from __future__ import annotations

import os

import trio
from attrs import define, field

from skysentry_trio.base.rate_limit import WriteResult
from skysentry_trio.server.transport.peer_stream import CHUNK, PeerStream
from skysentry_trio.wire.framing import Opcode

# To name a member of an Enum takes a function call on Python 3.11, which counts where it is done for each viewer.
_ALL, _PART, _NOTHING = WriteResult


@define(eq=False)
class FrameWriter:
    """Whoever writes to a peer takes turns here: senders, the WebSocket library, and those who cannot wait."""

    _stream: PeerStream
    close_sent: bool = field(default=False, init=False)
    """Whether a Close frame went out; after it nothing else may."""
    _let_go: bool = field(default=False, init=False)
    """Whether the library has finished with the connection."""
    _rest: memoryview | None = field(default=None, init=False, repr=False)
    """What was not written yet of a frame that was begun: whoever comes next finishes what a cancellation cut off."""
    _turn: trio.Lock = field(factory=trio.Lock, init=False, repr=False)

    def try_send(self, frame: bytes) -> WriteResult:
        """Write a frame at once if nothing stands before it; never waits. After `WriteResult.PART`, call `finish`."""
        if self._rest is not None or self.close_sent or self._let_go:
            return _NOTHING
        try:
            count = os.write(self._stream.descriptor, frame)
        except OSError:
            # Full, lost or closed; whoever writes next with patience, or reads, finds out which.
            return _NOTHING
        if count == len(frame):
            return _ALL
        self._rest = memoryview(frame)[count:]
        return _PART

    async def send(self, frame: bytes) -> None:
        """Write a frame as soon as what was begun before it is finished.

        Raises:
            trio.BrokenResourceError: the peer is gone, stopped reading, or was said goodbye to.
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
        """Write what the library has to say: handshakes, text, control frames, one at a time."""
        async with self._turn:
            if self._let_go:
                raise trio.ClosedResourceError
            await self._write(data, ends=data[0] == 0x80 | Opcode.CLOSE)

    def let_go(self) -> None:
        """Take nothing more from the library and from senders; `say_goodbye` is for whoever serves the connection."""
        self._let_go = True

    async def say_goodbye(self, close_frame: bytes) -> None:
        """Write a Close frame that the library did not, after it has let go."""
        async with self._turn:
            await self._write(close_frame, ends=True)

    async def _write(self, data: bytes | bytearray | memoryview, *, ends: bool = False) -> None:
        """Write what was begun, then this; ``ends`` says that nothing may follow it."""
        await self._write_rest()
        self.close_sent |= ends
        self._rest = memoryview(data)
        await self._write_rest()

    async def _write_rest(self) -> None:
        if self._rest:
            # Most often there is room for all of it, and no need for a deadline.
            self._rest = self._rest[self._stream.write_now(self._rest) :]
        while self._rest:
            goal = max(0, len(self._rest) - CHUNK)
            with self._stream.write_deadline():
                while len(self._rest) > goal:
                    self._rest = self._rest[await self._stream.write_soon(self._rest) :]
        self._rest = None
