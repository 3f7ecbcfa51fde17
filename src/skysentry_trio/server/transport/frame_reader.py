"""Read complete messages directly from the socket, and leave everything else to the WebSocket library.

The reader decodes the heads of frames. It reads a complete, masked binary message into one buffer, and compiled code
unmasks the message in one pass. A text that has arrived completely is unmasked in the same way. Pongs are dropped. All
other frames, and everything invalid, go to the library unchanged. The library then answers as usual.
"""

from __future__ import annotations

from typing import NamedTuple

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import MessageSkipped, ProtocolViolation
from skysentry_trio.base.held_memory import Receiving
from skysentry_trio.base.nurseries import CONNECTION_LOST
from skysentry_trio.base.rate_limit import RateLimiter
from skysentry_trio.server.transport.peer_stream import PeerStream
from skysentry_trio.wire.framing import MAX_HEAD_SIZE, FrameHead, Opcode, decode_head, encode_client_frame

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without a wheel of websockets and without a compiler
    from websockets.utils import apply_mask

_READ_SIZE = 64 * 1024
_FIRST_BUFFER = 256 * 1024
"""Initial buffer size in bytes. The announced length is untrusted, so no more is allocated before data arrives."""
_MAX_SKIPPED = 64 * 1024 * 1024
"""Maximum number of bytes above the limit of a message that is skipped; a longer message ends the connection."""
_END_OF_MESSAGE = bytes((0x80 | Opcode.CONTINUATION, 0x80, 0, 0, 0, 0))
"""A frame without a payload that ends a fragmented message, as clients send it."""
_MAX_FRAGMENTS = 4096
"""Maximum number of fragments of a message; the library keeps each as a separate object until the last has arrived."""
_SMALL_FRAGMENT = 512
"""Fragments of fewer bytes count as small: a peer that sends many of them costs much and brings little."""
_SMALL_FRAGMENTS_PER_SECOND = 500.0
_FRAGMENTS_AT_ONCE = 128
"""Further fragments that are joined with a fragment before other tasks run: this takes some 0.5 ms."""
_LET_GO = "the library has closed the connection"
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
    _skipping: bool = field(default=False, init=False)
    """Whether further fragments belong to a message that is being skipped."""
    _skipped: MessageSkipped | None = field(default=None, init=False)
    """Why the message that the library has next is only the beginning of one that is being skipped."""
    _fragments: int = field(default=0, init=False)
    _fragmented_size: int = field(default=0, init=False)
    _control: RateLimiter = field(
        factory=lambda: RateLimiter(_CONTROL_FRAMES_PER_SECOND, _CONTROL_BURST), init=False, repr=False
    )
    _small: RateLimiter = field(
        factory=lambda: RateLimiter(_SMALL_FRAGMENTS_PER_SECOND, _MAX_FRAGMENTS / _SMALL_FRAGMENTS_PER_SECOND),
        init=False,
        repr=False,
    )
    _memory: Receiving = field(init=False, repr=False)
    """Counts the bytes of the message that is being received."""
    _let_go: bool = field(default=False, init=False)
    """Whether the library has finished with the connection."""
    _to_library: trio.MemorySendChannel[_Piece] = field(init=False, repr=False)
    _for_library: trio.MemoryReceiveChannel[_Piece] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._memory = self._stream.receiving()
        self._to_library, self._for_library = trio.open_memory_channel[_Piece](0)

    async def receive(self) -> str | bytes | None:  # noqa: PLR0912 - for every frame, so it calls little
        """Return the next complete message; None if the library has the next message or the end of the connection.

        Raises:
            MessageSkipped: the message is too large; the next call skips it, and returns the message after it.
            ProtocolViolation: the peer exceeds another limit; the caller must close the connection.
        """
        self._reading = True
        try:
            while True:
                if self._midway:
                    raise trio.BrokenResourceError("an earlier read was cancelled in the middle of a frame")
                if self._skip:
                    await self._skip_payload()
                head = decode_head(self._unread) if self._unread else None
                if head is not None:
                    # One read may contain many frames, so yield to the scheduler before each frame.
                    await trio.lowlevel.checkpoint()
                while head is None:
                    # Not in a method of its own: Python resumes this task through all of its pending calls, and each of
                    # them takes memory for each idle viewer.
                    if self._let_go:
                        raise trio.ClosedResourceError(_LET_GO)
                    data = await self._stream.read_soon(_READ_SIZE)
                    self.heard += 1
                    if not data:
                        await self._to_library.send(_Piece(b""))
                        return None
                    self._unread = self._unread + data if self._unread else data
                    head = decode_head(self._unread)
                if (
                    head.final
                    and head.mask is not None
                    and head.length <= self._max_message_size
                    and not self._fragments
                    and not self.discarding
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
                if await self._deal_with(head):
                    return None
        except CONNECTION_LOST:
            # The connection is lost, or the library has closed it: the library reports both.
            self._to_library.close()
            return None
        finally:
            self._reading = False
            if self._memory.nbytes:
                self._memory.release()
            if self._left_reading is not None:
                self._left_reading.set()

    def check_whole(self) -> None:
        """Check that the message that the library had is whole.

        Raises:
            MessageSkipped: it is the beginning of a message that is being skipped.
        """
        skipped, self._skipped = self._skipped, None
        if skipped is not None:
            raise skipped

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

    async def _deal_with(self, head: FrameHead) -> bool:
        """Deal with a frame that is no whole message; return whether the library then has a message or an error.

        Raises:
            MessageSkipped: the frame belongs to a message that is too large.
            ProtocolViolation: the peer exceeds another limit.
        """
        if self.discarding and head.opcode != Opcode.CLOSE:
            self._drop(head)
            return False
        size = self._check(head)
        if head.opcode == Opcode.PONG and head.is_lawful:
            # All that a pong says is that the peer is there, and `heard` says this. With thousands of idle viewers,
            # most of the work of the library would be pongs.
            self._drop(head)
            return False
        if self._skipping and head.opcode == Opcode.CONTINUATION:
            self._skip_frame(head, size)
            return False
        if size > self._max_message_size:
            return await self._skip_message(head, size)
        return await self._pass_on(head)

    def _drop(self, head: FrameHead) -> None:
        """Drop a frame, also the part of it that has not arrived."""
        self._unread = self._unread[head.size :]
        self._skip = head.length

    def _check(self, head: FrameHead) -> int:
        """Refuse frames that would take too much time, before their payload is read.

        Returns:
            The size of the message in bytes, as far as it is known; 0 for control frames.
        """
        if head.opcode >= Opcode.CLOSE:
            # A Close frame is the last control frame, so it needs no limit.
            if head.opcode != Opcode.CLOSE and not self._control.admit(trio.current_time()):
                raise ProtocolViolation("too many control frames", "flood")
            return 0
        if self._fragments == _MAX_FRAGMENTS:
            raise ProtocolViolation(f"a message may have {_MAX_FRAGMENTS} fragments, got more", "flood")
        is_fragment = not head.final or head.opcode == Opcode.CONTINUATION
        if is_fragment and head.length < _SMALL_FRAGMENT and not self._small.admit(trio.current_time()):
            raise ProtocolViolation(f"too many fragments of fewer than {_SMALL_FRAGMENT} bytes", "flood")
        return head.length + (self._fragmented_size if head.opcode == Opcode.CONTINUATION else 0)

    async def _skip_message(self, head: FrameHead, size: int) -> bool:
        """Begin to skip the message to which a frame belongs; return True if the library has the message's beginning.

        Raises:
            MessageSkipped: the library has nothing of the message.
        """
        has_beginning = self._fragments > 0
        self._skip_frame(head, size)
        skipped = MessageSkipped(f"a message may have {self._max_message_size} bytes, got one of {size} or more", size)
        if not has_beginning:
            raise skipped
        self._skipped = skipped
        await self._to_library.send(_Piece(_END_OF_MESSAGE))
        return True

    def _skip_frame(self, head: FrameHead, size: int) -> None:
        """Skip a frame of a message that is too large.

        Args:
            head: the frame's head.
            size: bytes of the message up to the end of this frame.

        Raises:
            ProtocolViolation: the message is so large that to skip it would take too long.
        """
        if size > self._max_message_size + _MAX_SKIPPED or not head.is_lawful:
            raise ProtocolViolation(
                f"a message may have {self._max_message_size} bytes, got one of {size} or more", "frame-too-large"
            )
        self._drop(head)
        self._skipping = not head.final
        self._fragments = 0 if head.final else self._fragments + 1
        self._fragmented_size = 0 if head.final else size

    async def _read_binary(self, head: FrameHead, mask: bytes) -> bytes:
        """Read the rest of a binary message that has arrived in part, and return the whole message."""
        self._midway = True
        size = min(head.length, _FIRST_BUFFER)
        self._memory.grow_to(size)
        buffer = bytearray(size)
        received = len(self._unread) - head.size
        buffer[:received] = memoryview(self._unread)[head.size :]
        self._unread = b""
        while received < head.length:
            if received == len(buffer):
                size = min(2 * received, head.length)
                self._memory.grow_to(size)
                buffer += bytes(size - received)
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
        received = self._fragmented_size
        if head.opcode < Opcode.CLOSE:
            self._count_fragment(head)
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
        if head.opcode < Opcode.CLOSE and not head.final and left < len(self._unread):
            head = self._join_fragments(head)
            left = head.size + head.length
        self._midway = True
        while True:
            piece, self._unread = self._unread[:left], self._unread[left:]
            left -= len(piece)
            # The library keeps the pieces of a message until the last one has arrived.
            received += len(piece)
            self._memory.grow_to(received)
            await self._to_library.send(_Piece(piece))
            if not left:
                break
            self._unread = await self._read_more()
        self._midway = False
        return head.opcode == Opcode.CLOSE or head.final

    def _join_fragments(self, first: FrameHead) -> FrameHead:
        """Join a fragment, which has arrived completely, with the fragments behind it that have arrived completely.

        The library needs as much time for a fragment of one byte as for one of a thousand bytes.

        Returns:
            The head of the fragment that is now at the beginning of the unread bytes.
        """
        data, last, end = self._unread, first, 0
        payloads = list[bytes]()
        while True:
            begin, end = end + last.size, end + last.size + last.length
            payloads.append(apply_mask(data[begin:end], last.mask or bytes(4)))
            if last.final or len(payloads) > _FRAGMENTS_AT_ONCE:
                break
            following = decode_head(data[end : end + MAX_HEAD_SIZE])
            if (
                following is None
                or following.opcode != Opcode.CONTINUATION
                or not following.is_lawful
                or end + following.size + following.length > len(data)
                or self._fragmented_size + following.length > self._max_message_size
            ):
                break
            self._check(following)
            self._count_fragment(following)
            last = following
        if last is first:
            return first
        payload = b"".join(payloads)
        joined = encode_client_frame(first.opcode, payload, final=last.final)
        self._unread = joined + data[end:]
        return FrameHead(last.final, 0, first.opcode, bytes(4), len(payload), len(joined) - len(payload))

    def _count_fragment(self, head: FrameHead) -> None:
        self._fragments = 0 if head.final else self._fragments + 1
        self._fragmented_size = 0 if head.final else self._fragmented_size + head.length

    async def _skip_payload(self) -> None:
        while self._skip:
            if not self._unread:
                self._unread = await self._read_more()
            skipped = min(self._skip, len(self._unread))
            self._unread = self._unread[skipped:]
            self._skip -= skipped

    async def _read_more(self) -> bytes:
        """Return the next bytes of a frame that has begun."""
        if self._let_go:
            raise trio.ClosedResourceError(_LET_GO)
        data = await self._stream.read_soon(_READ_SIZE)
        self.heard += 1
        if not data:
            raise trio.BrokenResourceError("the peer left in the middle of a message")
        return data
