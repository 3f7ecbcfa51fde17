"""The WebSocket of a link, on this end: reads the frames of another node with few steps.

trio-websocket would take several times as long for each frame and each acknowledgement. The other end is a server of
ours, whose frames are complete and not masked; anything else ends the connection.
"""

from __future__ import annotations

import json
import math
import os
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from hashlib import sha1
from http import HTTPStatus
from typing import Final

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.nurseries import CONNECTION_LOST
from skysentry_trio.client.engine.addresses import ServerAddress
from skysentry_trio.client.engine.connection import ConnectionLost, open_stream
from skysentry_trio.server.transport.peer_stream import PeerStream
from skysentry_trio.wire.framing import MAX_HEAD_SIZE, Opcode, decode_head, encode_client_frame
from skysentry_trio.wire.response_head import END_OF_HEAD, ResponseHead, parse_response_head

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_READ_SIZE: Final = 64 * 1024
_MAX_MESSAGE: Final = 96 * 1024 * 1024
_MAX_ANSWER: Final = 64 * 1024
_SEND_TIMEOUT: Final = 10.0
"""Seconds that the other node has to take what is sent to it: these are short messages."""


@define(eq=False)
class NodeSocket:
    """An open WebSocket to another node; every method raises `ConnectionLost` when it has ended."""

    _stream: trio.abc.Stream
    _unread: bytes = field(repr=False)
    _hold: float = 0.0
    """Seconds for which `receive` keeps what `send_soon` has queued, so that several messages go in one write. While
    nothing comes, it keeps them for up to twice this time."""
    _direct: PeerStream | None = field(init=False)
    """The stream, if the socket can be read and written without Trio's layers; None with TLS."""
    _outgoing: list[bytes] = field(factory=list, init=False, repr=False)
    _is_sending: bool = field(default=False, init=False)
    _sent_at: float = field(default=-math.inf, init=False)
    """When something was last sent, in seconds of Trio's clock."""

    def __attrs_post_init__(self) -> None:
        self._direct = self._stream if isinstance(self._stream, PeerStream) else None

    async def receive(self) -> str | bytes:
        """Return the next message; while none has arrived completely, send what `send_soon` has queued."""
        while True:
            head = decode_head(self._unread[:MAX_HEAD_SIZE])
            if head is None:
                await self._read(len(self._unread) + 1)
                continue
            end = head.size + head.length
            if not head.final or head.mask is not None or head.length > _MAX_MESSAGE:
                raise ConnectionLost("the other node sent a frame that our servers do not send")
            if len(self._unread) < end:
                await self._read(end)
            payload, self._unread = self._unread[head.size : end], self._unread[end:]
            if head.opcode == Opcode.BINARY:
                return payload
            if head.opcode == Opcode.TEXT:
                return payload.decode("utf-8", "replace")
            if head.opcode == Opcode.CLOSE:
                code, reason = int.from_bytes(payload[:2], "big"), payload[2:].decode("utf-8", "replace")
                raise ConnectionLost(f"the other node closed the link ({code}: {reason})", code=code)
            if head.opcode == Opcode.PING:
                self._outgoing.append(encode_client_frame(Opcode.PONG, payload, final=True))

    async def send(self, message: str) -> None:
        """Send a text message."""
        self.send_soon(message)
        await self._flush()

    def send_soon(self, message: str) -> None:
        """Queue a text message; `receive` sends it while it waits."""
        self._outgoing.append(encode_client_frame(Opcode.TEXT, message.encode(), final=True))

    async def _read(self, count: int) -> None:
        """Read until there are this many unread bytes, and send what is queued."""
        parts, size = [self._unread], len(self._unread)
        while size < count:
            data = None
            if self._outgoing and trio.current_time() < self._sent_at + self._hold:
                # A wait that the deadline ends costs as much as several writes. It is rare: most often, the next frame
                # comes in the second half of this time.
                with trio.move_on_at(self._sent_at + 2 * self._hold):
                    data = await self._read_some()
            if data is None:
                await self._flush()
                data = await self._read_some()
            if not data:
                raise ConnectionLost("the other node ended the link")
            parts.append(data)
            size += len(data)
        self._unread = b"".join(parts)

    async def _read_some(self) -> bytes:
        """Read some bytes, b"" at the end of the stream; if this is cancelled, no byte is lost."""
        try:
            if self._direct is None:
                return bytes(await self._stream.receive_some(_READ_SIZE))
            return await self._direct.read_soon(_READ_SIZE)
        except CONNECTION_LOST as error:
            raise ConnectionLost(f"the link broke: {error}") from None

    async def _flush(self) -> None:
        # Another task that sends takes along what was queued meanwhile.
        while self._outgoing and not self._is_sending:
            data, self._outgoing = b"".join(self._outgoing), []
            self._sent_at = trio.current_time()
            if self._direct is not None:
                # Nearly always, the kernel takes all of it.
                data = data[self._direct.write_now(data) :]
                if not data:
                    continue
            self._is_sending = True
            try:
                with trio.fail_after(_SEND_TIMEOUT):
                    await self._stream.send_all(data)
            except CONNECTION_LOST as error:
                raise ConnectionLost(f"the link broke: {error}") from None
            except trio.TooSlowError:
                raise ConnectionLost(f"the other node took nothing for {_SEND_TIMEOUT:g} s") from None
            finally:
                self._is_sending = False


