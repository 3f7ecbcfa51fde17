"""The narrow link that other tests send their frames through."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair

from tests.e2e.narrow_link import Way, narrow_link, narrow_link_in_thread

MANY = b"x" * 100_000


@asynccontextmanager
async def over(way: Way) -> AsyncIterator[tuple[trio.abc.SendStream, trio.abc.ReceiveStream]]:
    """Give the two ends of a connection over a way, in memory."""
    sender, entrance = memory_stream_pair()
    leaving, receiver = memory_stream_pair()
    with trio.fail_after(1000):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(way.run)
            nursery.start_soon(way.carry, entrance, leaving)
            yield sender, receiver
            nursery.cancel_scope.cancel()


async def read(stream: trio.abc.ReceiveStream, count: int) -> float:
    """Read ``count`` bytes and return when the last came."""
    while count > 0:
        count -= len(await stream.receive_some(count))
    return trio.current_time()


@pytest.mark.parametrize(("rate", "delay"), [(50_000, 0.0), (200_000, 0.1), (5_000, 2.0)])
async def test_bytes_take_as_long_as_rate_and_delay_say(autojump_clock: MockClock, rate: float, delay: float) -> None:
    """A hundred kilobytes need their share of the rate, and the delay once."""
    async with over(Way(rate, delay=delay)) as (sender, receiver), trio.open_nursery() as nursery:
        began = trio.current_time()
        nursery.start_soon(sender.send_all, MANY)
        arrived = await read(receiver, len(MANY))
    assert arrived - began == pytest.approx(len(MANY) / rate + delay, abs=0.02)


async def test_a_wide_way_only_delays(autojump_clock: MockClock) -> None:
    """Without a rate, everything comes after the delay."""
    async with over(Way(delay=0.3)) as (sender, receiver), trio.open_nursery() as nursery:
        nursery.start_soon(sender.send_all, MANY)
        began = trio.current_time()
        assert await read(receiver, len(MANY)) - began == pytest.approx(0.3, abs=0.01)


async def test_the_queue_is_bounded_and_its_end_moves_with_the_rate(autojump_clock: MockClock) -> None:
    """No more waits than the queue may hold; a new rate holds for what waits already."""
    way = Way(10_000, queue=2.0)
    async with over(way) as (sender, receiver):
        await sender.send_all(MANY)
        began = trio.current_time()
        await trio.sleep(1)
        assert 20_000 <= way.waiting <= 23_000
        assert way.carried == pytest.approx(10_000, rel=0.2)
        way.rate = 100_000
        assert await read(receiver, len(MANY)) - began == pytest.approx(1.9, abs=0.2)


async def test_connections_share_the_rate(autojump_clock: MockClock) -> None:
    """Two connections over one way get together what one would get."""
    way = Way(10_000)
    arrivals: list[float] = []

    async def finish(receiver: trio.abc.ReceiveStream) -> None:
        arrivals.append(await read(receiver, 10_000))

    async with over(way) as (one, one_end), trio.open_nursery() as carrying:
        began = trio.current_time()
        other, entrance = memory_stream_pair()
        leaving, other_end = memory_stream_pair()
        carrying.start_soon(way.carry, entrance, leaving)
        async with trio.open_nursery() as nursery:
            for sender, receiver in ((one, one_end), (other, other_end)):
                nursery.start_soon(sender.send_all, MANY[:10_000])
                nursery.start_soon(finish, receiver)
        carrying.cancel_scope.cancel()
    assert max(arrivals) - began == pytest.approx(2.0, abs=0.2)
    assert min(arrivals) - began > 1.1


async def echo(stream: trio.SocketStream) -> None:
    async for data in stream:
        await stream.send_all(data)
    await stream.send_eof()


@pytest.mark.e2e
async def test_over_sockets_both_ways_are_as_narrow_as_asked() -> None:
    """What goes up and comes back needs both delays and the narrower rate, arrives whole, and ends when it ends."""
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(trio.serve_tcp, echo, 0, host="127.0.0.1"))
            target = listeners[0].socket.getsockname()[1]
            async with narrow_link(target, up=Way(400_000, delay=0.05), down=Way(delay=0.05)) as link:
                began = trio.current_time()
                async with await trio.open_tcp_stream("127.0.0.1", link.port) as stream:
                    nursery.start_soon(stream.send_all, MANY)
                    await read(stream, len(MANY))
                    assert trio.current_time() - began >= 0.3
                    await stream.send_eof()
                    assert await stream.receive_some() == b""
                assert (link.up.carried, link.down.carried) == (len(MANY), len(MANY))
            nursery.cancel_scope.cancel()


@pytest.mark.e2e
async def test_a_sender_cannot_push_more_than_the_queue_holds() -> None:
    """With a receiver behind a trickle, a sender gets rid of the queue and two small socket buffers, and no more."""
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(trio.serve_tcp, echo, 0, host="127.0.0.1"))
            target = listeners[0].socket.getsockname()[1]
            async with narrow_link(target, up=Way(20_000, queue=1.0)) as link:
                stream = await trio.open_tcp_stream("127.0.0.1", link.port)
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32 << 10)
                pushed = 0
                with trio.move_on_after(1):
                    while True:
                        await stream.send_all(MANY[:1000])
                        pushed += 1000
                assert 20_000 <= pushed <= 250_000
                await trio.aclose_forcefully(stream)
            nursery.cancel_scope.cancel()


def test_a_link_runs_beside_a_test_that_is_not_async() -> None:
    """The same in a thread; nobody listening behind it ends the connection, and the thread ends with the test."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        narrow_link_in_thread(server.getsockname()[1], down=Way(50_000)) as link,
    ):
        with socket.create_connection(("127.0.0.1", link.port), timeout=10) as client:
            accepted, _ = server.accept()
            with accepted:
                began = time.monotonic()
                accepted.sendall(MANY[:20_000])
                received = 0
                while received < 20_000:
                    received += len(client.recv(20_000))
                assert time.monotonic() - began >= 0.3
        server.close()
        with socket.create_connection(("127.0.0.1", link.port), timeout=10) as client:
            assert client.recv(1) == b""
        assert link.address == f"127.0.0.1:{link.port}"
