"""One peer's byte stream: bytes already read can be put back, and no write waits for ever."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import trio
from attrs import define, field

CHUNK = 64 * 1024
"""Bytes that a peer must take within the write timeout."""


@define(eq=False)
class PeerStream(trio.abc.HalfCloseableStream):
    """A TCP connection to a peer that we do not trust to read.

    Trio's `trio.SocketStream` sets ``TCP_NOTSENT_LOWAT`` to 16 KiB, and we count on it: what the peer has not taken yet
    waits in its outbox, where a newer frame can replace it, and not in the kernel, where nothing can. That is why a
    slow viewer sees what happened half a second ago and not ten.
    """

    _stream: trio.SocketStream
    _write_timeout: float
    """Seconds in which 64 KiB must go out."""
    descriptor: int = field(init=False)
    """Of the socket, -1 when this side closed; asked for once, as that takes two function calls."""
    _pushed_back: bytes = field(default=b"", init=False, repr=False)
    _unfinished: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.descriptor = self._stream.socket.fileno()

    @property
    def socket(self) -> trio.socket.SocketType:
        """The socket, for whoever asks it for addresses."""
        return self._stream.socket

    def push_back(self, data: bytes) -> None:
        """Let ``data`` be what is received next."""
        self._pushed_back = data + self._pushed_back

    def take_back(self) -> bytes:
        """Return what was put back, and forget it."""
        data, self._pushed_back = self._pushed_back, b""
        return data

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Receive some bytes, b"" at the end of the stream."""
        if self._pushed_back:
            await trio.lowlevel.checkpoint()
            end = len(self._pushed_back) if max_bytes is None else max_bytes
            data, self._pushed_back = self._pushed_back[:end], self._pushed_back[end:]
            return data
        return await self._stream.receive_some(max_bytes)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send everything, however long that takes, as long as it goes on.

        Raises:
            trio.BrokenResourceError: the peer is gone, took less than 64 KiB within the timeout (the connection is
                aborted then), or an earlier call was cancelled: the peer would take what comes now for the rest of it.
        """
        if self._unfinished:
            raise trio.BrokenResourceError("an earlier message was cut off in the middle")
        self._unfinished = True
        view = memoryview(data)
        for start in range(0, len(view), CHUNK):
            with self.patience():
                await self._stream.send_all(view[start : start + CHUNK])
        self._unfinished = False

    @contextmanager
    def patience(self) -> Iterator[None]:
        """Bound the time in which 64 KiB are written.

        Raises:
            trio.BrokenResourceError: it has passed; the connection is aborted.
        """
        try:
            with trio.fail_after(self._write_timeout):
                yield
        except trio.TooSlowError:
            self.abort()
            raise trio.BrokenResourceError(f"the peer stopped reading for {self._write_timeout:g} s") from None

    async def read_soon(self, max_bytes: int) -> bytes:
        """Wait until there is something to read, and read it with one system call, past Trio's stream layers.

        Returns:
            Some bytes, b"" at the end of the stream.

        Raises:
            trio.BrokenResourceError: the connection is lost.
            trio.ClosedResourceError: `wake_reader` was called, or this side closed.
        """
        while True:
            await trio.lowlevel.wait_readable(self._open_descriptor())
            try:
                return os.read(self._open_descriptor(), max_bytes)
            except BlockingIOError:
                continue
            except OSError as error:
                raise trio.BrokenResourceError(str(error)) from error

    async def read_soon_into(self, buffer: memoryview) -> int:
        """Do as `read_soon`, into a buffer; return how much of it was filled, 0 at the end of the stream."""
        while True:
            await trio.lowlevel.wait_readable(self._open_descriptor())
            try:
                return os.readv(self._open_descriptor(), [buffer])
            except BlockingIOError:
                continue
            except OSError as error:
                raise trio.BrokenResourceError(str(error)) from error

    def wake_reader(self) -> None:
        """Let whoever waits in `read_soon` fail with `trio.ClosedResourceError`."""
        if self.descriptor != -1:
            trio.lowlevel.notify_closing(self.descriptor)

    def write_now(self, data: bytes | memoryview) -> int:
        """Write as much as the kernel takes at once; return how much, 0 also if the connection is dead."""
        if self._unfinished:
            return 0
        try:
            return os.write(self.descriptor, data)
        except OSError:
            # Full, lost, or closed; whoever writes next with patience, or reads, finds out which.
            return 0

    async def write_soon(self, data: memoryview) -> int:
        """Write some of it as soon as there is room; return how much. When this is cancelled, it is nothing.

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
                raise trio.BrokenResourceError(str(error)) from error

    def _open_descriptor(self) -> int:
        if self.descriptor == -1:
            raise trio.ClosedResourceError("this side closed the connection")
        return self.descriptor

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until there is room for a write."""
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """Tell the peer that nothing more will come."""
        await self._stream.send_eof()

    async def linger(self, seconds: float) -> None:
        """Say that nothing more will come, wait for the peer to say the same, and close.

        Closing while the peer still sends makes the kernel reset the connection, and the peer lose what we said last.

        Args:
            seconds: at most; what the peer sends meanwhile is thrown away.
        """
        try:
            with trio.move_on_after(seconds) as scope:
                scope.shield = True
                await self._stream.send_eof()
                while await self._stream.receive_some(CHUNK):
                    pass
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            self.abort()

    def abort(self) -> None:
        """Close at once; what was not sent yet is thrown away. Whoever waits on the stream is woken."""
        if self.descriptor != -1:
            self.descriptor = -1
            # SO_LINGER of 0 s frees the kernel's buffers now instead of after minutes of retransmission.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.socket.close()

    async def aclose(self) -> None:
        """Close; the kernel goes on sending what it has."""
        self.descriptor = -1
        await self._stream.aclose()
