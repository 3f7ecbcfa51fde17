"""A connection in memory over which HTTP is spoken byte by byte: what a test does at the other end of it."""

from __future__ import annotations

import json
import math
from typing import Any

import h11
import trio
from attrs import define, field

from skysentry_trio.server.http.exchange import Exchange
from skysentry_trio.server.transport.request import Request
from skysentry_trio.wire.multipart import OPENING
from skysentry_trio.wire.multipart_reader import MultipartReader, Part
from skysentry_trio.wire.origins import is_origin_allowed
from skysentry_trio.wire.query import decode_query
from skysentry_trio.wire.request_head import RequestHead, RequestHeadReader
from tests.raw_peer import request_head

WRITE_TIMEOUT = 10.0


@define(eq=False)
class BareStream:
    """What an endpoint has instead of a connection."""

    room: float = math.inf
    """Bytes that can be written before the test has to read."""
    lingered: bool = field(default=False, init=False)
    """Whether the endpoint said goodbye."""
    stays_open: bool = field(default=False, init=False)
    written: bytearray = field(factory=bytearray, init=False)
    pieces: list[bytes | memoryview] = field(factory=list, init=False)
    """What was to be written at once, as it was given."""
    _pushed_back: bytes = field(default=b"", init=False)
    _said: trio.MemorySendChannel[bytes | None] = field(init=False)
    _incoming: trio.MemoryReceiveChannel[bytes | None] = field(init=False)
    _more_room: trio.Event = field(factory=trio.Event, init=False)
    _lost: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._said, self._incoming = trio.open_memory_channel[bytes | None](math.inf)

    # The endpoint's side

    def push_back(self, data: bytes) -> None:
        self._pushed_back = data + self._pushed_back

    def take_back(self) -> bytes:
        data, self._pushed_back = self._pushed_back, b""
        return data

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if self._pushed_back:
            await trio.lowlevel.checkpoint()
            return self.take_back()
        try:
            data = await self._incoming.receive()
        except trio.EndOfChannel:
            return b""
        if data is None:
            raise trio.BrokenResourceError("lost")
        return data

    def write_now(self, data: bytes | memoryview) -> int:
        if self._lost:
            return 0
        count = int(min(self.room, len(data)))
        self.written += data[:count]
        self.room -= count
        self.pieces.append(data)
        return count

    async def send_all(self, data: bytes | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        view = memoryview(data)
        while view := view[self.write_now(view) :]:
            if self._lost:
                raise trio.BrokenResourceError("lost")
            self._more_room = trio.Event()
            with trio.move_on_after(WRITE_TIMEOUT) as patience:
                await self._more_room.wait()
            if patience.cancelled_caught:
                raise trio.BrokenResourceError("stuck")

    async def read_ahead(self) -> None:
        ahead = b""
        try:
            while data := await self.receive_some():
                ahead += data
        finally:
            self.push_back(ahead)

    async def linger(self, seconds: float) -> None:
        await trio.lowlevel.checkpoint()
        self.lingered = True

    close_gently = linger

    # The test's side

    def make_room(self, count: float = math.inf) -> None:
        """Read so many bytes."""
        self.room += count
        self._more_room.set()

    def say(self, data: bytes) -> None:
        self._said.send_nowait(data)

    def leave(self) -> None:
        """Say that nothing more will come."""
        self._said.close()

    def lose(self) -> None:
        """Let reads and writes fail."""
        self._lost = True
        self._said.send_nowait(None)
        self._more_room.set()

    # What was written

    @property
    def head(self) -> tuple[int, dict[str, str]]:
        """Status and headers of the last response."""
        status, headers, _ = self._parse()
        return status, headers

    @property
    def json(self) -> Any:
        return json.loads(self._parse()[2])

    @property
    def body(self) -> bytes:
        return self._parse()[2]

    @property
    def parts(self) -> list[Part]:
        """Of a multipart body, those that are whole."""
        body = self.body
        assert body.startswith(OPENING)
        reader, parts = MultipartReader(10_000_000), list[Part]()
        reader.feed(body)
        while (part := reader.next_part()) is not None:
            parts.append(part)
        return parts

    @property
    def jpegs(self) -> list[bytes]:
        return [part.data for part in self.parts]

    def answer(self, method: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of the response to a request with this method."""
        return self._parse(method)

    def _parse(self, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        parser = h11.Connection(h11.CLIENT)
        parser.send(h11.Request(method=method, target="/", headers=[("Host", "sky.localhost")]))
        parser.send(h11.EndOfMessage())
        parser.receive_data(bytes(self.written))
        response, body = None, b""
        while (event := parser.next_event()) is not h11.NEED_DATA:
            if isinstance(event, h11.Response):
                response = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
        assert response is not None
        return response.status_code, {name.decode(): value.decode() for name, value in response.headers}, body


def ask(
    stream: BareStream,
    target: str,
    *headers: str,
    method: str = "GET",
    body: bytes = b"",
    origins: frozenset[str] = frozenset(),
) -> Exchange:
    """Make a request, as a router hands it on."""
    request = request_head(target, *headers, method=method)
    head = RequestHeadReader().feed(request)
    assert isinstance(head, RequestHead)
    stream.push_back(request + body)
    allowed = is_origin_allowed(head.headers.get("origin"), head.headers.get("host", ""), origins)
    judged = Request(stream, head, is_from_allowed_origin=allowed)  # type: ignore[arg-type] # a stream in memory
    return Exchange(judged, decode_query(head.query), origins)
