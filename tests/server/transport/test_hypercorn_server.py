from __future__ import annotations

import json
import socket
import statistics
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio

from skysentry_trio.server.transport.hypercorn_server import HttpServer
from skysentry_trio.server.transport.listener import Router, RouterLimits
from tests.daemons import running_daemon
from tests.raw_peer import BINARY, PATIENCE, Address, RawPeer, client_frame, handshake, picture, request_head, until


@pytest.fixture
async def server() -> AsyncIterator[Address]:
    async with running_daemon(handshake_timeout=2) as address:
        yield address


async def test_a_connection_serves_several_requests(server: Address) -> None:
    """Whatever they ask for, and a WebSocket at last."""
    async with server.connection() as peer:
        for target in ("/api/ready", "/api/streams", "/nowhere", "/api/health", "/"):
            for method in ("GET", "HEAD"):
                await peer.send(request_head(target, method=method))
                answer = await peer.answer(method)
                assert "connection" not in answer.headers
                assert answer.status == (404 if target == "/nowhere" else 200)
        await peer.send(handshake("/stream/ws"))
        assert (await peer.answer()).status == 101
    await server.wait_until_alone()


async def test_an_answer_can_be_followed_by_the_end_of_the_connection(server: Address) -> None:
    """A client that asks for it gets it, and is told."""
    async with server.connection() as peer:
        await peer.send(request_head("/api/ready", "Connection: close"))
        answer = await peer.answer()
        assert (answer.status, answer.json) == (200, {"ready": True})
        assert answer.headers["connection"] == "close"
        assert await peer.receive_rest() == (b"", "eof")


async def test_requests_with_bodies_may_follow_each_other(server: Address) -> None:
    """The next one begins where the body ends."""
    body = b'{"sequence":1}'
    described = ("Content-Type: application/json", f"Content-Length: {len(body)}")
    head = request_head("/api/clients/door/results", *described, method="POST")
    async with server.connection() as peer:
        await peer.send(head, body, head, body, request_head("/api/ready"))
        assert [(await peer.answer("POST")).status for _ in range(2)] == [404, 404]
        assert (await peer.answer()).json == {"ready": True}


async def test_http_1_0_is_answered(server: Address) -> None:
    """Old probes of load balancers speak it, and name no host."""
    async with server.connection() as peer:
        await peer.send(b"GET /api/ready HTTP/1.0\r\n\r\n")
        answer, ending = await peer.receive_rest()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b'{"ready":true}')
    assert ending == "eof"


async def test_an_endless_reply_is_not_chunked_for_http_1_0(server: Address) -> None:
    """What is written piece by piece ends with the connection there."""
    async with server.connection() as peer:
        await peer.send(b"GET /api/streams HTTP/1.0\r\n\r\n")
        answer, ending = await peer.receive_rest()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"chunked" not in head.lower()
    assert json.loads(body)["streams"] == {}
    assert ending == "eof"


@pytest.mark.parametrize("target", ["/api/health", "/api/streams", "/"])
async def test_a_client_that_has_said_all_gets_its_whole_answer(server: Address, target: str) -> None:
    """Who closes its sending side after the request, as netcat does, still listens."""
    for _ in range(5):
        async with server.connection() as peer:
            await peer.send(request_head(target))
            await peer.stream.send_eof()
            answer = await peer.answer()
            assert (answer.status, await peer.ending()) == (200, "eof")


@pytest.mark.parametrize("target", ["/api/health", "/api/streams", "/", "/api/clients/nobody/latest"])
async def test_head_has_the_same_head_and_no_body(server: Address, target: str) -> None:
    """HEAD answers as GET does, without the content."""
    get, head = await server.ask(target), await server.ask(target, method="HEAD")
    assert head.status == get.status
    assert head.body == b""
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.headers["connection"] == "close"


async def test_more_than_a_few_requests_ahead_are_not_answered(server: Address) -> None:
    """A client that sends too many at once gets whole answers, then a proper end."""
    async with server.connection() as peer:
        await peer.send(request_head("/api/openapi.json"), request_head("/api/ready") * 4000)
        assert (await peer.answer()).json["openapi"] == "3.1.0"
        rest, ending = await peer.receive_rest()
        assert rest.endswith(b'{"ready":true}') or not rest
        assert (rest.count(b"HTTP/1.1 200") < 100, ending) == (True, "eof")
    await server.wait_until_alone()


