"""Clients that say exactly what a test tells them to, however wrong, and report exactly what came back."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal, Self

import h11
import trio
from attrs import define, field, frozen

from tests.jpegs import draw_jpeg

PATIENCE = 10.0
"""Seconds for what should take none; machines that run tests are slow at times."""

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
_ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The sample handshake of RFC 6455 section 1.3."""

Ending = Literal["eof", "reset"]


@frozen
class Answer:
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@frozen
class Frame:
    """A WebSocket frame as it came."""

    opcode: int
    payload: bytes
    final: bool = True

    @property
    def close_code(self) -> int:
        assert self.opcode == CLOSE, f"expected a Close frame, got {self}"
        return int.from_bytes(self.payload[:2], "big")


def client_frame(
    opcode: int,
    payload: bytes = b"",
    *,
    final: bool = True,
    reserved: int = 0,
    mask: bytes | None = b"\x12\x34\x56\x78",
    length: int | None = None,
    length_bytes: int | None = None,
) -> bytes:
    """Write a client's frame, right or wrong.

    Args:
        opcode: any four bits.
        payload: what is masked and sent.
        final: the FIN bit.
        reserved: the three reserved bits.
        mask: None leaves it out, which clients must not.
        length: what the head says, if that is not the payload's length.
        length_bytes: 0, 2 or 8 of extended length; as few as possible if not given.
    """
    length = len(payload) if length is None else length
    if length_bytes is None:
        length_bytes = 0 if length < 126 else 2 if length < 1 << 16 else 8
    short = {0: length, 2: 126, 8: 127}[length_bytes]
    head = bytes((final << 7 | reserved << 4 | opcode, (mask is not None) << 7 | short))
    if length_bytes:
        head += length.to_bytes(length_bytes, "big")
    if mask is None:
        return head + payload
    key = int.from_bytes((mask * (len(payload) // 4 + 1))[: len(payload)], "big")
    return head + mask + (int.from_bytes(payload, "big") ^ key).to_bytes(len(payload), "big")


def request_head(target: str, *headers: str, method: str = "GET", version: str = "1.1") -> bytes:
    """Write the head of a request; a ``Host`` goes with it, as HTTP/1.1 wants one."""
    lines = (f"{method} {target} HTTP/{version}", "Host: sky.localhost", *headers)
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1")


def handshake(target: str, *headers: str) -> bytes:
    """Write a WebSocket handshake."""
    return request_head(
        target,
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {_KEY}",
        *headers,
    )


def register(camera_id: str) -> bytes:
    """Write what a camera says first, as a frame."""
    return client_frame(TEXT, json.dumps({"type": "client-registration", "clientId": camera_id}).encode())


def picture(size: int | None = None, shade: int = 0) -> bytes:
    """Return a small JPEG, or one of exactly ``size`` bytes: what is too much is a comment in it."""
    jpeg = draw_jpeg(shade, (16, 16))
    missing = 0 if size is None else size - len(jpeg)
    segments = b""
    while missing:
        # A segment has at most 65535 bytes and its marker two; the last must not be smaller than its own head.
        length = missing if missing <= 65537 else min(65537, missing - 4)
        segments += b"\xff\xfe" + (length - 2).to_bytes(2, "big") + bytes(length - 4)
        missing -= length
    return jpeg[:2] + segments + jpeg[2:]


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that nobody announces."""
    with trio.fail_after(PATIENCE):
        while not condition():  # noqa: ASYNC110  (there is no event to wait for)
            await trio.sleep(0.005)


@define(eq=False)
class RawPeer:
    """One TCP connection to the server."""

    stream: trio.SocketStream
    _buffer: bytes = field(default=b"", init=False)
    _sending: trio.Lock = field(factory=trio.Lock, init=False)

    @property
    def transport(self) -> trio.SocketStream:
        """The TCP connection, which is below TLS if there is TLS."""
        below: trio.SocketStream = getattr(self.stream, "transport_stream", self.stream)
        return below

    async def send(self, *data: bytes) -> None:
        """Send these bytes."""
        async with self._sending:
            with trio.fail_after(PATIENCE):
                await self.stream.send_all(b"".join(data))

    async def try_to_send(self, *data: bytes) -> None:
        """Send these bytes as far as the server takes them."""
        with suppress(trio.BrokenResourceError):
            await self.send(*data)

    async def receive_rest(self) -> tuple[bytes, Ending]:
        """Return all that comes, and how it ended."""
        data, self._buffer = bytearray(self._buffer), b""
        with trio.fail_after(PATIENCE):
            try:
                while more := await self.stream.receive_some():
                    data += more
            except trio.BrokenResourceError:
                return bytes(data), "reset"
        return bytes(data), "eof"

    async def ending(self) -> Ending:
        """Wait for the end, whatever comes before it."""
        return (await self.receive_rest())[1]

    async def answer(self, method: str = "GET") -> Answer:
        """Receive one response, which h11 must find right."""
        parser = h11.Connection(h11.CLIENT)
        # h11 understands 101 only as the answer to a request for it.
        asked = [("Host", "sky.localhost"), ("Connection", "Upgrade"), ("Upgrade", "websocket")]
        parser.send(h11.Request(method=method, target="/", headers=asked))
        parser.send(h11.EndOfMessage())
        response: h11.Response | None = None
        body = b""
        with trio.fail_after(PATIENCE):
            while True:
                event = parser.next_event()
                if event is h11.NEED_DATA:
                    parser.receive_data(self._buffer or await self.stream.receive_some())
                    self._buffer = b""
                elif isinstance(event, h11.Response):
                    response = event
                elif isinstance(event, h11.Data):
                    body += event.data
                elif isinstance(event, h11.EndOfMessage):
                    break
                elif isinstance(event, h11.InformationalResponse) and event.status_code == 101:
                    self._buffer = parser.trailing_data[0]
                    return Answer(101, _headers(event.headers), b"")
        assert response is not None
        self._buffer = parser.trailing_data[0]
        return Answer(response.status_code, _headers(response.headers), body)

    async def frame(self) -> Frame:
        """Receive one WebSocket frame."""
        first, second = await self._take(2)
        assert not second & 0x80, "servers do not mask"
        length = second & 0x7F
        if length > 125:
            length = int.from_bytes(await self._take(2 if length == 126 else 8), "big")
        assert not first & 0x70, "no extension was agreed on"
        return Frame(first & 0x0F, await self._take(length), final=bool(first & 0x80))

    async def message(self) -> dict[str, Any]:
        """Receive a text message with JSON in it; other frames are passed over."""
        while (frame := await self.frame()).opcode != TEXT:
            assert frame.opcode != CLOSE, f"expected a text message, got {frame}"
        parsed = json.loads(frame.payload)
        assert isinstance(parsed, dict)
        return parsed

    async def picture(self) -> tuple[int, bytes]:
        """Receive the next envelope; return its sequence and its JPEG."""
        while (frame := await self.frame()).opcode != BINARY:
            assert frame.opcode != CLOSE, f"expected a picture, got {frame}"
        length = int.from_bytes(frame.payload[:2], "big")
        sequence = json.loads(frame.payload[2 : 2 + length])["sequence"]
        return sequence, frame.payload[2 + length :]

    async def close_frame(self) -> Frame:
        """Wait for the server's Close frame; other frames are passed over."""
        while (frame := await self.frame()).opcode != CLOSE:
            pass
        return frame

    async def goodbye(self) -> tuple[int, Ending]:
        """Wait for the server's Close frame, do not answer it, and say how the connection ended after it."""
        code = (await self.close_frame()).close_code
        return code, await self.ending()

    async def _take(self, count: int) -> bytes:
        with trio.fail_after(PATIENCE):
            received = bytearray(self._buffer)
            while len(received) < count:
                more = await self.stream.receive_some()
                if not more:
                    raise EOFError(f"the server closed without a Close frame; {len(received)} bytes came before")
                received += more
        self._buffer = bytes(received[count:])
        return bytes(received[:count])


@frozen
class Address:
    """Where a server is."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    """What the client trusts; None for a connection without TLS."""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Take it out of ``http://HOST:PORT``, ``https://HOST:PORT`` or ``HOST:PORT``."""
        host, _, port = url.removeprefix("http://").removeprefix("https://").rpartition(":")
        return cls(host.strip("[]"), int(port))

    @asynccontextmanager
    async def connection(self, *, receive_buffer: int | None = None) -> AsyncIterator[RawPeer]:
        """Connect, and close in the end.

        Args:
            receive_buffer: bytes that the kernel takes for us while we do not read; its own choice for None.
        """
        family = trio.socket.AF_INET6 if ":" in self.host else trio.socket.AF_INET
        connection = trio.socket.socket(family)
        if receive_buffer is not None:
            connection.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_RCVBUF, receive_buffer)
        async with trio.SocketStream(connection) as stream:
            with trio.fail_after(PATIENCE):
                await connection.connect((self.host, self.port))
            if self.tls is None:
                yield RawPeer(stream)
                return
            encrypted = trio.SSLStream(stream, self.tls, server_hostname=self.host, https_compatible=True)
            with trio.fail_after(PATIENCE):
                await encrypted.do_handshake()
            yield RawPeer(encrypted)  # type: ignore[arg-type] # for tests that need no socket

    async def ask(self, target: str, *headers: str, method: str = "GET") -> Answer:
        """Make one HTTP request; its connection has ended properly when this returns."""
        async with self.connection() as peer:
            await peer.send(request_head(target, "Connection: close", *headers, method=method))
            answer = await peer.answer(method)
            assert await peer.receive_rest() == (b"", "eof")
            return answer

    async def health(self) -> dict[str, Any]:
        """Ask how the server is."""
        parsed = (await self.ask("/api/health")).json
        assert isinstance(parsed, dict)
        return parsed

    async def wait_until_alone(self) -> dict[str, Any]:
        """Wait until nobody else is connected, and return the server's health."""
        return await self.wait_until_healthy(lambda health: health["connections"] == 1)

    async def wait_until_healthy(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until the server's health fulfils a condition, and return it."""
        with trio.fail_after(PATIENCE):
            while not condition(health := await self.health()):  # noqa: ASYNC110  (it is the server that has to say so)
                await trio.sleep(0.02)
        return health

    @asynccontextmanager
    async def websocket(self, target: str, *headers: str) -> AsyncIterator[RawPeer]:
        """Open a WebSocket."""
        async with self.connection() as peer:
            await peer.send(handshake(target, *headers))
            answer = await peer.answer()
            assert answer.status == 101, answer
            assert answer.headers["sec-websocket-accept"] == _ACCEPT
            yield peer

    @asynccontextmanager
    async def camera(self, camera_id: str) -> AsyncIterator[RawPeer]:
        """Register a camera."""
        async with self.websocket("/ws") as peer:
            await peer.send(register(camera_id))
            assert (await peer.message())["type"] == "registration-success"
            yield peer

    @asynccontextmanager
    async def viewer(self, query: str = "") -> AsyncIterator[RawPeer]:
        """Open a viewer that was told which cameras there are."""
        async with self.websocket(f"/stream/ws{query}") as peer:
            assert (await peer.message())["type"] == "clients"
            yield peer


def _headers(raw: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode(): value.decode("latin-1") for name, value in raw}
