"""Read complete messages directly from the socket, and leave everything else to the WebSocket library.

The reader decodes the heads of frames. It reads a complete, masked binary message into one buffer, and compiled code
unmasks the message in one pass. A text that has arrived completely is unmasked in the same way. Pongs are dropped. All
other frames, and everything invalid, go to the library unchanged. The library then answers as usual.
"""

from __future__ import annotations

from typing import NamedTuple

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.nurseries import CONNECTION_LOST
from skysentry_trio.base.rate_limit import RateLimiter
from skysentry_trio.server.transport.peer_stream import PeerStream
from skysentry_trio.wire.framing import FrameHead, Opcode, decode_head

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without a wheel of websockets and without a compiler
    from websockets.utils import apply_mask

_READ_SIZE = 64 * 1024
_FIRST_BUFFER = 256 * 1024
"""Initial buffer size in bytes. The announced length is untrusted, so no more is allocated before data arrives."""
_MAX_FRAGMENTS = 4096
"""Maximum number of fragments of a message; the library keeps each as a separate object until the last has arrived."""
_CONTROL_FRAMES_PER_SECOND = 50.0
_CONTROL_BURST = 2.0
"""Seconds by which control frames may come too early; so about a hundred of them may come together."""


class _Piece(NamedTuple):
    """A part of the stream for the library."""

    data: bytes
    is_ping_or_pong: bool = False


