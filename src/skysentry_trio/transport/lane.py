"""The binary lane: frames with pictures go past the WebSocket library, everything else goes through it.

trio-websocket is given a `Lane` as its stream. Inwards, the lane reads the heads of frames: a whole, masked binary
message is read straight into one buffer and unmasked in one pass by compiled code; all else, and whatever is wrong, is
handed to the library unchanged, which answers as it always does. Outwards, a frame that was rendered for many viewers
is written to a socket that has room for it at once, without waking a task. Writes of the library, of senders and those
at once take turns, so frames never mix.

Only what the library offers publicly is used.
"""

from __future__ import annotations

from typing import NamedTuple

import trio
from attrs import define, field

from skysentry_trio.exceptions import ProtocolViolation
from skysentry_trio.flow import Pacer, Sent
from skysentry_trio.transport.streams import CHUNK, PeerStream
from skysentry_trio.wire.framing import FrameHead, Opcode, decode_head

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform for which websockets has no wheel and no compiler was at hand
    from websockets.utils import apply_mask

_READ_SIZE = 64 * 1024
_FIRST_BUFFER = 256 * 1024
"""Bytes taken for a message before any of it has come; a promise costs the peer nothing, so it gets no more for it."""
_MAX_FRAGMENTS = 4096
"""In one message: the library keeps each apart until the last has come, however small they are."""
_CONTROL_FRAMES_PER_SECOND = 50.0
_CONTROL_BURST = 2.0
"""Seconds of control frames that may come at once."""


class _Piece(NamedTuple):
    """A part of the stream on its way to the library."""

    data: bytes
    is_ping_or_pong: bool = False


