from __future__ import annotations

import errno
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from attrs import define, field

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.server.transport import idle_connections
from skysentry_trio.server.transport.listener import Router, RouterLimits
from skysentry_trio.server.transport.peer_stream import PeerStream
from skysentry_trio.server.transport.request import Request, Service
from skysentry_trio.wire.request_head import MAX_HEAD_SIZE, RequestHead
from tests.raw_peer import PATIENCE, Address, RawPeer, handshake, request_head, until


@define(eq=False)
class Services:
    """Two services that say who they are, and do worse when asked to."""

    served: list[str] = field(factory=list)

    async def websocket(self, request: Request) -> None:
        stream, head = request.stream, request.head
        self.served.append(f"websocket {head.path}")
        # What was read of the connection is there to be read again.
        assert await stream.receive_some(7) == b"GET /ws"
        await stream.send_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        await stream.linger(PATIENCE)

    async def http(self, request: Request) -> None:
        stream, head = request.stream, request.head
        self.served.append(f"http {head.path}")
        if head.path == "/crash":
            raise RuntimeError("the handler crashed")
        if head.path == "/crash-at-the-end":
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.sleep_forever)
                try:
                    await trio.sleep_forever()
                finally:
                    raise RuntimeError("the handler crashed while it was cancelled")
        if head.path == "/stay":
            await stream.receive_some(MAX_HEAD_SIZE)
            await stream.receive_some()
        if head.path == "/keep":
            stream.push_back(stream.take_back()[head.size :])
            stays_open = request.may_stay_open()
            last = "" if stays_open else "Connection: close\r\n"
            await stream.send_all(f"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{last}\r\n".encode())
            stream.stays_open = stays_open
            if stays_open:
                return
            await stream.linger(PATIENCE)
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await stream.linger(PATIENCE)

    async def streaming(self, request: Request) -> None:
        stream, head = request.stream, request.head
        self.served.append(f"streaming {head.path}")
        assert await stream.receive_some(4) == head.method.encode()
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await stream.linger(PATIENCE)

    def find_direct(self, head: RequestHead) -> Service | None:
        if "refuse" in head.query:
            raise ProtocolViolation("expected another query", "bad-request")
        return self.streaming if head.path.endswith(".mjpeg") else None


@define(eq=False)
class Running:
    """A router, its services, and where it listens."""

    router: Router
    services: Services
    address: Address
    scope: trio.CancelScope

    async def status(self, *requests: bytes) -> int:
        """Send something and return the status of the answer, which must come in full."""
        async with self.address.connection() as peer:
            await peer.send(*requests)
            answer = await peer.answer()
            assert await peer.receive_rest() == (b"", "eof")
            if answer.status >= 400:
                assert answer.json["success"] is False
                assert answer.json["error"]
                assert answer.headers["connection"] == "close"
            return answer.status

    async def wait_until_open(self, count: int) -> None:
        await until(lambda: self.router.log.open == count)


@asynccontextmanager
async def running_router(
    *, max_connections: int = 100, handshake_timeout: float = PATIENCE, origins: frozenset[str] = frozenset()
) -> AsyncIterator[Running]:
    services = Services()
    limits = RouterLimits(max_connections, handshake_timeout, write_timeout=PATIENCE)
    router = Router({"/ws": services.websocket}, services.http, limits, origins, services.find_direct)
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    address = Address(*listener.socket.getsockname())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(router.accept_from, listener, nursery)
        yield Running(router, services, address, nursery.cancel_scope)
        nursery.cancel_scope.cancel()
    assert router.log.open == 0
    assert listener.socket.fileno() == -1


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with running_router() as running:
        yield running


async def test_who_serves_is_decided_by_the_request(running: Running) -> None:
    """One port: handshakes go to the service of their path, everything else to HTTP."""
    async with running.address.connection() as peer:
        await peer.send(handshake("/ws?client=a"))
        assert (await peer.answer()).status == 101
    assert await running.status(request_head("/wss")) == 200
    assert await running.status(request_head("/ws/", method="POST")) == 200
    assert running.services.served == ["websocket /ws", "http /wss", "http /ws/"]
    assert running.router.log.accepted == 3
    assert running.router.log.ended_by == {}


