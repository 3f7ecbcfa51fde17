"""The fast path: frames with pictures go past the WebSocket library, everything unusual goes through the library.

trio-websocket gets a `FastPath` as its stream. Before the library can read, a `FrameReader` reads the socket and keeps
complete messages for itself. The library writes through a `FrameWriter`, which also writes frames that other code has
encoded.

This module uses only the public interface of the library.
"""

from __future__ import annotations

import trio
from attrs import define, field

from skysentry_trio.server.transport.frame_reader import FrameReader
from skysentry_trio.server.transport.frame_writer import FrameWriter, TlsFrameWriter
from skysentry_trio.server.transport.peer_stream import PeerStream


@define(eq=False)
class FastPath(trio.abc.Stream):
    """The stream of a peer as trio-websocket sees it."""

    _stream: PeerStream
    reader: FrameReader
    writer: FrameWriter
    _handshake: bytes = field(repr=False)

    @classmethod
    def along(cls, stream: PeerStream, *, head_size: int, max_message_size: int) -> FastPath:
        """Take over a stream; a request head of ``head_size`` bytes and the bytes after it were put back into it."""
        data = stream.take_back()
        reader = FrameReader(stream, max_message_size, data[head_size:])
        writer = TlsFrameWriter(stream) if stream.is_tls else FrameWriter(stream)
        return cls(stream, reader, writer, data[:head_size])

    def abort(self) -> None:
        """Close the connection immediately, and drop unsent bytes."""
        self._stream.abort()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:  # noqa: ARG002
        """Return to the library first the handshake, then the bytes that the reader does not keep for itself."""
        if self._handshake:
            await trio.lowlevel.checkpoint()
            handshake, self._handshake = self._handshake, b""
            return handshake
        return await self.reader.receive_for_library()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes that the WebSocket library has produced."""
        await self.writer.send_for_library(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the socket has room for a write."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Detach the library; the stream stays open, so that a Close frame can follow."""
        self.writer.let_go()
        self.reader.let_go()
        await trio.lowlevel.checkpoint()