@define(eq=False)
class Lane(trio.abc.Stream):
    """A peer's stream as trio-websocket sees it, and the way past it."""

    _stream: PeerStream
    _max_message_size: int
    close_sent: bool = field(default=False, init=False)
    """Whether a Close frame went out; after it nothing else may."""
    reading: bool = field(default=False, init=False)
    """Whether somebody is in `receive`."""
    heard: int = field(default=0, init=False)
    """How often something was read of the peer."""
    discarding: bool = field(default=False, init=False)
    """Whether only a Close frame is of interest any more."""
    _left_reading: trio.Event | None = field(default=None, init=False, repr=False)
    """Somebody waits for whoever is in `receive` to leave it."""
    _handshake: bytes = field(default=b"", init=False, repr=False)
    _unread: bytes = field(default=b"", init=False, repr=False)
    """Bytes of the stream that were read too early."""
    _midway: bool = field(default=False, init=False)
    """Whether a frame was read in part: who reads on after a cancellation takes the rest of it for a frame."""
    _skip: int = field(default=0, init=False)
    """Bytes of a frame's payload that nobody wants."""
    _fragments: int = field(default=0, init=False)
    _fragmented_size: int = field(default=0, init=False)
    _control: Pacer = field(factory=lambda: Pacer(_CONTROL_FRAMES_PER_SECOND, _CONTROL_BURST), init=False, repr=False)
    _to_library: trio.MemorySendChannel[_Piece] = field(init=False, repr=False)
    _from_lane: trio.MemoryReceiveChannel[_Piece] = field(init=False, repr=False)
    _writing: trio.Lock = field(factory=trio.Lock, init=False, repr=False)
    _rest: memoryview | None = field(default=None, init=False, repr=False)
    """What was not written yet of a frame that was begun."""
    _closed: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._to_library, self._from_lane = trio.open_memory_channel[_Piece](0)

    def begin(self, head_size: int) -> None:
        """Split what was put back into the stream: the handshake request, and frames that came with it."""
        data = self._stream.take_back()
        self._handshake, self._unread = data[:head_size], data[head_size:]

    # Inwards

    async def receive(self) -> bytes | None:
        """Return the next whole binary message, or None when the library has the next message, or knows there is none.

        Raises:
            ProtocolViolation: the peer sends more than it may; it is for the caller to close the connection.
        """
        self.reading = True
        try:
            return await self._receive()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            # The connection is lost, or the library has let it go: both end at the library.
            self._to_library.close()
            return None
        finally:
            self.reading = False
            if self._left_reading is not None:
                self._left_reading.set()

    async def _receive(self) -> bytes | None:
        while True:
            if self._midway:
                raise trio.BrokenResourceError("an earlier read was cancelled in the middle of a frame")
            await self._skip_payload()
            head = await self._read_head()
            if head is None:
                await self._to_library.send(_Piece(b""))
                return None
            if self.discarding and head.opcode != Opcode.CLOSE:
                self._unread = self._unread[head.size :]
                self._skip = head.length
            elif (mask := self._mask_of_plain(head)) is not None:
                return await self._read_plain(head, mask)
            elif await self._pass_on(head):
                return None

    def _mask_of_plain(self, head: FrameHead) -> bytes | None:
        """Return the mask of a frame that needs no library: a whole binary message. None for any other."""
        self._check(head)
        plain = head.opcode == Opcode.BINARY and head.final and not self._fragments and head.is_lawful
        return head.mask if plain else None

    def _check(self, head: FrameHead) -> None:
        """Refuse what would take too much memory or time before anything of it is read."""
        if head.opcode >= Opcode.CLOSE:
            # A Close frame is the last of them.
            if head.opcode != Opcode.CLOSE and not self._control.admit(trio.current_time()):
                raise ProtocolViolation("too many control frames", code="flood")
            return
        size = head.length + (self._fragmented_size if head.opcode == Opcode.CONTINUATION else 0)
        if size > self._max_message_size:
            raise ProtocolViolation(
                f"a message may have {self._max_message_size} bytes, got one of {size} or more",
                code="frame-too-large",
                close_code=1009,
            )
        if self._fragments == _MAX_FRAGMENTS:
            raise ProtocolViolation(f"a message may have {_MAX_FRAGMENTS} fragments, got more", code="flood")

    async def _read_head(self) -> FrameHead | None:
        """Return the next frame's head, which stays in `_unread`; None at the end of the stream."""
        head = decode_head(self._unread)
        if head is not None:
            # There may be many frames in what was read: others want their turn between them.
            await trio.lowlevel.checkpoint()
            return head
        while head is None:
            data = await self._read()
            if not data:
                return None
            self._unread = self._unread + data if self._unread else data
            head = decode_head(self._unread)
        return head

    async def _read_plain(self, head: FrameHead, mask: bytes) -> bytes:
        end = head.size + head.length
        if len(self._unread) >= end:
            payload = memoryview(self._unread)[head.size : end]
            self._unread = self._unread[end:]
        else:
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
            payload = memoryview(buffer)
            self._midway = False
        return apply_mask(payload, mask)

    async def _pass_on(self, head: FrameHead) -> bool:
        """Hand a frame to the library; say whether the library then has a message, or has to find out what is wrong."""
        if head.opcode < Opcode.CLOSE:
            self._fragments = 0 if head.final else self._fragments + 1
            self._fragmented_size = 0 if head.final else self._fragmented_size + head.length
        left = head.size + head.length
        if not head.is_lawful:
            # The library says what is wrong as soon as it sees it; nothing behind it is looked at.
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
        """Return what comes next of a frame that was begun."""
        data = await self._read()
        if not data:
            raise trio.BrokenResourceError("the peer left in the middle of a message")
        return data

    async def _read(self) -> bytes:
        if self._closed:
            raise trio.ClosedResourceError("the library has closed the connection")
        data = await self._stream.read_soon(_READ_SIZE)
        self.heard += 1
        return data

    async def drain(self) -> None:
        """Read until the peer has answered our Close frame, or is gone, beginning when nobody else reads."""
        self.discarding = True
        while self.reading:
            self._left_reading = trio.Event()
            await self._left_reading.wait()
        await self.receive()

    # Outwards

    def try_send(self, frame: bytes) -> Sent:
        """Write a frame at once if nothing stands before it; never waits."""
        if self._closed or self.close_sent or self._rest is not None or self._writing.locked():
            return Sent.NOTHING
        count = self._stream.write_now(frame)
        if count == len(frame):
            return Sent.ALL
        if not count:
            return Sent.NOTHING
        self._rest = memoryview(frame)[count:]
        return Sent.PART

    async def send(self, frame: bytes) -> None:
        """Write a frame as soon as what was begun before it is finished.

        Raises:
            trio.BrokenResourceError: the peer is gone, stopped reading, or was said goodbye to.
        """
        async with self._writing:
            if self._closed or self.close_sent:
                raise trio.BrokenResourceError("the connection is being closed")
            await self._write(frame)

    async def finish(self) -> None:
        """Write the rest of a frame that `try_send` began."""
        async with self._writing:
            await self._write_rest()

    async def say_goodbye(self, close_frame: bytes) -> None:
        """Write a Close frame that the library did not, after it has let go."""
        async with self._writing:
            await self._write_rest()
            self.close_sent = True
            await self._write(close_frame)

    async def _write(self, data: bytes | bytearray | memoryview) -> None:
        """Write what was begun, then this. Whoever comes next finishes what a cancellation cuts off."""
        await self._write_rest()
        self._rest = memoryview(data)
        await self._write_rest()

    async def _write_rest(self) -> None:
        if self._rest:
            # Most often there is room for all of it, and no need for a deadline.
            self._rest = self._rest[self._stream.write_now(self._rest) :]
        while self._rest:
            goal = max(0, len(self._rest) - CHUNK)
            with self._stream.patience():
                while len(self._rest) > goal:
                    self._rest = self._rest[await self._stream.write_soon(self._rest) :]
        self._rest = None

    # What trio-websocket uses

    async def receive_some(self, max_bytes: int | None = None) -> bytes:  # noqa: ARG002
        """Return the handshake, then whatever `receive` does not want for itself."""
        if self._handshake:
            await trio.lowlevel.checkpoint()
            handshake, self._handshake = self._handshake, b""
            return handshake
        try:
            while True:
                piece = await self._from_lane.receive()
                # After its own Close frame the library would answer a ping with an exception.
                if not (self.discarding and piece.is_ping_or_pong):
                    return piece.data
        except trio.EndOfChannel:
            return b""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Write what the library has to say: handshakes, text, control frames, one at a time."""
        async with self._writing:
            if self._closed:
                raise trio.ClosedResourceError
            await self._write_rest()
            self.close_sent |= data[0] == 0x80 | Opcode.CLOSE
            await self._write(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until there is room for a write."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Let the library go; the stream stays open, so that the peer can be told why."""
        self._closed = True
        self._from_lane.close()
        self._stream.wake_reader()
        await trio.lowlevel.checkpoint()
