"""The byte stream of one peer: bytes can be put back, and every write has a deadline."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import ClassVar

import trio
from attrs import define, field

from skysentry_trio.base.held_memory import HeldMemory, Receiving, Sending
from skysentry_trio.base.nurseries import CONNECTION_LOST
from skysentry_trio.server.transport.turnstile import Turnstile

CHUNK = 64 * 1024
"""Bytes that a peer must take within the write timeout."""
_MAX_AHEAD = 64 * 1024
"""Maximum number of bytes that a peer may send while its request is being served."""


@define(eq=False)
class PeerStream(trio.abc.HalfCloseableStream):
    """A TCP connection to a peer that may stop reading.

    `trio.SocketStream` sets ``TCP_NOTSENT_LOWAT`` to 16 KiB, and we rely on this. So unsent frames wait in the outbox,
    where a newer frame can replace them, and not in the kernel, where no frame can be replaced. Therefore a slow viewer
    sees a picture that is half a second old, and not a picture that is ten seconds old.
    """

    is_tls: ClassVar[bool] = False
    """Whether the connection is encrypted up to this server."""
    _stream: trio.SocketStream
    _write_timeout: float
    """Seconds within which the peer must take each 64 KiB."""
    _memory: HeldMemory = field(factory=HeldMemory, repr=False)
    """Counts the bytes that are held for all peers."""
    _turnstile: Turnstile = field(factory=Turnstile, repr=False)
    """Spreads the work that follows when many peers hang up at once; all streams of a server share it."""
    descriptor: int = field(init=False)
    """File descriptor of the socket, stored to save two function calls for each use; -1 after this side closed it."""
    _pushed_back: bytes = field(default=b"", init=False, repr=False)
    overrun: bool = field(default=False, init=False)
    """Whether bytes were dropped because the peer has sent too many ahead; then no further request can be read."""
    stays_open: bool = field(default=False, init=False)
    """Whether the request was answered in full, and the peer may send another one. Services set this."""
    _unfinished: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.descriptor = self._stream.socket.fileno()

    @property
    def socket(self) -> trio.socket.SocketType:
        """The socket, for its addresses."""
        return self._stream.socket

    def sending(self, data: bytes | bytearray | memoryview) -> Sending:
        """Return a context in which ``data`` counts as held for the peer; if memory is short, this may abort."""
        return Sending(self._memory, data, self.abort)

    def receiving(self) -> Receiving:
        """Return a counter for the bytes of an unfinished message; if memory is short, this stream may be aborted."""
        return Receiving(self._memory, self.abort)

    def push_back(self, data: bytes) -> None:
        """Put ``data`` in front of the bytes to be received."""
        self._pushed_back = data + self._pushed_back

    def take_back(self) -> bytes:
        """Return the bytes that were put back, and remove them from the stream."""
        data, self._pushed_back = self._pushed_back, b""
        return data

    async def wait_for_turn(self) -> None:
        """Wait until few other connections of the server end in the same pass of the event loop."""
        await self._turnstile.pass_through()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Receive some bytes, b"" at the end of the stream, which is reported in turn."""
        if self._pushed_back:
            await trio.lowlevel.checkpoint()
            end = len(self._pushed_back) if max_bytes is None else max_bytes
            data, self._pushed_back = self._pushed_back[:end], self._pushed_back[end:]
            return data
        try:
            data = await self._stream.receive_some(max_bytes)
        except trio.BrokenResourceError:
            await self.wait_for_turn()
            raise
        if not data:
            await self.wait_for_turn()
        return data

    async def read_ahead(self) -> None:
        """Read until the peer closes its sending direction, and put back what it sends ahead of its next turn.

        Raises:
            trio.BrokenResourceError: the connection is lost.
            trio.ClosedResourceError: this side closed.
        """
        ahead = bytearray()
        try:
            while data := await self.receive_some(CHUNK):
                self.overrun = self.overrun or len(ahead) + len(data) > _MAX_AHEAD
                if not self.overrun:
                    ahead += data
        finally:
            self.push_back(bytes(ahead))

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all bytes; the whole call may take long, but the peer must take each 64 KiB in time.

        Raises:
            trio.BrokenResourceError: the peer is gone. Or it took less than 64 KiB within the timeout; the connection
                is then aborted. Or an earlier call was cut off, and the peer would read ``data`` as the rest of that
                call's bytes.
        """
        if self._unfinished:
            raise trio.BrokenResourceError("an earlier message was cut off in the middle")
        self._unfinished = True
        view = memoryview(data)
        with self.sending(data):
            for start in range(0, len(view), CHUNK):
                with self.write_deadline():
                    await self._send_chunk(view[start : start + CHUNK])
        self._unfinished = False

    async def _send_chunk(self, data: memoryview) -> None:
        await self._stream.send_all(data)

    @contextmanager
    def write_deadline(self) -> Iterator[None]:
        """Bound the time for a write of up to 64 KiB.

        Raises:
            trio.BrokenResourceError: the write took too long; the connection is aborted.
        """
        try:
            with trio.fail_after(self._write_timeout):
                yield
        except trio.TooSlowError:
            self.abort()
            raise trio.BrokenResourceError(f"the peer took less than 64 KiB in {self._write_timeout:g} s") from None

    async def read_soon(self, max_bytes: int) -> bytes:
        """Wait for bytes and read them with one system call, without Trio's stream layers.

        Returns:
            Some bytes, b"" at the end of the stream, which is reported in turn.

        Raises:
            trio.BrokenResourceError: the connection is lost.
            trio.ClosedResourceError: `wake_reader` was called, or this side closed.
        """
        while True:
            if self.descriptor == -1:
                raise _closed()
            try:
                await trio.lowlevel.wait_readable(self.descriptor)
            except trio.ClosedResourceError:
                # If a network fails, the heartbeat aborts the connections of many peers.
                await self.wait_for_turn()
                raise
            try:
                data = os.read(self.descriptor, max_bytes)
            except BlockingIOError:
                continue
            except OSError as error:
                if self.descriptor == -1:
                    raise _closed() from None
                await self.wait_for_turn()
                raise trio.BrokenResourceError(str(error)) from error
            if not data:
                await self.wait_for_turn()
            return data

    async def read_soon_into(self, buffer: memoryview) -> int:
        """Read as `read_soon` does, into a buffer; return the number of bytes read, 0 at the end of the stream."""
        while True:
            await trio.lowlevel.wait_readable(self._open_descriptor())
            try:
                count = os.readv(self._open_descriptor(), [buffer])
            except BlockingIOError:
                continue
            except OSError as error:
                await self.wait_for_turn()
                raise trio.BrokenResourceError(str(error)) from error
            if not count:
                await self.wait_for_turn()
            return count

    def wake_reader(self) -> None:
        """Make the task that waits in `read_soon` fail with `trio.ClosedResourceError`."""
        if self.descriptor != -1:
            trio.lowlevel.notify_closing(self.descriptor)

    def write_now(self, data: bytes | memoryview) -> int:
        """Write the bytes that the kernel takes now; return their number, which is 0 also for a dead connection."""
        if self._unfinished:
            return 0
        try:
            return os.write(self.descriptor, data)
        except OSError:
            # The buffer is full, or the connection is lost or closed; the next blocking write or read finds out which.
            return 0

    async def write_soon(self, data: memoryview) -> int:
        """Write some bytes as soon as there is room; return their number. If cancelled, no byte was written.

        Raises:
            trio.BrokenResourceError: the connection is lost.
            trio.ClosedResourceError: this side closed, or `wake_reader` was called.
        """
        while True:
            try:
                return os.write(self._open_descriptor(), data)
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._open_descriptor())
            except OSError as error:
                await self.wait_for_turn()
                raise trio.BrokenResourceError(str(error)) from error

    def _open_descriptor(self) -> int:
        if self.descriptor == -1:
            raise _closed()
        return self.descriptor

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the socket has room for a write."""
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """Close the sending direction."""
        await self._stream.send_eof()

    async def linger(self, seconds: float) -> None:
        """Close our sending direction, wait until the peer closes its own, then close the connection.

        If we closed the connection while the peer is still sending, the kernel would reset it and drop our last bytes.

        Args:
            seconds: to wait at most; bytes that arrive meanwhile are dropped.
        """
        try:
            with trio.move_on_after(seconds) as scope:
                scope.shield = True
                await self.send_eof()
                await self.drain()
        except CONNECTION_LOST:
            pass
        finally:
            self.abort()

    async def close_gently(self, seconds: float) -> None:
        """Close as `linger` does, but let the kernel send all bytes that it has, however slow the peer is."""
        with suppress(*CONNECTION_LOST), trio.move_on_after(seconds):
            await self.send_eof()
            await self.drain()
        await self.aclose()

    async def drain(self) -> None:
        """Read and drop bytes until the peer closes its sending direction.

        Raises:
            trio.BrokenResourceError: the connection is lost.
            trio.ClosedResourceError: this side closed.
        """
        while await self._stream.receive_some(CHUNK):
            pass

    def abort(self) -> None:
        """Close immediately, drop unsent bytes, and wake the tasks that wait on the stream."""
        if self.descriptor != -1:
            self.descriptor = -1
            # SO_LINGER of 0 s frees the kernel's buffers now instead of after minutes of retransmission.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.socket.close()

    async def aclose(self) -> None:
        """Close the connection; the kernel still sends the bytes that it has."""
        self.descriptor = -1
        await self._stream.aclose()


def _closed() -> trio.ClosedResourceError:
    return trio.ClosedResourceError("this side closed the connection")
