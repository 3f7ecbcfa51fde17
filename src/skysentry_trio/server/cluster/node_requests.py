"""HTTP requests to other nodes: connections stay open for the next request, so that most requests need no new one."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final

import h11
import trio
from attrs import define, field

from skysentry_trio.base.exceptions import ConfigurationError, ProtocolViolation
from skysentry_trio.base.held_memory import HeldMemory, Receiving
from skysentry_trio.base.nurseries import CONNECTION_LOST
from skysentry_trio.client.engine.addresses import ServerAddress, parse_server_address
from skysentry_trio.client.engine.connection import ConnectionLost, open_stream
from skysentry_trio.server.cluster.interfaces import Directory
from skysentry_trio.wire.response_head import MAX_HEAD_SIZE

_CONNECT_TIMEOUT: Final = 3.0
_SEND_TIMEOUT: Final = 10.0
"""Seconds that another node has to take the head of a request."""
_SILENCE: Final = 75.0
"""Seconds without a byte of an answer; a request may wait a minute for the next frame."""
_READ_SIZE: Final = 64 * 1024
_AT_ONCE: Final = 256
"""Most requests to one other node at the same time, without those that wait for frames."""
_WAITING_AT_ONCE: Final = 4096
"""Most requests to one other node at the same time that wait for frames."""
_MOST_IDLE: Final = 16
"""Most connections to one node that wait for their next request."""
_LONGEST_IDLE: Final = 8.0
"""Seconds for which a connection waits; the other node closes it after 15 seconds."""
_LOOK: Final = 2.0
"""Seconds between two looks for connections that have waited too long."""
_REPEATABLE: Final = frozenset({"GET", "HEAD"})
"""Methods that change nothing, so that a request may be sent again."""


@define(eq=False)
class _Connection:
    """A connection to another node."""

    stream: trio.abc.Stream
    parser: h11.Connection = field(factory=lambda: h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_SIZE))
    idle_since: float = 0.0

    @property
    def has_news(self) -> bool:
        """Whether the other node has closed the connection, or has sent something that nobody has asked for."""
        transport = self.stream.transport_stream if isinstance(self.stream, trio.SSLStream) else self.stream
        return isinstance(transport, trio.SocketStream) and transport.socket.is_readable()

    def prepare(self) -> bool:
        """Prepare for the next request; return False if the connection cannot carry one."""
        try:
            self.parser.start_next_cycle()
        except h11.LocalProtocolError:
            return False
        return not self.parser.trailing_data[0]


PassOn = Callable[[h11.InformationalResponse], Awaitable[None]]


class _NoAnswer(ProtocolViolation):
    """A connection has ended before an answer began."""


@define(eq=False)
class NodeExchange:
    """A request to another node, and the answer as it comes."""

    node_id: str
    _connection: _Connection = field(repr=False)

    @property
    def stream(self) -> trio.abc.Stream:
        """Takes the body of the request."""
        return self._connection.stream

    async def read_head(self, pass_on: PassOn | None = None) -> h11.Response:
        """Return the head of the answer.

        Args:
            pass_on: called with the head of an answer such as ``100 Continue``, which comes before the answer.

        Raises:
            ProtocolViolation: with code ``node-unreachable``; there is no answer.
        """
        while not isinstance(event := await self._next_event(), h11.Response):
            if isinstance(event, h11.InformationalResponse) and pass_on is not None:
                await pass_on(event)
        return event

    async def read_some(self) -> bytes:
        """Return the next bytes of the body; b"" at its end.

        Raises:
            ProtocolViolation: with code ``node-unreachable``; the body is incomplete.
        """
        while isinstance(event := await self._next_event(), h11.Data):
            if event.data:
                return bytes(event.data)
        return b""

    async def read_body(self, most: int, memory: HeldMemory) -> bytes:
        """Return the body.

        Args:
            most: bytes of the body.
            memory: the budget, in which the body counts until it is complete.

        Raises:
            ProtocolViolation: with code ``node-unreachable``, the body is incomplete, or has more than ``most`` bytes;
                or with code ``server-full``.
        """
        parts, size = list[bytes](), 0
        with trio.CancelScope() as scope:
            held = Receiving(memory, scope.cancel)
            try:
                while data := await self.read_some():
                    size += len(data)
                    if size > most:
                        raise unreachable(self.node_id, f"the answer has more than {most} bytes")
                    held.grow_to(size)
                    parts.append(data)
                return b"".join(parts)
            finally:
                held.release()
        raise ProtocolViolation(f"no memory for the answer of node {self.node_id}; try again later", "server-full")

    async def _next_event(self) -> h11.Event:
        while True:
            try:
                event = self._connection.parser.next_event()
            except h11.RemoteProtocolError as error:
                raise unreachable(self.node_id, f"the answer cannot be read: {error}") from None
            if isinstance(event, h11.Event):
                return event
            await self.receive()

    async def receive(self) -> None:
        """Receive more of the answer.

        Raises:
            ProtocolViolation: with code ``node-unreachable``.
        """
        parser = self._connection.parser
        with trio.move_on_after(_SILENCE):
            try:
                data, reason = bytes(await self.stream.receive_some(_READ_SIZE)), "it has closed the connection"
            except CONNECTION_LOST as error:
                data, reason = b"", f"the connection broke: {error}"
            if not data and parser.their_state is h11.SEND_RESPONSE and not parser.trailing_data[0]:
                raise _NoAnswer(str(unreachable(self.node_id, reason)), "node-unreachable")
            parser.receive_data(data)
            return
        raise unreachable(self.node_id, f"no answer within {_SILENCE:g} s")


@define(eq=False)
class NodeRequests:
    """Sends requests to other nodes, a bounded number at the same time."""

    _directory: Directory
    _open: Counter[tuple[str, bool]] = field(factory=Counter, init=False)
    """Requests that are not answered in full yet, by node and by whether they wait for frames."""
    _idle: dict[str, deque[_Connection]] = field(factory=dict, init=False, repr=False)
    """Connections that wait for their next request, by node; the last one has waited for the shortest time."""

    @asynccontextmanager
    async def begin(
        self,
        node_id: str,
        address: ServerAddress,
        head: bytes,
        *,
        method: str,
        has_body: bool = False,
        waits: bool = False,
    ) -> AsyncIterator[NodeExchange]:
        """Send a request; at the end of the block, keep the connection if the whole answer was read.

        A connection that was kept may have ended just now. A request that changes nothing is then sent again, once.

        Args:
            node_id: id of the node.
            address: of the node.
            head: the head of the request, and what else is sent before the other node can answer.
            method: of the request.
            has_body: whether the caller sends a body to `NodeExchange.stream`. Such a request has a connection of its
                own; otherwise the answer has begun when the block begins.
            waits: whether the answer waits for frames, so that the request may last for minutes.

        Raises:
            ProtocolViolation: with code ``node-unreachable``, or ``busy`` if there are too many requests to the node.
        """
        kind, most = (node_id, waits), _WAITING_AT_ONCE if waits else _AT_ONCE
        if self._open[kind] >= most:
            raise ProtocolViolation(f"{most} requests wait for node {node_id}; try again later", "busy")
        self._open[kind] += 1
        try:
            connection = await self._send(node_id, address, head, method, has_body=has_body)
            try:
                yield NodeExchange(node_id, connection)
            except BaseException:
                await trio.aclose_forcefully(connection.stream)
                raise
            await self._keep(node_id, connection)
        finally:
            self._open[kind] -= 1

    def count(self, node_id: str) -> int:
        """Return how many requests to a node are not answered in full yet."""
        return self._open[node_id, False] + self._open[node_id, True]

    async def run(self) -> None:
        """Close connections that are not needed any more, for ever."""
        try:
            while True:
                await trio.sleep(_LOOK)
                await self.close_unneeded()
        finally:
            with trio.CancelScope(shield=True):
                for idle in self._idle.values():
                    for connection in idle:
                        await trio.aclose_forcefully(connection.stream)
            self._idle.clear()

    async def close_unneeded(self) -> None:
        """Close the connections that have waited too long, and those of nodes that have left the cluster."""
        before, nodes = trio.current_time() - _LONGEST_IDLE, self._directory.nodes()
        for node_id, idle in list(self._idle.items()):
            while idle and (node_id not in nodes or idle[0].idle_since <= before):
                await trio.aclose_forcefully(idle.popleft().stream)

    async def _send(
        self, node_id: str, address: ServerAddress, head: bytes, method: str, *, has_body: bool
    ) -> _Connection:
        kept = None if has_body else await self._take(node_id)
        if kept is not None:
            try:
                await _start(node_id, kept, head, method)
            except _NoAnswer:
                if method not in _REPEATABLE:
                    raise
            else:
                return kept
        fresh = _Connection(await _open(address, node_id))
        await _start(node_id, fresh, head, method, has_body=has_body)
        return fresh

    async def _take(self, node_id: str) -> _Connection | None:
        idle = self._idle.get(node_id, ())
        while idle:
            connection = idle.pop()
            if not connection.has_news:
                return connection
            await trio.aclose_forcefully(connection.stream)
        return None

    async def _keep(self, node_id: str, connection: _Connection) -> None:
        idle = self._idle.setdefault(node_id, deque())
        if connection.prepare() and len(idle) < _MOST_IDLE:
            connection.idle_since = trio.current_time()
            idle.append(connection)
        else:
            await trio.aclose_forcefully(connection.stream)


async def _start(node_id: str, connection: _Connection, head: bytes, method: str, *, has_body: bool = False) -> None:
    """Send a request; if it has no body, wait for the answer to begin. If this fails, close the connection.

    Raises:
        ProtocolViolation: with code ``node-unreachable``.
    """
    # The parser sees only what it needs to find the end of the answer.
    ending = [("Host", "node"), *([("Connection", "close")] if has_body else [])]
    connection.parser.send(h11.Request(method=method, target="/", headers=ending))
    connection.parser.send(h11.EndOfMessage())
    try:
        try:
            with trio.fail_after(_SEND_TIMEOUT):
                await connection.stream.send_all(head)
        except CONNECTION_LOST as error:
            raise _NoAnswer(str(unreachable(node_id, f"the connection broke: {error}")), "node-unreachable") from None
        except trio.TooSlowError:
            raise unreachable(node_id, f"it took nothing for {_SEND_TIMEOUT:g} s") from None
        if not has_body:
            await NodeExchange(node_id, connection).receive()
    except BaseException:
        await trio.aclose_forcefully(connection.stream)
        raise


async def _open(address: ServerAddress, node_id: str) -> trio.abc.Stream:
    try:
        with trio.fail_after(_CONNECT_TIMEOUT):
            return await open_stream(address)
    except trio.TooSlowError:
        raise unreachable(node_id, f"no connection within {_CONNECT_TIMEOUT:g} s") from None
    except ConnectionLost as lost:
        raise unreachable(node_id, str(lost)) from None


def address_of(node_id: str, url: str) -> ServerAddress:
    """Return the address of another node, as that node has published it.

    Raises:
        ProtocolViolation: with code ``node-unreachable``; the address is invalid.
    """
    try:
        return parse_server_address(url)
    except ConfigurationError as error:
        raise unreachable(node_id, str(error)) from None


def unreachable(node_id: str, reason: str) -> ProtocolViolation:
    """Return the error that says which node does not answer, and why."""
    return ProtocolViolation(f"node {node_id} does not answer: {reason}", "node-unreachable")


def encode_head(first: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """Encode the head of a request or of an answer.

    Args:
        first: the first line.
        headers: names and values; a name may be repeated.
    """
    lines = (first, *(f"{name}: {value}" for name, value in headers), "", "")
    return "\r\n".join(lines).encode("latin-1")
