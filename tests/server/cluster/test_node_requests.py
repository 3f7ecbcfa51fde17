from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import define, field

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.held_memory import HeldMemory, Receiving
from skysentry_trio.client.engine.addresses import ServerAddress
from skysentry_trio.server.cluster.node_requests import NodeRequests
from tests.raw_peer import request_head
from tests.server.cluster.memory_directory import MemoryCluster
from tests.server.cluster.nodes import until

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
PIECES = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n"
LAST = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
UNTIL_EOF = b"HTTP/1.0 200 OK\r\n\r\nhi"


@define(eq=False)
class OtherNode:
    """Answers each request with the next answer, and closes the connection where there is none."""

    answers: list[bytes]
    listener: trio.SocketListener
    cluster: MemoryCluster
    requests: NodeRequests
    memory: HeldMemory = field(factory=HeldMemory)
    """For the answers."""
    connections: int = 0
    got: list[bytes] = field(factory=list)
    ends: trio.Event = field(factory=trio.Event)
    """Set to close the connections that wait for a request."""

    @property
    def address(self) -> ServerAddress:
        return ServerAddress("127.0.0.1", self.listener.socket.getsockname()[1])

    async def serve(self, stream: trio.SocketStream) -> None:
        self.connections += 1
        async with stream, trio.open_nursery() as nursery:
            nursery.start_soon(self._cancel_at_end, nursery.cancel_scope)
            while (data := await stream.receive_some()) and (answer := self.answers.pop(0)):
                self.got.append(bytes(data))
                await stream.send_all(answer)
                if answer == UNTIL_EOF:
                    break
            nursery.cancel_scope.cancel()

    async def _cancel_at_end(self, scope: trio.CancelScope) -> None:
        await self.ends.wait()
        scope.cancel()

    async def ask(self, method: str = "GET") -> bytes:
        head = request_head("/", method=method)
        async with self.requests.begin("b", self.address, head, method=method) as exchange:
            assert (await exchange.read_head()).status_code == 200
            return await exchange.read_body(100, self.memory)


@asynccontextmanager
async def other_node(*answers: bytes) -> AsyncIterator[OtherNode]:
    cluster = MemoryCluster()
    here = cluster.join("a", "http://a.example")
    cluster.join("b", "http://b.example")
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    other = OtherNode(list(answers), listener, cluster, NodeRequests(here))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, other.serve, [listener])
        nursery.start_soon(other.requests.run)
        yield other
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("answer", [ANSWER, PIECES])
async def test_requests_share_a_connection(answer: bytes) -> None:
    """Whether an answer says how long it is or comes in chunks."""
    async with other_node(answer, answer, answer) as other:
        assert [await other.ask() for _ in range(3)] == [b"hi"] * 3
        assert other.connections == 1


@pytest.mark.parametrize("answer", [LAST, UNTIL_EOF])
async def test_a_connection_that_ends_with_its_answer_is_not_kept(answer: bytes) -> None:
    """The next request opens another one."""
    async with other_node(answer, answer) as other:
        assert [await other.ask() for _ in range(2)] == [b"hi"] * 2
        assert other.connections == 2


async def test_two_requests_at_the_same_time_have_two_connections() -> None:
    """Both are kept."""
    async with other_node(*[ANSWER] * 4) as other:
        for _ in range(2):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(other.ask)
                nursery.start_soon(other.ask)
        assert other.connections == 2


async def test_a_request_is_sent_again_if_a_kept_connection_ends() -> None:
    """The other node has taken the request and closed without an answer, as a node that stops does."""
    async with other_node(ANSWER, b"", ANSWER) as other:
        assert [await other.ask() for _ in range(2)] == [b"hi"] * 2
        assert other.connections == 2


async def test_a_request_that_changes_something_is_sent_once() -> None:
    """It may have been obeyed before the connection ended."""
    async with other_node(ANSWER, b"", ANSWER) as other:
        await other.ask()
        with pytest.raises(ProtocolViolation, match="node b does not answer: it has closed the connection"):
            await other.ask("DELETE")
        assert other.answers == [ANSWER]


async def test_a_request_is_not_sent_a_third_time() -> None:
    """A node that takes requests and answers none is named."""
    async with other_node(ANSWER, b"", b"", ANSWER) as other:
        await other.ask()
        with pytest.raises(ProtocolViolation, match="node b does not answer"):
            await other.ask()
        assert other.answers == [ANSWER]


async def test_a_connection_that_has_ended_is_not_used() -> None:
    """So that also a request that must not be sent twice gets its answer."""
    async with other_node(ANSWER, ANSWER) as other:
        await other.ask()
        other.ends.set()
        (kept,) = other.requests._idle["b"]
        await until(lambda: kept.has_news)
        other.ends = trio.Event()
        assert await other.ask("DELETE") == b"hi"


async def test_connections_of_a_node_that_has_left_are_closed() -> None:
    """Also those that have waited for a short time only."""
    async with other_node(ANSWER) as other:
        await other.ask()
        await other.requests.close_unneeded()
        (kept,) = other.requests._idle["b"]
        del other.cluster.nodes["b"]
        await other.requests.close_unneeded()
        assert not other.requests._idle["b"]
        assert kept.stream.socket.fileno() == -1  # type: ignore[attr-defined] # of a socket stream


async def test_a_connection_that_nobody_needs_is_closed() -> None:
    """Before the other node closes it."""
    async with other_node(ANSWER) as other:
        await other.ask()
        other.requests._idle["b"][0].idle_since -= 8
        await other.requests.close_unneeded()
        assert not other.requests._idle["b"]


async def test_few_connections_are_kept() -> None:
    """Others are closed after their answer."""
    async with other_node(*[ANSWER] * 30) as other:
        async with trio.open_nursery() as nursery:
            for _ in range(30):
                nursery.start_soon(other.ask)
        assert other.connections == 30
        assert len(other.requests._idle["b"]) == 16


async def test_too_many_requests_for_one_node_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client is asked to try again."""
    monkeypatch.setattr("skysentry_trio.server.cluster.node_requests._AT_ONCE", 0)
    async with other_node(ANSWER) as other:
        with pytest.raises(ProtocolViolation, match="requests wait for node b; try again later"):
            await other.ask()


async def test_an_answer_that_is_too_long_is_refused() -> None:
    """The memory that another node takes has a bound."""
    async with other_node(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + bytes(1000)) as other:
        with pytest.raises(ProtocolViolation, match="the answer has more than 100 bytes"):
            await other.ask()


async def test_an_answer_has_to_fit_into_the_memory_for_peers() -> None:
    """Without room for it, nothing of it is kept."""
    async with other_node(ANSWER) as other:
        other.memory.limit = 1
        with pytest.raises(ProtocolViolation, match="the server has no memory") as refused:
            await other.ask()
        assert (refused.value.code, other.memory.nbytes) == ("server-full", 0)


async def test_an_answer_that_takes_long_gives_way_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a message of a client does that is unfinished for a long time."""
    monkeypatch.setattr("skysentry_trio.base.held_memory._STALE_MESSAGE", 0.0)
    async with other_node(PIECES.partition(b"1\r\ni")[0]) as other, trio.open_nursery() as nursery:
        other.memory.limit = 2
        nursery.start_soon(_fill, other.memory)
        with pytest.raises(ProtocolViolation, match="no memory for the answer of node b") as refused:
            await other.ask()
        assert (refused.value.code, other.memory.receiving) == ("server-full", 2)


async def _fill(memory: HeldMemory) -> None:
    """Need all memory when an answer has begun."""
    await until(lambda: bool(memory.receiving))
    Receiving(memory, pytest.fail).grow_to(2)