@define(eq=False)
class FrameReader:
    """Splits a peer's stream into messages for the caller of `receive`, and the rest for the library."""

    _stream: PeerStream
    _max_message_size: int
    _unread: bytes = field(repr=False)
    """Bytes that were read but not used yet; at first, the bytes that came together with the handshake."""
    heard: int = field(default=0, init=False)
    """Number of reads from the peer that have returned."""
    discarding: bool = field(default=False, init=False)
    """Whether every frame except a Close frame is dropped."""
    _reading: bool = field(default=False, init=False)
    """Whether a task is in `receive`."""
    _left_reading: trio.Event | None = field(default=None, init=False, repr=False)
    """Set when the call of `receive` ends; None if no task has waited for this."""
    _midway: bool = field(default=False, init=False)
    """Whether a frame was read in part; after a cancellation, the rest of the frame would look like a new frame."""
    _skip: int = field(default=0, init=False)
    """Bytes of the current payload that are still to be dropped."""
    _fragments: int = field(default=0, init=False)
    _fragmented_size: int = field(default=0, init=False)
    _control: RateLimiter = field(
        factory=lambda: RateLimiter(_CONTROL_FRAMES_PER_SECOND, _CONTROL_BURST), init=False, repr=False
    )
    _let_go: bool = field(default=False, init=False)
    """Whether the library has finished with the connection."""
    _to_library: trio.MemorySendChannel[_Piece] = field(init=False, repr=False)
    _for_library: trio.MemoryReceiveChannel[_Piece] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._to_library, self._for_library = trio.open_memory_channel[_Piece](0)

    async def receive(self) -> str | bytes | None:
        """Return the next complete message; None if the library has the next message or the end of the connection.

        Raises:
            ProtocolViolation: the peer exceeds a limit; the caller must close the connection.
        """
        self._reading = True
        try:
            return await self._receive()
        except CONNECTION_LOST:
            # The connection is lost, or the library has closed it: the library reports both.
            self._to_library.close()
            return None
        finally:
            self._reading = False
            if self._left_reading is not None:
                self._left_reading.set()

    async def drain(self) -> None:
        """Wait until no other task reads, then read until the peer has answered our Close frame or is gone."""
        self.discarding = True
        while self._reading:
            self._left_reading = trio.Event()
            await self._left_reading.wait()
        await self.receive()

    async def receive_for_library(self) -> bytes:
        """Return bytes that `receive` does not keep for itself; b"" at the end of the stream."""
        try:
            while True:
                piece = await self._for_library.receive()
                # After the library has sent its own Close frame, it would raise an exception on a ping.
                if not (self.discarding and piece.is_ping_or_pong):
                    return piece.data
        except trio.EndOfChannel:
            return b""

    def let_go(self) -> None:
        """Pass no more bytes to the library, and make a task in `receive` return."""
        self._let_go = True
        self._for_library.close()
        self._stream.wake_reader()

    async def _receive(self) -> str | bytes | None:
        while True:
            if self._midway:
                raise trio.BrokenResourceError("an earlier read was cancelled in the middle of a frame")
            if self._skip:
                await self._skip_payload()
            head = await self._read_head()
            if head is None:
                await self._to_library.send(_Piece(b""))
                return None
            if self.discarding and head.opcode != Opcode.CLOSE:
                self._unread = self._unread[head.size :]
                self._skip = head.length
                continue
            if (
                head.final
                and head.mask is not None
                and head.length <= self._max_message_size
                and not self._fragments
                and head.is_lawful
            ):
                if head.opcode == Opcode.BINARY:
                    end = head.size + head.length
                    if len(self._unread) < end:
                        return await self._read_binary(head, head.mask)
                    payload = memoryview(self._unread)[head.size : end]
                    self._unread = self._unread[end:]
                    return apply_mask(payload, head.mask)
                if head.opcode == Opcode.TEXT and (text := self._take_text(head, head.mask)) is not None:
                    return text
            self._check(head)
            if head.opcode == Opcode.PONG and head.is_lawful:
                # All that a pong says is that the peer is there, and `heard` says this. With thousands of idle viewers,
                # most of the work of the library would be pongs.
                self._unread = self._unread[head.size :]
                self._skip = head.length
                continue
            if await self._pass_on(head):
                return None

    def _check(self, head: FrameHead) -> None:
        """Refuse frames that would take too much memory or time, before their payload is read."""
        if head.opcode >= Opcode.CLOSE:
            # A Close frame is the last control frame, so it needs no limit.
            if head.opcode != Opcode.CLOSE and not self._control.admit(trio.current_time()):
                raise ProtocolViolation("too many control frames", "flood")
            return
        size = head.length + (self._fragmented_size if head.opcode == Opcode.CONTINUATION else 0)
        if size > self._max_message_size:
            raise ProtocolViolation(
                f"a message may have {self._max_message_size} bytes, got one of {size} or more", "frame-too-large"
            )
        if self._fragments == _MAX_FRAGMENTS:
            raise ProtocolViolation(f"a message may have {_MAX_FRAGMENTS} fragments, got more", "flood")

    async def _read_head(self) -> FrameHead | None:
        """Return the next frame's head, which stays in `_unread`; None at the end of the stream."""
        if self._unread and (head := decode_head(self._unread)) is not None:
            # One read may contain many frames, so yield to the scheduler before each frame.
            await trio.lowlevel.checkpoint()
            return head
        while data := await self._read():
            self._unread = self._unread + data if self._unread else data
            if (head := decode_head(self._unread)) is not None:
                return head
        return None

    async def _read_binary(self, head: FrameHead, mask: bytes) -> bytes:
        """Read the rest of a binary message that has arrived in part, and return the whole message."""
        self._midway = True
        buffer = bytearray(min(head.length, _FIRST_BUFFER))
        received = len(self._unread) - head.size
        buffer[:received] = memoryview(self._unread)[head.size :]
        self._unread = b""
        while received < head.length:
            if received == len(buffer):
                buffer += bytes(min(received, head.length - received))
            with memoryview(buffer)[received:] as room:
                count = await self._stream.read_soon_into(room)
            self.heard += 1
            if not count:
                raise trio.BrokenResourceError("the peer left in the middle of a message")
            received += count
        self._midway = False
        return apply_mask(buffer, mask)

    def _take_text(self, head: FrameHead, mask: bytes) -> str | None:
        """Return a text that has arrived completely; None if the library must wait for the rest or refuse the text."""
        end = head.size + head.length
        if len(self._unread) < end:
            return None
        try:
            text = apply_mask(self._unread[head.size : end], mask).decode()
        except UnicodeDecodeError:
            return None
        self._unread = self._unread[end:]
        return text

    async def _pass_on(self, head: FrameHead) -> bool:
        """Pass a frame to the library; return whether the library then has a message or an error."""
        if head.opcode < Opcode.CLOSE:
            self._fragments = 0 if head.final else self._fragments + 1
            self._fragmented_size = 0 if head.final else self._fragmented_size + head.length
        left = head.size + head.length
        if not head.is_lawful:
            # The library reports the violation immediately; the rest of the stream is ignored.
            self._midway = True
            await self._to_library.send(_Piece(self._unread))
            return True
        if head.opcode >= Opcode.PING:
            while len(self._unread) < left:
                self._unread += await self._read_more()
            await self._to_library.send(_Piece(self._unread[:left], is_ping_or_pong=True))
            self._unread = self._unread[left:]
            return False
        self._midway = True
        while True:
            piece, self._unread = self._unread[:left], self._unread[left:]
            left -= len(piece)
            await self._to_library.send(_Piece(piece))
            if not left:
                break
            self._unread = await self._read_more()
        self._midway = False
        return head.opcode == Opcode.CLOSE or head.final

    async def _skip_payload(self) -> None:
        while self._skip:
            if not self._unread:
                self._unread = await self._read_more()
            skipped = min(self._skip, len(self._unread))
            self._unread = self._unread[skipped:]
            self._skip -= skipped

    async def _read_more(self) -> bytes:
        """Return the next bytes of a frame that has begun."""
        data = await self._read()
        if not data:
            raise trio.BrokenResourceError("the peer left in the middle of a message")
        return data

    async def _read(self) -> bytes:
        if self._let_go:
            raise trio.ClosedResourceError("the library has closed the connection")
        data = await self._stream.read_soon(_READ_SIZE)
        self.heard += 1
        return data
