"""Requests about a camera of another node: that node answers them, and this node passes the answers on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Final

import msgspec
import trio
from attrs import define, field

from skysentry_trio.base.exceptions import ConfigurationError, ProtocolViolation
from skysentry_trio.base.logs import get_logger
from skysentry_trio.base.nurseries import CONNECTION_LOST
from skysentry_trio.client.engine.addresses import ServerAddress, parse_server_address
from skysentry_trio.client.engine.connection import ConnectionLost, open_stream
from skysentry_trio.server.cluster.asked_camera import read_asked_camera
from skysentry_trio.server.cluster.interfaces import Directory, Location
from skysentry_trio.server.cluster.node_proof import HEADER, NodeProof, narrow
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.transport.request import Request, Service, refusal_of
from skysentry_trio.wire.request_head import RequestHead
from skysentry_trio.wire.response import encode_refusal
from skysentry_trio.wire.response_head import END_OF_HEAD, MAX_HEAD_SIZE, ResponseHead, parse_response_head
from skysentry_trio.wire.rest import ClientDetails, ClientsReply

log = get_logger(__name__)

_AT_ONCE: Final = 256
"""Most requests that wait for one other node at the same time."""
_CONNECT_TIMEOUT: Final = 3.0
_SILENCE: Final = 75.0
"""Seconds without a byte of an answer; a request may wait a minute for the next frame."""
_READ_SIZE: Final = 64 * 1024
_LINGER: Final = 1.0
"""Seconds that a client has to read the end of an answer."""
_MOST_NODES: Final = 3
"""Most nodes on the way of a request."""
_LIST_TIMEOUT: Final = 1.0
"""Seconds that another node has to describe its cameras."""
_MAX_LIST: Final = 64 * 1024 * 1024
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
_lists: Final = msgspec.json.Decoder(ClientsReply)


@define(eq=False)
class NodeProxy:
    """Passes requests and answers on between clients of this node and other nodes."""

    _directory: Directory
    _hub: Hub = field(repr=False)
    _proof: NodeProof = field(repr=False)
    _note_request: Callable[[str], None] = field(repr=False)
    """Called with the camera of a request that is passed on."""
    allow_origin: Callable[[Request], Mapping[str, str]] = field(default=lambda _request: {}, init=False, repr=False)
    """Returns the headers that let pages of other origins read an answer of this node."""
    _waiting: Counter[str] = field(factory=Counter, init=False)

    def passing_on(self, service: Service) -> Service:
        """Return a service that passes on what another node has to answer, and leaves the rest to ``service``."""
        return partial(self._serve, service)

    async def _serve(self, service: Service, request: Request) -> None:
        location = None
        if request.head.method != "OPTIONS" and refusal_of(request) is None:
            location = self._find(request)
        if location is None:
            await service(request)
            return
        try:
            if request.head.method not in {"GET", "HEAD"}:
                request.require_allowed_origin("change something")
            await self._pass_on(request, *location)
        except ProtocolViolation as violation:
            with suppress(*CONNECTION_LOST):
                await request.stream.send_all(encode_refusal(violation, {"Retry-After": "1"}))
                await request.stream.linger(_LINGER)
        except CONNECTION_LOST:
            pass

    def _find(self, request: Request) -> tuple[str, Location] | None:
        """Return the camera of a request, and where it is, if that is another node."""
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
        return camera_id, location

    async def _pass_on(self, request: Request, camera_id: str, location: Location) -> None:
        """Let another node answer a request.

        Raises:
            ProtocolViolation: the other node cannot be reached, or there is no answer.
            trio.BrokenResourceError: the client has left.
        """
        node_id = location.node_id
        if node_id in request.via or len(request.via) >= _MOST_NODES:
            raise ProtocolViolation(f"camera {camera_id} is moving to another server; try again", "busy")
        if self._waiting[node_id] >= _AT_ONCE:
            raise ProtocolViolation(f"{_AT_ONCE} requests wait for node {node_id}; try again later", "busy")
        self._waiting[node_id] += 1
        self._note_request(camera_id)
        try:
            address = parse_server_address(location.node_url)
            head = self._encode_head(request, address, camera_id)
            stream = await _open(address, node_id)
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(_send_request, request, head, stream)
                    await self._return_answer(request, stream, node_id)
                    nursery.cancel_scope.cancel()
            finally:
                await trio.aclose_forcefully(stream)
        except* ProtocolViolation as group:
            raise group.exceptions[0] from None
        except* CONNECTION_LOST:
            raise trio.BrokenResourceError("the client has left") from None
        finally:
            self._waiting[node_id] -= 1

    async def _return_answer(self, request: Request, stream: trio.abc.Stream, node_id: str) -> None:
        """Return the answer of another node to the client.

        Raises:
            ProtocolViolation: there is no answer.
            trio.BrokenResourceError: the client has left, or must see that the answer is incomplete.
        """
        received = b""
        while True:
            end = END_OF_HEAD.search(received)
            if end is None:
                if len(received) > MAX_HEAD_SIZE or not (data := await _receive(stream, node_id)):
                    raise _unreachable(node_id, "the answer has no complete head")
                received += data
                continue
            head, received = received[: end.end()], received[end.end() :]
            if parse_response_head(head[:-4]).status >= HTTPStatus.OK:
                break
            await request.stream.send_all(head)
        await request.stream.send_all(_adapt_head(head, self.allow_origin(request)) + received)
        try:
            while data := await _receive(stream, node_id):
                await request.stream.send_all(data)
        except ProtocolViolation as violation:
            request.stream.abort()
            raise trio.BrokenResourceError(str(violation)) from None
        await request.stream.linger(_LINGER)

    def _encode_head(self, request: Request, address: ServerAddress, camera_id: str) -> bytes:
        head = request.head
        target = address.prefix + head.path + _without_link(head)
        proof = self._proof.header_for(
            head.method, target, principal=narrow(request.principal, camera_id), via=request.via
        )
        kept = {name: value for name, value in head.headers.items() if name not in _OF_THIS_HOP}
        headers = {"Host": address.host_header, **kept, HEADER: proof, "Connection": "close"}
        return _encode(f"{head.method} {target} HTTP/1.1", headers)

    async def describe_cameras(self) -> Mapping[str, ClientDetails]:
        """Return what other nodes say about their cameras, by id; a node that does not answer soon is left out."""
        found = dict[str, ClientDetails]()
        async with trio.open_nursery() as nursery:
            for node in self._directory.nodes().values():
                if node.node_id != self._directory.node_id:
                    nursery.start_soon(self._describe_cameras_of, node.node_id, node.url, found)
        return found

    async def _describe_cameras_of(self, node_id: str, url: str, found: dict[str, ClientDetails]) -> None:
        with trio.move_on_after(_LIST_TIMEOUT):
            try:
                address = parse_server_address(url)
                target = address.resource("/api/clients")
                headers = {"Host": address.host_header, HEADER: self._proof.header_for("GET", target)}
                stream = await _open(address, node_id)
                try:
                    await stream.send_all(_encode(f"GET {target} HTTP/1.1", headers | {"Connection": "close"}))
                    body = await _read_body(stream)
                finally:
                    await trio.aclose_forcefully(stream)
                found |= {one.camera_id: one for one in _lists.decode(body).details}
            except (ProtocolViolation, ConfigurationError, msgspec.DecodeError, *CONNECTION_LOST) as error:
                log.debug("cameras not described", node=node_id, error=str(error))


def _without_link(head: RequestHead) -> str:
    """Return the query with its ``?``, without a credential in it."""
    kept = [one for one in head.query.split("&") if one and not one.startswith("link=")]
    return "?" + "&".join(kept) if kept else ""


def _encode(first: str, headers: Mapping[str, str]) -> bytes:
    lines = (first, *(f"{name}: {value}" for name, value in headers.items()), "", "")
    return "\r\n".join(lines).encode("latin-1")


def _unreachable(node_id: str, reason: str) -> ProtocolViolation:
    return ProtocolViolation(f"node {node_id}, which has the camera, does not answer: {reason}", "node-unreachable")


async def _open(address: ServerAddress, node_id: str) -> trio.abc.Stream:
    try:
        with trio.fail_after(_CONNECT_TIMEOUT):
            return await open_stream(address)
    except trio.TooSlowError:
        raise _unreachable(node_id, f"no connection within {_CONNECT_TIMEOUT:g} s") from None
    except ConnectionLost as lost:
        raise _unreachable(node_id, str(lost)) from None


async def _send_request(request: Request, head: bytes, stream: trio.abc.Stream) -> None:
    """Send a request and its body, as the client sends it."""
    source = request.stream
    data = source.take_back()[request.head.size :]
    try:
        await stream.send_all(head + data)
        while data := await source.receive_some(_READ_SIZE):
            await stream.send_all(data)
    except CONNECTION_LOST:
        # The other node may have answered before it has read everything. If the client has left, writing fails too.
        return
    if isinstance(stream, trio.abc.HalfCloseableStream):
        with suppress(*CONNECTION_LOST):
            await stream.send_eof()


async def _receive(stream: trio.abc.Stream, node_id: str) -> bytes:
    with trio.move_on_after(_SILENCE):
        try:
            return bytes(await stream.receive_some(_READ_SIZE))
        except CONNECTION_LOST as error:
            raise _unreachable(node_id, f"the connection broke: {error}") from None
    raise _unreachable(node_id, f"no answer within {_SILENCE:g} s")


def _adapt_head(head: bytes, headers: Mapping[str, str]) -> bytes:
    """Return the head of an answer with these headers; they replace what the other node says about origins."""
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    kept = [line for line in lines if not line.lower().startswith(("access-control-", "connection:"))]
    further = (f"{name}: {value}" for name, value in headers.items())
    return "\r\n".join([first, *kept, *further, "Connection: close", "", ""]).encode("latin-1")


async def _read_body(stream: trio.abc.Stream) -> bytes:
    """Return the body of an answer with status 200.

    Raises:
        ProtocolViolation: it is another answer, or a very long one.
    """
    received = b""
    async for data in stream:
        received += data
        if len(received) > _MAX_LIST:
            raise ProtocolViolation(f"expected an answer of at most {_MAX_LIST} bytes")
    if (end := END_OF_HEAD.search(received)) is None:
        raise ProtocolViolation("the answer has no complete head")
    head: ResponseHead = parse_response_head(received[: end.start()])
    if head.status != HTTPStatus.OK or head.is_chunked:
        raise ProtocolViolation(f"expected status 200, got {head.status}")
    return received[end.end() :]