async def test_what_has_no_end_is_served_on_the_bare_stream(running: Running) -> None:
    """Some requests pass Hypercorn by, whatever their method; the bytes that were read are there to be read again."""
    assert await running.status(request_head("/a/stream.mjpeg", method="POST")) == 200
    assert await running.status(request_head("/a/stream", method="POST")) == 200
    assert running.services.served == ["streaming /a/stream.mjpeg", "http /a/stream"]


async def test_the_choice_can_refuse(running: Running) -> None:
    """What is wrong with an address is said like everything else that is."""
    assert await running.status(request_head("/a/stream.mjpeg?refuse")) == 400
    assert running.services.served == []


@pytest.mark.parametrize("size", [1, 7, 16])
async def test_a_head_may_come_in_any_pieces(running: Running, size: int) -> None:
    """How the network cuts a request up changes nothing."""
    request = handshake("/ws")
    async with running.address.connection() as peer:
        for start in range(0, len(request), size):
            await peer.send(request[start : start + size])
            await trio.lowlevel.checkpoint()
        assert (await peer.answer()).status == 101


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(handshake("/nowhere"), 404, id="handshake at another path"),
        pytest.param(handshake("/ws/"), 404, id="handshake at a path with a slash too many"),
        pytest.param(request_head("/ws"), 426, id="no handshake at a path for WebSockets"),
        pytest.param(request_head("/ws", "Upgrade: websocket"), 426, id="no handshake but half of one"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, id="HTTP/2 without asking"),
        pytest.param(
            request_head("/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
            400,
            id="upgrade to HTTP/2",
        ),
        pytest.param(request_head("/", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"), 400, id="half an upgrade to it"),
        pytest.param(
            request_head("/", "Content-Length: 3", "Transfer-Encoding: chunked"), 400, id="two lengths of a body"
        ),
        pytest.param(request_head("/", f"X: {'x' * MAX_HEAD_SIZE}"), 431, id="a head that is too large"),
        pytest.param(b"GET /" + b"a" * MAX_HEAD_SIZE, 431, id="a request line without end"),
        pytest.param(handshake("/ws", "Sec-WebSocket-Protocol: \xff"), 400, id="a subprotocol that is not ASCII"),
        pytest.param(handshake("/ws", "Sec-WebSocket-Extensions: \xff"), 400, id="an extension that is not ASCII"),
        pytest.param(handshake("/ws", "Connection: \xff"), 400, id="a second Connection that is not ASCII"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, id="no Host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, id="two hosts"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a..b\r\n\r\n", 400, id="a Host with an empty label"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: " + b"a" * 64 + b".b\r\n\r\n", 400, id="a Host with a long label"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: [\xff\r\n\r\n", 400, id="a Host that is no name"),
        pytest.param(request_head("/", "no colon"), 400, id="a header that is none"),
        pytest.param(request_head("?a=b"), 400, id="no path"),
        pytest.param(request_head("http://[/"), 400, id="an address where a path should be"),
        pytest.param(request_head("*", method="OPTIONS"), 400, id="a star where a path should be"),
        pytest.param(request_head("sky.localhost:80", method="CONNECT"), 400, id="a tunnel"),
        pytest.param(bytes(range(256)) * 100, 400, id="garbage"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), 400, id="TLS"),
        pytest.param(b"\r\n\r\n", 400, id="nothing but empty lines"),
    ],
)
async def test_what_cannot_be_served_is_refused(running: Running, request_bytes: bytes, status: int) -> None:
    """The client gets a whole answer with a reason in it, nobody else hears of it, and it is counted."""
    assert await running.status(request_bytes) == status
    assert running.services.served == []
    assert running.router.log.ended_by.total() == 1
    assert "crash" not in running.router.log.ended_by
    assert await running.status(request_head("/")) == 200


