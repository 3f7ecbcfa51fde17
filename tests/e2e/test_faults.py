"""What strangers and the machine do to a server process; alive means that another client is served."""

from __future__ import annotations

import random
import resource
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trio
from attrs import frozen

from tests.e2e.processes import Program, running
from tests.raw_peer import BINARY, PATIENCE, PONG, Address, client_frame, handshake, picture, register, request_head

# These tests look at one process: its descriptors, its log, and what it does after a suspension.
pytestmark = [pytest.mark.e2e, pytest.mark.one_server]


@frozen
class Server:
    program: Program
    address: Address

    @property
    def descriptors(self) -> int:
        """How many the process has open now."""
        return len(list(Path(f"/proc/{self.program.process.pid}/fd").iterdir()))

    def lines(self, event: str) -> list[str]:
        """Return what was logged about an event."""
        return [line for line in self.program.lines if event in line]


@pytest.fixture
def server() -> Iterator[Server]:
    arguments = ("--handshake-timeout", "2s", "--shutdown-grace", "500ms", "--max-fps", "1000")
    with running("serve", "--host", "127.0.0.1", "--port", "0", *arguments) as program:
        yield Server(program, Address.parse(program.wait_for_line(r"127\.0\.0\.1:\d+").group()))
        assert program.end() == 0
    assert not [line for line in program.lines if "crash" in line]


async def test_without_descriptors_it_lives_on(server: Server) -> None:
    """Who is here is served, the log gets a line a second, and newcomers are served soon after some are free."""
    async with server.address.camera("door") as camera, server.address.viewer() as viewer:
        begun = trio.current_time()
        resource.prlimit(server.program.process.pid, resource.RLIMIT_NOFILE, (server.descriptors + 10,) * 2)
        async with AsyncExitStack() as crowd:
            for _ in range(40):
                await crowd.enter_async_context(server.address.connection())
            for sequence in range(1, 31):
                await camera.send(client_frame(BINARY, jpeg := picture(shade=sequence)))
                assert await viewer.picture() == (sequence, jpeg)
                await trio.sleep(0.05)
        with trio.fail_after(PATIENCE):
            assert (await server.address.ask("/api/ready")).status == 200
        lasted = trio.current_time() - begun
    assert 1 <= len(server.lines("cannot accept")) <= lasted + 2


async def test_who_comes_and_leaves_leaves_nothing(server: Server) -> None:
    """After 500 connections of all kinds there are as many descriptors as before."""
    await server.address.ask("/api/ready")
    before = server.descriptors
    beginnings = [
        b"",
        b"GET / HT",
        request_head("/"),
        request_head("/api/streams"),
        handshake("/ws"),
        handshake("/nowhere"),
        handshake("/ws") + register("door"),
        handshake("/stream/ws") + client_frame(BINARY, b"x", length=1 << 40),
        b"\x16\x03\x01garbage",
    ]
    limit = trio.CapacityLimiter(20)

    async def come_and_leave(data: bytes) -> None:
        async with limit, server.address.connection() as peer:
            if data:
                await peer.send(data)

    async with trio.open_nursery() as nursery:
        for number in range(500):
            nursery.start_soon(come_and_leave, beginnings[number % len(beginnings)])
    await server.address.wait_until_alone()
    with trio.fail_after(PATIENCE):
        while server.descriptors > before:  # noqa: ASYNC110  (the kernel does not say)
            await trio.sleep(0.01)


async def test_garbage_does_no_harm(server: Server) -> None:
    """A thousand requests with a few bytes changed, and nobody notices."""
    dice = random.Random(2026)
    sane = [
        request_head("/api/clients/door/latest", "Accept: image/jpeg", "Origin: http://a", "If-None-Match: x"),
        request_head("/api/health?x=%41", "Cookie: a=b", "Range: bytes=0-1", method="HEAD"),
        request_head("/", "Content-Length: 3") + b"abc",
        request_head("/assets/x", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n",
        handshake("/ws", "Sec-WebSocket-Protocol: skysentry.v1") + register("x") + client_frame(BINARY, picture()),
        handshake("/stream/ws?client=x&format=jpeg&maxFps=1") + client_frame(1, b'{"type":"pause"}'),
    ]
    limit = trio.CapacityLimiter(10)

    async def try_it(data: bytes) -> None:
        async with limit, server.address.connection() as peer:
            await peer.try_to_send(data)
            with trio.move_on_after(0.1):
                await peer.receive_rest()

    async with server.address.viewer("?client=door") as viewer, server.address.camera("door") as camera:
        async with trio.open_nursery() as nursery:
            for _ in range(1000):
                data = bytearray(dice.choice(sane))
                for _ in range(dice.randint(1, 4)):
                    position = dice.randrange(len(data))
                    data[position : position + dice.randint(0, 2)] = dice.randbytes(dice.randint(0, 2))
                nursery.start_soon(try_it, bytes(data))
        await camera.send(client_frame(BINARY, jpeg := picture()))
        assert await viewer.picture() == (1, jpeg)
    health = await server.address.wait_until_alone()
    assert "crash" not in health["connectionsEnded"]
    assert not server.lines("Traceback")


def test_a_server_that_was_stopped_cuts_nobody() -> None:
    """After a suspension, a camera, a viewer, an uploader and a stream that are alive go on as if nothing had been."""
    arguments = ("--ping-interval", "1s", "--ping-timeout", "1s", "--client-timeout", "4s", "--cleanup-interval", "1s")
    with running("serve", "--host", "127.0.0.1", "--port", "0", *arguments) as program:
        address = Address.parse(program.wait_for_line(r"127\.0\.0\.1:\d+").group())
        trio.run(_stop_and_go_on, program, address)
        assert program.end() == 0
    assert not [line for line in program.lines if "crash" in line]


async def _stop_and_go_on(program: Program, address: Address) -> None:
    boundary = "--b\r\nContent-Type: image/jpeg\r\n\r\n"
    upload = request_head(
        "/api/clients/pushed/frames", "Content-Type: multipart/x-mixed-replace; boundary=b", method="POST"
    ).replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")

    def chunk(data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data)

    part = chunk(boundary.encode() + picture() + b"\r\n")
    async with (
        address.camera("door") as camera,
        address.viewer("?client=door") as viewer,
        address.connection() as pusher,
        address.connection() as poster,
    ):
        await camera.send(client_frame(BINARY, jpeg := picture()))
        assert await viewer.picture() == (1, jpeg)
        await pusher.send(upload, part, part)
        await poster.send(
            request_head("/api/clients/posted/frames", f"Content-Length: {len(jpeg)}", method="POST"), jpeg
        )
        assert (await poster.answer("POST")).status == 201
        await address.wait_until_healthy(lambda health: health["onlineClients"] == 3)
        program.process.send_signal(signal.SIGSTOP)
        await trio.sleep(7)
        program.process.send_signal(signal.SIGCONT)
        for sequence in range(2, 8):
            await camera.send(client_frame(BINARY, jpeg), client_frame(PONG))
            assert (await viewer.picture())[0] == sequence
            await viewer.send(client_frame(PONG))
            await pusher.send(part)
            await trio.sleep(0.2)
        health = await address.health()
        assert health["onlineClients"] >= 2
        assert health["totalClients"] == 3