async def test_a_websocket_handshake_behind_a_request_goes_through_the_router(server: Address) -> None:
    """It reaches the service of WebSockets, or is refused like any other."""
    for origin, status in (("http://sky.localhost", 101), ("http://evil.example", 403)):
        async with server.connection() as peer:
            await peer.send(request_head("/api/ready"), handshake("/ws", f"Origin: {origin}"))
            assert (await peer.answer()).status == 200
            assert (await peer.answer()).status == status
    await server.wait_until_alone()


async def test_a_server_that_stops_says_that_an_answer_is_the_last() -> None:
    """Its clients then ask another server."""
    ready = trio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await ready.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    router = Router({}, HttpServer(app).serve, RouterLimits(10, PATIENCE, PATIENCE), frozenset())  # type: ignore[arg-type]
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(router.accept_from, listener, nursery)
        async with Address(*listener.socket.getsockname()).connection() as peer:
            await peer.send(request_head("/"))
            await until(lambda: router.log.open == 1)
            router.shutdown.request()
            ready.set()
            assert (await peer.answer()).headers["connection"] == "close"
            assert await peer.receive_rest() == (b"", "eof")
        nursery.cancel_scope.cancel()


async def test_a_body_that_nobody_wants_does_not_cost_the_client_its_answer(server: Address) -> None:
    """The answer to an upload is read to its end, not cut off by a reset for what was not read."""
    async with server.connection() as peer, trio.open_nursery() as nursery:
        await peer.send(request_head("/api/clients", "Content-Length: 3000000", method="POST"))
        nursery.start_soon(peer.try_to_send, bytes(3_000_000))
        await trio.sleep(0.2)
        answer = await peer.answer("POST")
        assert answer.status == 405
        assert await peer.ending() == "eof"
        nursery.cancel_scope.cancel()
    await server.wait_until_alone()


@pytest.mark.parametrize(
    "headers",
    [("Content-Length: 10",), ("Transfer-Encoding: chunked",), ("Content-Length: 10", "Expect: 100-continue")],
)
async def test_a_body_that_never_comes_is_not_waited_for(server: Address, headers: tuple[str, ...]) -> None:
    """No route wants a body, so a slow one holds up nothing."""
    async with server.connection() as peer:
        await peer.send(request_head("/api/ready", *headers))
        assert (await peer.answer()).status == 200
        assert await peer.ending() == "eof"
    await server.wait_until_alone()


async def test_a_broken_body_is_refused(server: Address) -> None:
    """What cannot be read as chunks is answered with 400, or not at all if the answer was out already."""
    async with server.connection() as peer:
        await peer.send(request_head("/api/ready", "Transfer-Encoding: chunked"), b"zz\r\n")
        assert (await peer.answer()).status in {200, 400}
        assert await peer.ending() == "eof"
    await server.wait_until_alone()


@pytest.mark.parametrize("target", ["sky.localhost:80", "/api/ready"])
async def test_connect_leaves_nothing_behind(server: Address, target: str) -> None:
    """A request for a tunnel is refused like any other, and its connection ends."""
    async with server.connection() as peer:
        await peer.send(request_head(target, "Connection: close", method="CONNECT"))
        answer, ending = await peer.receive_rest()
    assert answer.startswith(b"HTTP/1.1 4")
    assert ending == "eof"
    await server.wait_until_alone()


async def test_a_client_that_leaves_at_once_leaves_nothing_behind(server: Address) -> None:
    """A request whose client is gone before the answer ends as quietly as it began."""
    for _ in range(20):
        async with server.connection() as peer:
            await peer.send(request_head("/api/streams"))
    health = await server.wait_until_alone()
    assert "crash" not in health["connectionsEnded"]


@pytest.mark.parametrize("how", ["closes", "half-closes", "resets"])
@pytest.mark.parametrize("headers", [(), ("Content-Length: 2",)])
async def test_a_client_that_hangs_up_while_it_waits_for_a_frame_is_noticed(
    server: Address, how: str, headers: tuple[str, ...]
) -> None:
    """A wait of a minute holds a descriptor and a task no longer than its client."""
    async with server.camera("door") as camera:
        await camera.send(client_frame(BINARY, picture()))
        await server.wait_until_healthy(lambda health: health["framesReceived"] == 1)
        async with server.connection() as peer:
            await peer.send(
                request_head("/api/clients/door/latest.jpg?after=1&wait=60", *headers), b"{}" * len(headers)
            )
            await server.wait_until_healthy(lambda health: health["connections"] == 3)
            if how == "half-closes":
                await peer.stream.send_eof()
            elif how == "resets":
                peer.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                peer.stream.socket.close()
            else:
                await peer.stream.aclose()
            await server.wait_until_healthy(lambda health: health["connections"] == 2)