@pytest.mark.parametrize(
    "host", ["", "localhost", "sky.localhost.", "my_host-1:8080", "192.0.2.1:80", "[::1]", "[fe80::1%25eth0]:8080"]
)
async def test_every_kind_of_host_is_served(running: Running, host: str) -> None:
    """Names, addresses, with and without a port."""
    assert await running.status(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()) == 200


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://sky.localhost.evil.example",
        "http://sky.localhost:8080",
        "http://evilsky.localhost",
        "http://sky.localhost@evil.example",
        "ftp://sky.localhost",
        "http://[",
        "",
    ],
)
async def test_pages_of_others_may_not_open_websockets(running: Running, origin: str) -> None:
    """Browsers name the page that asks; one that is not ours, or only looks like it, gets 403."""
    assert await running.status(handshake("/ws", f"Origin: {origin}")) == 403
    assert running.router.log.ended_by == {"origin-refused": 1}


async def test_a_refused_origin_is_logged_with_what_was_compared(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """The operator sees what to allow, and no password or token that a program put into it."""
    await running.status(handshake("/ws", "Origin: https://user:secret@evil.example/a?token=secret"))

    assert "'origin': 'https://evil.example/a', 'host': 'sky.localhost'" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("headers", [(), ("Origin: http://sky.localhost",), ("Origin: https://sky.localhost",)])
async def test_our_pages_and_programs_may(running: Running, headers: tuple[str, ...]) -> None:
    """A page from this very address is let in, and so is what is no browser and names none."""
    assert await running.status(handshake("/ws", *headers)) == 101


async def test_the_operator_can_allow_pages_of_others() -> None:
    """An origin in the settings is let in, another is not."""
    async with running_router(origins=frozenset({"https://friend.example"})) as running:
        assert await running.status(handshake("/ws", "Origin: https://friend.example")) == 101
        assert await running.status(handshake("/ws", "Origin: https://friend.example.org")) == 403


async def test_any_page_can_be_allowed() -> None:
    """A star in the settings lets everybody in, sandboxed pages too."""
    async with running_router(origins=frozenset({"*"})) as running:
        assert await running.status(handshake("/ws", "Origin: null")) == 101


async def test_who_says_nothing_is_cut() -> None:
    """A connection without a request holds its descriptor no longer than the handshake timeout."""
    async with running_router(handshake_timeout=0.2) as running, running.address.connection() as peer:
        with trio.fail_after(5):
            assert await peer.ending() == "reset"
        assert running.router.log.ended_by == {"request-timeout": 1}


async def test_who_sends_a_head_slowly_is_cut() -> None:
    """The timeout is for the whole head: a byte now and then does not prolong it."""
    async with running_router(handshake_timeout=0.3) as running, running.address.connection() as peer:
        started = trio.current_time()

        async def send_slowly() -> None:
            for byte in request_head("/", "X: " + 1000 * "x"):
                await peer.stream.send_all(bytes((byte,)))
                await trio.sleep(0.02)

        with pytest.raises(trio.BrokenResourceError):
            await send_slowly()
        assert 0.2 < trio.current_time() - started < 3
        assert running.router.log.ended_by == {"request-timeout": 1}


async def test_who_leaves_without_a_request_is_counted(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    """Half a request is worth a line in the log."""
    async with running.address.connection() as peer:
        await peer.send(b"GET / HT")
        await peer.stream.send_eof()
        assert await peer.ending() in {"eof", "reset"}
    assert running.router.log.ended_by == {"left-before-request": 1}
    (record,) = caplog.records
    assert record.levelno == logging.WARNING


@pytest.mark.parametrize("leave", ["close", "reset"])
async def test_a_probe_that_says_nothing_is_counted_and_not_logged(
    running: Running, caplog: pytest.LogCaptureFixture, leave: str
) -> None:
    """Load balancers look every second whether somebody answers; some close then, some reset."""
    caplog.set_level(logging.INFO)
    async with running.address.connection() as peer:
        await running.wait_until_open(1)
        if leave == "reset":
            reset(peer)
        else:
            await peer.stream.send_eof()
            assert await peer.ending() in {"eof", "reset"}
        await running.wait_until_open(0)
    assert running.router.log.ended_by == {"no-request": 1}
    assert caplog.records == []


async def test_who_vanishes_without_a_request_is_counted(running: Running) -> None:
    """A reset in the middle of a head ends that connection and nothing else."""
    async with running.address.connection() as peer:
        await peer.send(b"GET / HT")
        await running.wait_until_open(1)
        reset(peer)
        await running.wait_until_open(0)
    assert running.router.log.ended_by == {"lost-before-request": 1}
    assert await running.status(request_head("/")) == 200


async def test_who_is_gone_before_we_look_is_counted(running: Running) -> None:
    """The kernel hands out connections whose other end was reset long ago; they have no address any more."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener, Address(*listener.socket.getsockname()).connection() as peer:
        stream = await listener.accept()
        reset(peer)
        await trio.lowlevel.wait_readable(stream.socket)
        await running.router.serve(stream)
    assert running.router.log.ended_by == {"no-request": 1}


async def test_a_bad_handshake_followed_by_a_reset_is_refused_like_any_other(running: Running) -> None:
    """Who does not wait for the reason is spared it."""
    for _ in range(20):
        async with running.address.connection() as peer:
            await peer.send(handshake("/nowhere"))
            reset(peer)
    await until(lambda: running.router.log.ended_by.total() == 20)
    await running.wait_until_open(0)
    assert "crash" not in running.router.log.ended_by


async def test_a_refused_client_that_does_not_read_is_not_waited_for_long(running: Running) -> None:
    """The reason is offered for a second, to a client that goes on sending, too."""
    async with running.address.connection() as peer, trio.open_nursery() as nursery:

        async def send_for_ever() -> None:
            while True:
                await peer.try_to_send(bytes(100_000))
                await trio.sleep(0.01)

        nursery.start_soon(send_for_ever)
        await running.wait_until_open(1)
        with trio.fail_after(8):
            await running.wait_until_open(0)
        nursery.cancel_scope.cancel()


async def test_a_crash_ends_one_connection(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    """It is counted and logged with its traceback, once a second at most, and others are served on."""
    async with running.address.connection() as other:
        await other.send(request_head("/stay"))
        await running.wait_until_open(1)
        for _ in range(5):
            async with running.address.connection() as peer:
                await peer.send(request_head("/crash"))
                assert await peer.receive_rest() == (b"", "reset")
        await other.send(b"go on")
        assert (await other.answer()).status == 200
    assert running.router.log.ended_by == {"crash": 5}
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "the handler crashed" in str(errors[0].exc_info)


async def test_a_crash_while_everything_is_cancelled_stays_where_it_is() -> None:
    """Libraries raise other things when they are cancelled; the end of the server is no crash of it."""
    async with running_router() as running, running.address.connection() as peer:
        await peer.send(request_head("/crash-at-the-end"))
        await running.wait_until_open(1)
        await until(lambda: running.services.served)
        running.scope.cancel()
    assert running.router.log.ended_by == {"crash": 1}


async def test_no_more_connections_than_allowed_are_served() -> None:
    """One too many is closed at once and counted; when somebody leaves there is room again."""
    async with running_router(max_connections=2) as running:
        async with running.address.connection(), running.address.connection():
            await running.wait_until_open(2)
            async with running.address.connection() as third:
                assert await third.ending() in {"eof", "reset"}
            assert running.router.log.ended_by == {"too-many-connections": 1}
        await running.wait_until_open(0)
        assert await running.status(request_head("/")) == 200


async def test_websockets_are_refused_in_the_drain(running: Running) -> None:
    """Requests are still answered then, so that a load balancer gets to know."""
    running.router.shutdown.request()
    assert await running.status(handshake("/ws")) == 503
    assert await running.status(request_head("/")) == 200
    assert running.router.log.ended_by == {"draining": 1}


async def test_waiting_for_all_to_leave_does_not_wait_for_those_who_come(running: Running) -> None:
    """A drain ends when those have left who were there at its beginning."""
    async with running.address.connection() as early:
        await early.send(request_head("/stay"))
        await running.wait_until_open(1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(running.router.wait_until_left)
            await trio.testing.wait_all_tasks_blocked(0.01)
            async with running.address.connection():
                await running.wait_until_open(2)
                await early.stream.aclose()
                await until(lambda: not nursery.child_tasks)


async def test_ten_thousand_may_leave_one_by_one(running: Running) -> None:
    """Looking who is still there costs little, however many there are."""
    with socket.socket() as unconnected:
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(unconnected))
        crowd = [PeerStream(stream, 1.0) for _ in range(10_000)]
    running.router._open.update(crowd)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(running.router.wait_until_left)
        await trio.testing.wait_all_tasks_blocked(0.01)
        with trio.fail_after(PATIENCE):
            for peer in crowd:
                running.router._open.discard(peer)
                running.router._left.set()
                await trio.lowlevel.checkpoint()


async def test_all_can_be_closed_at_once(running: Running) -> None:
    """Even somebody who is shielded from cancellation is woken."""
    async with running.address.connection() as peer:
        await peer.send(request_head("/stay"))
        await running.wait_until_open(1)
        running.router.abort_all()
        assert await peer.ending() == "reset"
        await running.wait_until_open(0)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS])
async def test_a_lack_of_descriptors_or_memory_is_waited_out(
    number: int, caplog: pytest.LogCaptureFixture, autojump_clock: trio.testing.MockClock
) -> None:
    """Accepting goes on when there are some again; until then one line a second says why nobody is served."""
    listener = FakeListener([OSError(number, "none left")] * 100)
    router = Router({}, Services().http, RouterLimits(1, 1.0, 1.0), frozenset())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(router.accept_from, listener, nursery)  # type: ignore[arg-type]
        await trio.sleep(9.5)
        assert listener.errors != []
        await trio.sleep(1)
        assert listener.errors == []
        nursery.cancel_scope.cancel()
    assert 9 <= len(caplog.records) <= 11


async def test_a_listener_that_is_broken_is_no_lack_of_anything() -> None:
    """Then the daemon has to be started again, which is not for the router to hide."""
    listener = FakeListener([OSError(errno.EBADF, "broken")])
    router = Router({}, Services().http, RouterLimits(1, 1.0, 1.0), frozenset())
    with pytest.RaisesGroup(OSError):
        async with trio.open_nursery() as nursery:
            await router.accept_from(listener, nursery)  # type: ignore[arg-type]


# Several requests on one connection


KEEP = request_head("/keep")


async def test_each_request_of_a_connection_is_routed(running: Running) -> None:
    """Behind a request there may be one for another service, and a WebSocket."""
    async with running.address.connection() as peer:
        for _ in range(3):
            await peer.send(KEEP)
            assert (await peer.answer()).status == 200
        await peer.send(handshake("/ws"))
        assert (await peer.answer()).status == 101
    assert running.services.served == ["http /keep"] * 3 + ["websocket /ws"]
    assert running.router.log.accepted == 1
    assert running.router.log.ended_by == {}


async def test_requests_that_were_sent_ahead_are_answered_in_order(running: Running) -> None:
    """They wait until it is their turn."""
    async with running.address.connection() as peer:
        await peer.send(KEEP, KEEP, request_head("/a/stream.mjpeg", method="POST"), KEEP)
        for _ in range(3):
            assert (await peer.answer()).status == 200
        assert await peer.receive_rest() == (b"", "eof")
    assert running.services.served == ["http /keep", "http /keep", "streaming /a/stream.mjpeg"]


@pytest.mark.parametrize(
    "last", [request_head("/keep", "Connection: close"), request_head("/keep", "Connection: keep-alive", version="1.0")]
)
async def test_the_client_may_say_that_a_request_is_the_last(running: Running, last: bytes) -> None:
    """HTTP/1.0 always means this."""
    async with running.address.connection() as peer:
        await peer.send(KEEP, last, KEEP)
        assert "connection" not in (await peer.answer()).headers
        assert (await peer.answer()).headers["connection"] == "close"
        assert await peer.receive_rest() == (b"", "eof")


async def test_a_connection_has_a_hundred_requests(running: Running) -> None:
    """Then it ends, and its place is free for others."""
    async with running.address.connection() as peer:
        await peer.send(KEEP * 101)
        answers = [await peer.answer() for _ in range(100)]
        assert [answer.headers.get("connection") for answer in answers] == [None] * 99 + ["close"]
        assert await peer.receive_rest() == (b"", "eof")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (handshake("/ws", "Origin: http://evil.example"), 403),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (request_head("/", f"X: {'x' * MAX_HEAD_SIZE}"), 431),
    ],
)
async def test_each_request_is_judged(running: Running, request_bytes: bytes, status: int) -> None:
    """A good one before it helps none, and what is refused ends the connection."""
    async with running.address.connection() as peer:
        await peer.send(KEEP, request_bytes)
        assert (await peer.answer()).status == 200
        assert (await peer.answer()).status == status
        assert await peer.ending() == "eof"


async def test_an_idle_connection_is_closed_in_time(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is how every connection ends, so it is not counted."""
    monkeypatch.setattr(idle_connections, "LONGEST_IDLE", 0.1)
    async with running.address.connection() as peer:
        await peer.send(KEEP)
        assert (await peer.answer()).status == 200
        assert await peer.receive_rest() == (b"", "eof")
        await running.wait_until_open(0)
    assert running.router.log.ended_by == {}


@pytest.mark.parametrize("leave", ["close", "reset"])
async def test_a_client_may_leave_between_two_requests(running: Running, leave: str) -> None:
    """That is how every client leaves, so it is not counted."""
    async with running.address.connection() as peer:
        await peer.send(KEEP)
        assert (await peer.answer()).status == 200
        if leave == "reset":
            reset(peer)
        else:
            await peer.stream.aclose()
        await running.wait_until_open(0)
    assert running.router.log.ended_by == {}


async def test_a_later_head_may_not_take_longer_than_the_first() -> None:
    """A byte now and then does not prolong its time."""
    async with running_router(handshake_timeout=0.3) as running, running.address.connection() as peer:
        await peer.send(KEEP, b"GET / HT")
        assert (await peer.answer()).status == 200
        assert await peer.ending() == "reset"
        assert running.router.log.ended_by == {"request-timeout": 1}


async def test_idle_connections_do_not_delay_the_end_of_the_server(running: Running) -> None:
    """They are closed at once, and those that become idle then are closed too."""
    async with running.address.connection() as idle, running.address.connection() as busy:
        await idle.send(KEEP)
        assert (await idle.answer()).status == 200
        await running.wait_until_open(2)
        running.router.shutdown.request()
        running.router.idle.close_all()
        assert await idle.receive_rest() == (b"", "eof")
        await busy.send(KEEP)
        assert (await busy.answer()).headers["connection"] == "close"
        assert await busy.receive_rest() == (b"", "eof")


async def test_a_new_client_takes_the_place_of_an_idle_one() -> None:
    """Of those that wait for nothing, the one goes that has waited for the longest time."""
    async with running_router(max_connections=2) as running:
        async with running.address.connection() as first, running.address.connection() as second:
            for peer in (first, second):
                await peer.send(KEEP)
                assert (await peer.answer()).status == 200
            assert await running.status(request_head("/")) == 200
            assert await first.ending() == "reset"
            await second.send(KEEP)
            assert (await second.answer()).status == 200
        assert running.router.log.ended_by == {}


async def test_a_unix_socket_is_served_too(tmp_path: Path) -> None:
    """The supervisor may hand us one, for a proxy on the same machine."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket"))
    server.listen()
    server.setblocking(False)
    services = Services()
    router = Router({}, services.http, RouterLimits(1, PATIENCE, PATIENCE), frozenset())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(router.accept_from, trio.SocketListener(trio.socket.from_stdlib_socket(server)), nursery)
        client = trio.SocketStream(trio.socket.socket(socket.AF_UNIX))
        await client.socket.connect(str(tmp_path / "socket"))
        async with client:
            await client.send_all(request_head("/"))
            assert (await RawPeer(client).answer()).status == 200
        nursery.cancel_scope.cancel()


def reset(peer: RawPeer) -> None:
    """Leave without a goodbye."""
    peer.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    peer.stream.socket.close()


class FakeListener(trio.abc.Listener[trio.SocketStream]):
    """Fails as it is told to, and then has no more connections."""

    def __init__(self, errors: list[Any]) -> None:
        self.errors = errors

    async def accept(self) -> trio.SocketStream:
        if self.errors:
            raise self.errors.pop()
        await trio.sleep_forever()
        raise AssertionError

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