@asynccontextmanager
async def open_node_socket(
    address: ServerAddress, target: str, headers: Mapping[str, str], *, hold: float = 0.0
) -> AsyncIterator[NodeSocket]:
    """Open a WebSocket to another node, and close it at the end of the block; the caller sets a deadline.

    Args:
        address: of the other node.
        target: of the request.
        headers: of the request, besides those of every handshake.
        hold: seconds for which queued messages wait for others, so that one write takes several of them; up to twice
            this time while nothing comes.

    Raises:
        ConnectionLost: the other node cannot be reached, or refuses the link.
    """
    stream = await open_stream(address)
    if isinstance(stream, trio.SocketStream):
        stream = PeerStream(stream, _SEND_TIMEOUT)
    try:
        key = b64encode(os.urandom(16)).decode()
        lines = {
            "Host": address.host_header,
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key,
            **headers,
        }
        request = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items()), "", ""]
        try:
            await stream.send_all("\r\n".join(request).encode("latin-1"))
            head, rest = await _read_answer(stream)
            if head.status != HTTPStatus.SWITCHING_PROTOCOLS:
                raise ConnectionLost(f"{address} refuses the link: {await _read_reason(stream, rest, head)}")
        except CONNECTION_LOST as error:
            raise ConnectionLost(f"{address} ended the connection: {error}") from None
        expected = b64encode(sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()
        if head.headers.get("sec-websocket-accept") != expected:
            raise ConnectionLost(f"{address} did not answer as a WebSocket server does")
        # A read from a TLS stream that is cancelled may lose bytes.
        socket = NodeSocket(stream, rest, hold if isinstance(stream, PeerStream) else 0.0)
        yield socket
        with suppress(*CONNECTION_LOST), trio.move_on_after(1):
            await stream.send_all(encode_client_frame(Opcode.CLOSE, (1000).to_bytes(2, "big"), final=True))
    finally:
        await trio.aclose_forcefully(stream)


async def _read_answer(stream: trio.abc.Stream) -> tuple[ResponseHead, bytes]:
    received = b""
    while (end := END_OF_HEAD.search(received)) is None:
        data = await stream.receive_some(_READ_SIZE)
        if not data or len(received) > _MAX_ANSWER:
            raise ConnectionLost("the other node did not answer the handshake")
        received += bytes(data)
    try:
        return parse_response_head(received[: end.start()]), received[end.end() :]
    except ProtocolViolation as violation:
        raise ConnectionLost(str(violation)) from None


async def _read_reason(stream: trio.abc.Stream, body: bytes, head: ResponseHead) -> str:
    while len(body) < min(head.content_length or 0, _MAX_ANSWER):
        data = await stream.receive_some(_READ_SIZE)
        if not data:
            break
        body += bytes(data)
    try:
        return str(json.loads(body)["error"])
    except (ValueError, LookupError, TypeError):
        return f"status {head.status} {head.reason}"
