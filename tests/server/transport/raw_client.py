"""A WebSocket client made of bytes: it sends what no library would, and reads what comes with another one's parser."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Generator, Sequence
from itertools import pairwise

import trio
from attrs import define, field
from trio.testing import wait_all_tasks_blocked
from websockets.frames import Close, Frame
from websockets.streams import StreamReader

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.server.shutdown import Shutdown
from skysentry_trio.server.transport.peer_stream import PeerStream
from skysentry_trio.server.transport.websocket import Handler, WebSocketLimits, WebSocketPeer, WebSockets
from skysentry_trio.wire.framing import Opcode
from tests.raw_peer import client_frame, handshake

HANDSHAKE = handshake("/")
LIMITS = WebSocketLimits(
    max_message_size=1 << 20, handshake_timeout=5, ping_interval=20, ping_timeout=20, close_timeout=2
)
PATIENCE = 3.0
"""Seconds for a conversation that takes milliseconds, on a machine that has other things to do."""


def close_frame(code: int, reason: str = "") -> bytes:
    """Say goodbye as a client does."""
    return client_frame(Opcode.CLOSE, code.to_bytes(2, "big") + reason.encode())


@define(eq=False)
class FrameParser:
    """Finds the frames in what a server sends; raises on any that is not allowed."""

    _reader: StreamReader = field(factory=StreamReader)
    _parsing: Generator[None, None, Frame] | None = None
    unfinished: int = 0
    """Bytes at the end that are no whole frame."""

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that these bytes complete."""
        self._reader.feed_data(data)
        self.unfinished += len(data)
        frames: list[Frame] = []
        while True:
            self._parsing = self._parsing or Frame.parse(self._reader.read_exact, mask=False)
            try:
                next(self._parsing)
            except StopIteration as parsed:
                self._parsing = None
                frames.append(parsed.value)
                self.unfinished -= len(parsed.value.serialize(mask=False))
            else:
                return frames


@define(eq=False)
class RawClient:
    """The client's end of a connection whose handshake is done."""

    stream: trio.SocketStream
    shutdown: Shutdown = field(factory=Shutdown)
    """Tells the server to leave."""
    frames: list[Frame] = field(factory=list)
    """All that came so far."""
    reset: bool = False
    """Whether the connection ended with a reset instead of a FIN."""
    _parser: FrameParser = field(factory=FrameParser)
    _ended: bool = False

    async def read_handshake(self) -> bytes:
        """Return the head of the server's answer."""
        answer = b""
        while b"\r\n\r\n" not in answer:
            data = await self.stream.receive_some()
            assert data, f"expected the answer to a handshake, got {answer!r}"
            answer += data
        head, rest = answer.split(b"\r\n\r\n", 1)
        self.frames += self._parser.feed(rest)
        return head

    async def send(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def send_in_pieces(self, data: bytes, cuts: Sequence[int]) -> None:
        """Send so that the server reads the pieces between these positions one by one."""
        positions = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
        for start, end in pairwise(positions):
            await self.stream.send_all(data[start:end])
            await wait_all_tasks_blocked()

    async def read(self, max_bytes: int = 1 << 16) -> bool:
        """Read some bytes; say whether there were any."""
        try:
            data = await self.stream.receive_some(max_bytes)
        except trio.BrokenResourceError:
            self.reset, data = True, b""
        self.frames += self._parser.feed(data)
        self._ended = not data
        return bool(data)

    async def read_frame(self) -> Frame:
        """Return the next frame that was not there before."""
        count = len(self.frames)
        while len(self.frames) == count:
            assert await self.read(), "the connection ended"
        return self.frames[count]

    async def read_to_end(self) -> list[Frame]:
        """Return all frames that came until the server ended the connection."""
        while not self._ended:
            await self.read()
        return self.frames

    @property
    def unfinished(self) -> int:
        """Bytes of a frame that has not come in full."""
        return self._parser.unfinished

    @property
    def close_code(self) -> int | None:
        """What the server said goodbye with; None if it did not, or not as its last word."""
        if not self.frames or int(self.frames[-1].opcode) != Opcode.CLOSE:
            return None
        return Close.parse(self.frames[-1].data).code


async def serve_one(
    stream: PeerStream, handler: Handler, limits: WebSocketLimits, shutdown: Shutdown | None = None
) -> None:
    """Serve one connection, whose handshake was put back into the stream, as the daemon does."""
    websockets = WebSockets(limits, shutdown or Shutdown())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(websockets.run)
        await websockets.serve(stream, len(HANDSHAKE), handler)
        nursery.cancel_scope.cancel()


async def converse(
    handler: Handler,
    talk: Callable[[RawClient], Awaitable[None]],
    *,
    limits: WebSocketLimits = LIMITS,
    early: bytes = b"",
    write_timeout: float = 5.0,
    send_buffer: int | None = None,
) -> None:
    """Let a client talk to a handler, and fail when either hangs or leaves a task behind.

    Args:
        handler: the server's side.
        talk: the client's side.
        limits: of the server.
        early: bytes that came in one piece with the handshake.
        write_timeout: the server's.
        send_buffer: bytes that the kernel keeps for the server's side, when they should be few.
    """
    theirs, ours = trio.socket.socketpair()
    if send_buffer is not None:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    server, client = PeerStream(trio.SocketStream(ours), write_timeout), RawClient(trio.SocketStream(theirs))
    server.push_back(HANDSHAKE + early)

    async def serve() -> None:
        await serve_one(server, handler, limits, client.shutdown)
        assert ours.fileno() == -1, "the stream was left open"

    with trio.fail_after(PATIENCE):
        async with client.stream, trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            await client.read_handshake()
            await talk(client)
            # Whoever serves has to notice that the client left.
            await client.stream.aclose()


def collect(messages: list[str | bytes]) -> Handler:
    """Return a handler that keeps what comes, and says goodbye as endpoints do."""

    async def handler(peer: WebSocketPeer) -> None:
        try:
            while True:
                messages.append(await peer.receive())
        except ProtocolViolation as violation:
            await peer.close(violation.close_code, str(violation))

    return handler
