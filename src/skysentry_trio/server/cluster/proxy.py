"""Requests about a camera of another node: that node answers them, and this node passes the answers on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Final

import h11
import trio
from attrs import define, field, frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.nurseries import CONNECTION_LOST, single_error
from skysentry_trio.base.principal import Action, Principal
from skysentry_trio.client.engine.addresses import ServerAddress
from skysentry_trio.server.cluster.asked_camera import (
    asks_for_recordings,
    read_asked_camera,
    read_asked_node,
    waits_for_frames,
)
from skysentry_trio.server.cluster.interfaces import Directory
from skysentry_trio.server.cluster.node_proof import HEADER, NodeProof, narrow
from skysentry_trio.server.cluster.node_requests import NodeExchange, NodeRequests, address_of, encode_head
from skysentry_trio.server.cluster.recorders import Recorders
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.transport.request import Request, Service, refusal_of
from skysentry_trio.wire.request_head import RequestHead
from skysentry_trio.wire.response import encode_refusal

_READ_SIZE: Final = 64 * 1024
_LINGER: Final = 1.0
"""Seconds that a client has to read the end of an answer."""
_PAUSE_AFTER_EOF: Final = 0.5
"""Seconds without a write after which a client that has closed its sending direction counts as gone."""
_MOST_NODES: Final = 3
"""Most nodes on the way of a request."""
_OF_THIS_HOP: Final = frozenset(
    {
        "authorization",
        "connection",
        "cookie",
        "forwarded",
        "host",
        "keep-alive",
        "origin",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "upgrade",
        HEADER.lower(),
    }
)
"""Headers that are meant for this node only: the other node gets the result of what they say."""


@frozen
class _Owner:
    """The node that has to answer a request."""

    node_id: str
    url: str
    principal: Principal
    """Who asks, with the rights that matter there."""
    what: str
    """What the node has, for people."""


@define(eq=False)
class NodeProxy:
    """Passes requests and answers on between clients of this node and other nodes."""

    _directory: Directory
    _hub: Hub = field(repr=False)
    _proof: NodeProof = field(repr=False)
    _note_request: Callable[[str], None] = field(repr=False)
    """Called with the camera of a request that is passed on."""
    _requests: NodeRequests = field(repr=False)
    recorders: Recorders = field(repr=False)
    """Knows which node has recorded a camera."""
    allow_origin: Callable[[Request], Mapping[str, str]] = field(default=lambda _request: {}, init=False, repr=False)
    """Returns the headers that let pages of other origins read an answer of this node."""

    def passing_on(self, service: Service) -> Service:
        """Return a service that passes on what another node has to answer, and leaves the rest to ``service``."""
        return partial(self._serve, service)

    async def _serve(self, service: Service, request: Request) -> None:
        owner = None
        if request.head.method != "OPTIONS" and refusal_of(request) is None:
            owner = self._find(request) or await self._find_recorder(request)
        if owner is None:
            await service(request)
            return
        try:
            if request.head.method not in {"GET", "HEAD"}:
                request.require_allowed_origin("change something")
            await self._pass_on(request, owner)
        except ProtocolViolation as violation:
            with suppress(*CONNECTION_LOST):
                refusal = encode_refusal(violation, {"Retry-After": "1"}, method=request.head.method)
                await request.stream.send_all(refusal)
                await request.stream.linger(_LINGER)
        except CONNECTION_LOST:
            pass

    def _find(self, request: Request) -> _Owner | None:
        """Return the node that has to answer a request, if that is another node."""
        node = self._directory.nodes().get(read_asked_node(request.head) or "")
        if node is not None and node.node_id != self._directory.node_id:
            return _Owner(node.node_id, node.url, request.principal.limited_to(Action.HISTORY), "this")
        asked = read_asked_camera(request.head)
        if asked is None:
            return None
        camera_id = asked.camera_id
        if camera_id is None:
            seen = [camera.id for camera in self._hub.cameras if request.principal.may_see(camera.id)]
            if len(seen) != 1:
                return None
            camera_id = seen[0]
        # Otherwise a node that does not answer would show that it has a camera, and which one.
        if not request.principal.rights.name(camera_id):
            return None
        location = self._directory.locate(camera_id)
        if location is None or location.node_id == self._directory.node_id:
            return None
        self._note_request(camera_id)
        principal = narrow(request.principal, camera_id)
        return _Owner(location.node_id, location.node_url, principal, f"camera {camera_id}")

    async def _find_recorder(self, request: Request) -> _Owner | None:
        """Return the node that has recorded the camera of a request, if no node knows the camera any more."""
        asked = read_asked_camera(request.head) if asks_for_recordings(request.head) and not request.via else None
        camera_id = None if asked is None else asked.camera_id
        if camera_id is None or self._directory.locate(camera_id) is not None:
            return None
        if not request.principal.rights.name(camera_id):
            return None
        node = self._directory.nodes().get(await self.recorders.find(camera_id) or "")
        if node is None:
            return None
        return _Owner(node.node_id, node.url, narrow(request.principal, camera_id), f"camera {camera_id}")

    async def _pass_on(self, request: Request, owner: _Owner) -> None:
        """Let another node answer a request.

        Raises:
            ProtocolViolation: the other node cannot be reached, or there is no answer.
            trio.BrokenResourceError: the client has left, or must see that the answer is incomplete.
            trio.ClosedResourceError: the client has left.
        """
        if owner.node_id in request.via or len(request.via) >= _MOST_NODES:
            raise ProtocolViolation(f"{owner.what} is moving to another server; try again", "busy")
        address = address_of(owner.node_id, owner.url)
        head, has_body = self._encode_head(request, address, owner), request.head.has_body
        client = _Client(request)
        if has_body:
            head += request.stream.take_back()[request.head.size :]
        else:
            request.stream.push_back(request.stream.take_back()[request.head.size :])
        with single_error():
            async with trio.open_nursery() as nursery:
                if not has_body:
                    nursery.start_soon(client.raise_when_gone)
                async with self._requests.begin(
                    owner.node_id,
                    address,
                    head,
                    method=request.head.method,
                    has_body=has_body,
                    waits=waits_for_frames(request.head),
                ) as exchange:
                    if has_body:
                        nursery.start_soon(_send_body, request, exchange.stream)
                    await self._return_answer(client, exchange)
                nursery.cancel_scope.cancel()
        await client.end()

    async def _return_answer(self, client: _Client, exchange: NodeExchange) -> None:
        """Return the answer of another node to the client.

        Raises:
            ProtocolViolation: there is no answer.
            trio.BrokenResourceError: the client has left, or must see that the answer is incomplete.
        """
        await client.begin(await exchange.read_head(client.send_interim), self.allow_origin(client.request))
        try:
            while data := await exchange.read_some():
                await client.send_part(data)
        except ProtocolViolation as violation:
            client.request.stream.abort()
            raise trio.BrokenResourceError(str(violation)) from None
        await client.send_part(b"")

    def _encode_head(self, request: Request, address: ServerAddress, owner: _Owner) -> bytes:
        head = request.head
        target = address.prefix + head.path + _without_link(head)
        proof = self._proof.header_for(owner.node_id, head.method, target, principal=owner.principal, via=request.via)
        kept = {name: value for name, value in head.headers.items() if name not in _OF_THIS_HOP}
        headers = {"Host": address.host_header, **kept, HEADER: proof}
        if head.has_body:
            headers["Connection"] = "close"
        return encode_head(f"{head.method} {target} HTTP/1.1", headers.items())


@define(eq=False)
class _Client:
    """The client of a request that another node answers."""

    request: Request
    _is_chunked: bool = field(default=False, init=False)
    _stays_open: bool = field(default=False, init=False)
    _writes: int = field(default=0, init=False)
    """Number of writes that have begun or ended; odd while a write waits for the client."""

    async def raise_when_gone(self) -> None:
        """Read ahead, and raise an error when the client has left.

        A client that has closed its sending direction has left, unless it takes what is written soon after.

        Raises:
            trio.BrokenResourceError: the client has left.
            trio.ClosedResourceError: the client has left.
        """
        await self.request.stream.read_ahead()
        writes = -1
        while writes != self._writes or writes % 2:
            writes = self._writes
            await trio.sleep(_PAUSE_AFTER_EOF)
        raise trio.BrokenResourceError("the client has left")

    async def send_interim(self, answer: h11.InformationalResponse) -> None:
        """Send the head of an answer that comes before the answer."""
        await self._send(_encode_answer(answer, ()))

    async def begin(self, answer: h11.Response, further: Mapping[str, str]) -> None:
        """Send the head of an answer.

        Args:
            answer: of the other node.
            further: headers that replace what the other node says about origins.
        """
        head = self.request.head
        headers = {name.lower(): value for name, value in answer.headers}
        has_end = b"content-length" in headers or answer.status_code in {204, 304} or head.method == "HEAD"
        is_chunked = b"transfer-encoding" in headers
        # Clients of HTTP/1.0 know no chunks: the answer ends with the connection.
        self._is_chunked = is_chunked and head.version == "1.1" and head.method != "HEAD"
        self._stays_open = not head.has_body and (has_end or self._is_chunked) and self.request.may_stay_open()
        lines = list(further.items())
        if is_chunked and head.version == "1.1":
            lines.append(("Transfer-Encoding", "chunked"))
        if not self._stays_open:
            lines.append(("Connection", "close"))
        await self._send(_encode_answer(answer, lines))

    async def send_part(self, data: bytes) -> None:
        """Send a part of the body; b"" ends it."""
        if self._is_chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        if data:
            await self._send(data)

    async def end(self) -> None:
        """Leave the connection open for the next request, or close it."""
        if self._stays_open:
            self.request.stream.stays_open = True
        else:
            await self.request.stream.close_gently(_LINGER)

    async def _send(self, data: bytes) -> None:
        self._writes += 1
        try:
            await self.request.stream.send_all(data)
        finally:
            self._writes += 1


def _encode_answer(answer: h11.Response | h11.InformationalResponse, further: Iterable[tuple[str, str]]) -> bytes:
    """Return the head of an answer, with further headers in place of those that are about this hop."""
    kept = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in answer.headers.raw_items()
        if not name.lower().startswith((b"access-control-", b"connection", b"transfer-encoding"))
    ]
    return encode_head(f"HTTP/1.1 {answer.status_code} {answer.reason.decode('latin-1')}", [*kept, *further])


def _without_link(head: RequestHead) -> str:
    """Return the query with its ``?``, without a credential in it."""
    kept = [one for one in head.query.split("&") if one and not one.startswith("link=")]
    return "?" + "&".join(kept) if kept else ""


async def _send_body(request: Request, stream: trio.abc.Stream) -> None:
    """Send the body of a request, as the client sends it."""
    try:
        while data := await request.stream.receive_some(_READ_SIZE):
            await stream.send_all(data)
    except CONNECTION_LOST:
        # The other node may have answered before it has read everything. If the client has left, writing fails too.
        return
    if isinstance(stream, trio.abc.HalfCloseableStream):
        with suppress(*CONNECTION_LOST):
            await stream.send_eof()