async def test_a_clip_whose_client_hung_up_while_it_waited_is_dropped() -> None:
    """Also a response that has begun, and of which nothing more is written, ends with its client."""
    forever = trio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"beginning", "more_body": True})
        await forever.wait()

    http = HttpServer(app)  # type: ignore[arg-type]
    router = Router({}, http.serve, RouterLimits(10, PATIENCE, PATIENCE), frozenset())
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(router.accept_from, listener, nursery)
        async with Address(*listener.socket.getsockname()).connection() as peer:
            await peer.send(request_head("/"))
            await peer.stream.send_eof()
            assert b"beginning" in (await peer.receive_rest())[0]
        await until(lambda: router.log.open == 0)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("headers", [(), ("Connection: close",)])
async def test_a_client_that_goes_on_sending_is_closed_within_seconds(
    server: Address, headers: tuple[str, ...]
) -> None:
    """After its answer nobody reads for long what a client has to say, if it is no request."""
    async with server.connection() as peer, trio.open_nursery() as nursery:
        await peer.send(request_head("/api/ready", *headers))
        assert (await peer.answer()).status == 200

        async def chatter() -> None:
            while True:
                await peer.try_to_send(b"x")
                await trio.sleep(0.01)

        nursery.start_soon(chatter)
        with trio.fail_after(20):
            await server.wait_until_alone()
        nursery.cancel_scope.cancel()


async def test_a_crash_of_the_application_is_a_crash_of_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    """The client is told with 500, and it is counted and logged like every other crash: once a second at most."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("the application crashed")

    http = HttpServer(app)  # type: ignore[arg-type]
    router = Router({}, http.serve, RouterLimits(10, PATIENCE, PATIENCE), frozenset())
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    address = Address(*listener.socket.getsockname())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(router.accept_from, listener, nursery)
        for _ in range(3):
            assert (await address.ask("/")).status == 500
        await until(lambda: router.log.open == 0)
        nursery.cancel_scope.cancel()
    assert router.log.ended_by == {"crash": 3}
    (record,) = caplog.records
    assert "the application crashed" in str(record.exc_info)


async def fill_ring(server: Address, camera: RawPeer, size: int) -> None:
    """Let a camera named door send 16 pictures of this size, and wait until they are there."""
    await camera.send(*(client_frame(BINARY, picture(size, shade)) for shade in range(16)))
    await server.wait_until_healthy(lambda health: health["framesReceived"] == 16)


async def test_an_answer_is_not_cut_off_by_what_came_behind_its_request() -> None:
    """Closing with something unread makes the kernel throw away what was not sent yet: so it must not come to that."""
    async with running_daemon(max_fps=1000) as server, server.camera("door") as camera:
        await fill_ring(server, camera, 30_000)
        # A small window keeps the end of the answer in the server's kernel.
        async with server.connection(receive_buffer=16 * 1024) as peer, trio.open_nursery() as nursery:
            await peer.send(request_head("/api/clients/door/stream"))
            nursery.start_soon(peer.try_to_send, request_head("/api/ready") * 20_000)
            answer = await peer.answer()
            assert len(answer.json["frames"]) == 16


async def test_a_slow_reader_gets_the_end_of_its_answer(server: Address) -> None:
    """What the kernel has taken is delivered, also when the client takes longer than the server stays."""
    async with server.connection(receive_buffer=2048) as peer:
        await peer.send(request_head("/api/openapi.json"))
        await trio.sleep(1.5)
        assert (await peer.answer()).json["openapi"] == "3.1.0"


async def test_a_reader_that_stalls_is_cut_while_others_are_served() -> None:
    """Who asks for a full ring and does not read it loses the connection after the write timeout, and nobody waits."""
    async with running_daemon(write_timeout=0.5, max_fps=1000) as server, server.camera("door") as camera:
        await fill_ring(server, camera, 1_000_000)
        async with server.connection() as stuck:
            await stuck.send(request_head("/api/clients/door/stream"))
            times = list[float]()
            with trio.fail_after(PATIENCE):
                while True:
                    asked = trio.current_time()
                    health = await server.health()
                    times.append(trio.current_time() - asked)
                    # The camera, the stuck one and this question.
                    if health["connections"] < 3:
                        break
                    await trio.sleep(0.02)
            data, _ = await stuck.receive_rest()
    assert data.startswith(b"HTTP/1.1 200")
    assert not data.endswith(b"0\r\n\r\n"), "what is cut off must not look complete"
    assert statistics.median(times) < 0.5
    assert health["failing"] == {}
