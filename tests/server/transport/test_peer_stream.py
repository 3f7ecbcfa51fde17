from __future__ import annotations

import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product

import pytest
import trio
import trio.testing

from skysentry_trio.base.held_memory import HeldMemory, Sending
from skysentry_trio.server.transport.frame_writer import FrameWriter
from skysentry_trio.server.transport.peer_stream import PeerStream
from skysentry_trio.server.transport.turnstile import Turnstile
from tests.loop_passes import counting_passes
from tests.raw_peer import PATIENCE


@asynccontextmanager
async def connected(
    write_timeout: float = PATIENCE, memory: HeldMemory | None = None
) -> AsyncIterator[tuple[PeerStream, trio.SocketStream]]:
    """Give both ends of a TCP connection, ours first."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        theirs = await trio.open_tcp_stream(*listener.socket.getsockname())
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        async with theirs, await listener.accept() as accepted:
            ours = PeerStream(accepted, write_timeout, memory or HeldMemory())
            with trio.fail_after(2 * PATIENCE):
                yield ours, theirs


async def receive_rest(stream: trio.SocketStream) -> bytes:
    data = bytearray()
    while more := await stream.receive_some():
        data += more
    return bytes(data)


async def test_what_was_put_back_comes_first() -> None:
    """In the order in which it was on the line, in pieces of any size."""
    async with connected() as (ours, theirs):
        await theirs.send_all(b"ghi")
        ours.push_back(b"def")
        ours.push_back(b"abc")
        assert await ours.receive_some(2) == b"ab"
        assert await ours.receive_some(2) == b"cd"
        assert await ours.receive_some() == b"ef"
        assert await ours.receive_some() == b"ghi"
        await theirs.send_eof()
        assert await ours.receive_some() == b""


async def test_what_was_put_back_can_be_taken_away() -> None:
    """Whoever takes it is the only one who gets it."""
    async with connected() as (ours, theirs):
        ours.push_back(b"head")
        assert ours.take_back() == b"head"
        assert ours.take_back() == b""
        await theirs.send_all(b"next")
        assert await ours.receive_some() == b"next"


async def test_a_large_write_goes_out_however_long_it_takes() -> None:
    """The timeout is for making headway, not for the whole."""
    data = bytes(range(256)) * 4096
    async with connected(write_timeout=0.6) as (ours, theirs), trio.open_nursery() as nursery:

        async def send() -> None:
            await ours.send_all(data)
            await ours.send_eof()

        nursery.start_soon(send)
        received = bytearray()
        started = trio.current_time()
        while more := await theirs.receive_some(32 * 1024):
            received += more
            await trio.sleep(0.03)
        assert received == data
        assert trio.current_time() - started > 0.7


async def test_a_peer_that_reads_nothing_loses_the_connection() -> None:
    """The write fails after the timeout, and so does whatever else waits for this peer."""
    async with connected(write_timeout=0.2) as (ours, theirs), trio.open_nursery() as nursery:

        async def read() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await ours.receive_some()

        nursery.start_soon(read)
        with pytest.raises(trio.BrokenResourceError, match=r"less than 64 KiB in 0\.2 s"):
            await ours.send_all(bytes(20_000_000))
        with pytest.raises(trio.BrokenResourceError):
            await receive_rest(theirs)


async def test_after_a_write_that_was_cancelled_nothing_is_written() -> None:
    """The peer would take it for the rest of what was cut off."""
    async with connected() as (ours, theirs):
        with trio.move_on_after(0.1):
            await ours.send_all(bytes(20_000_000))
        with pytest.raises(trio.BrokenResourceError, match="cut off"):
            await ours.send_all(b"more")
        assert ours.write_now(b"more") == 0
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ours.linger, PATIENCE)
            assert b"more" not in await receive_rest(theirs)
            await theirs.aclose()


async def test_lingering_lets_the_last_words_arrive() -> None:
    """A peer that is still sending gets them and a proper end, though nobody reads what it sends."""
    async with connected() as (ours, theirs), trio.open_nursery() as nursery:

        async def send_and_close() -> None:
            await theirs.send_all(bytes(1_000_000))
            assert await receive_rest(theirs) == b"goodbye"
            await theirs.aclose()

        nursery.start_soon(send_and_close)
        await trio.testing.wait_all_tasks_blocked(0.01)
        await ours.send_all(b"goodbye")
        await ours.linger(PATIENCE)
    assert ours.socket.fileno() == -1


async def test_lingering_has_an_end() -> None:
    """A peer that never closes is closed; cancellation does not shorten that."""
    async with connected() as (ours, _):
        started = trio.current_time()
        with trio.move_on_after(0.01):
            await ours.linger(0.2)
        assert 0.15 < trio.current_time() - started < 2
        assert ours.socket.fileno() == -1


async def test_lingering_with_somebody_who_is_gone_is_over_at_once() -> None:
    """Whether the peer reset the connection or we closed it ourselves."""
    async with connected() as (ours, theirs):
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        theirs.socket.close()
        with trio.fail_after(5):
            await ours.linger(PATIENCE)
            await ours.linger(PATIENCE)


async def test_aborting_wakes_whoever_waits() -> None:
    """Shielded or not, reading or writing; doing it twice is doing it once."""
    async with connected() as (ours, _), trio.open_nursery() as nursery:

        async def wait(method: str, *arguments: object) -> None:
            with trio.CancelScope(shield=True), pytest.raises(trio.ClosedResourceError):
                await getattr(ours, method)(*arguments)

        nursery.start_soon(wait, "receive_some")
        nursery.start_soon(wait, "send_all", bytes(20_000_000))
        await trio.testing.wait_all_tasks_blocked(0.1)
        ours.abort()
        ours.abort()
    async with connected() as (ours, _), trio.open_nursery() as nursery:
        nursery.start_soon(wait, "read_soon", 100)
        await trio.testing.wait_all_tasks_blocked(0.01)
        ours.abort()


@pytest.mark.parametrize(("method", "argument"), [("read_soon", 10), ("read_soon_into", memoryview(bytearray(10)))])
async def test_closing_wins_over_what_has_come(method: str, argument: object) -> None:
    """A reader whose bytes are there, but whose stream this side closed before its turn, hears of the closing."""

    class ClosesFirst(trio.abc.Instrument):
        def before_task_step(self, task: trio.lowlevel.Task) -> None:
            if task.name == "reader":
                ours.abort()

    async with connected() as (ours, theirs), trio.open_nursery() as nursery:

        async def read() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await getattr(ours, method)(argument)

        nursery.start_soon(read, name="reader")
        await trio.testing.wait_all_tasks_blocked(0.01)
        trio.lowlevel.add_instrument(ClosesFirst())
        await theirs.send_all(b"too late")


async def test_a_reader_can_be_woken_alone() -> None:
    """The connection is still good for writing."""
    async with connected() as (ours, theirs):
        async with trio.open_nursery() as nursery:

            async def read() -> None:
                with pytest.raises(trio.ClosedResourceError):
                    await ours.read_soon_into(memoryview(bytearray(10)))

            nursery.start_soon(read)
            await trio.testing.wait_all_tasks_blocked(0.01)
            ours.wake_reader()
        await ours.send_all(b"still here")
        assert await theirs.receive_some() == b"still here"
        ours.abort()
        ours.wake_reader()


async def test_reading_past_the_layers_is_reading() -> None:
    """Into a buffer of ours or a new one; the end of the stream is told, a reset is an error."""
    async with connected() as (ours, theirs):
        await theirs.send_all(b"abcdef")
        assert await ours.read_soon(2) == b"ab"
        buffer = bytearray(10)
        assert await ours.read_soon_into(memoryview(buffer)) == 4
        assert buffer == b"cdef" + bytes(6)
        await theirs.send_eof()
        assert await ours.read_soon(2) == b""
        assert await ours.read_soon_into(memoryview(buffer)) == 0
    for method, argument in (("read_soon", 10), ("read_soon_into", memoryview(bytearray(10)))):
        async with connected() as (ours, theirs):
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            theirs.socket.close()
            with pytest.raises(trio.BrokenResourceError):
                await getattr(ours, method)(argument)


async def test_writing_at_once_writes_what_there_is_room_for() -> None:
    """Nothing when the kernel is full or the connection is lost; never an error, never a wait."""
    async with connected() as (ours, theirs):
        assert ours.write_now(b"abc") == 3
        assert await theirs.receive_some() == b"abc"
        block = bytes(10_000_000)
        written = 0
        while count := ours.write_now(block):
            written += count
        assert 0 < written < 100_000_000
        ours.abort()
        assert ours.write_now(b"abc") == 0


async def test_writing_soon_waits_for_room() -> None:
    """It writes a part as soon as there is some, and fails when there will be none."""
    async with connected() as (ours, theirs):
        while ours.write_now(bytes(1_000_000)):
            pass
        async with trio.open_nursery() as nursery:
            done = trio.Event()

            async def write() -> None:
                assert await ours.write_soon(memoryview(bytes(1_000_000))) > 0
                done.set()

            nursery.start_soon(write)
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert not done.is_set()
            while not done.is_set():
                await theirs.receive_some()
        ours.abort()
        with pytest.raises(trio.ClosedResourceError):
            await ours.write_soon(memoryview(b"x"))
    async with connected() as (ours, theirs):
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        theirs.socket.close()
        with pytest.raises(trio.BrokenResourceError):
            await ours.write_soon(memoryview(b"x"))


async def test_room_for_a_write_can_be_waited_for() -> None:
    """As Trio's streams do."""
    async with connected() as (ours, theirs):
        await ours.wait_send_all_might_not_block()
        await ours.send_all(b"abc")
        await ours.aclose()
        assert await receive_rest(theirs) == b"abc"


async def test_unsent_bytes_do_not_wait_in_the_kernel() -> None:
    """Trio asks the kernel to say "writable" only when little is unsent: newer frames can then replace older ones."""
    async with connected() as (ours, _):
        assert ours.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == 16 * 1024
        assert ours.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


@pytest.mark.parametrize("way", ["stream", "frame"])
async def test_what_a_peer_does_not_take_counts_as_held(way: str) -> None:
    """As long as the peer does not read, all that it is sent is in the budget; afterwards nothing is."""
    memory, data = HeldMemory(), bytes(3_000_000)
    async with connected(memory=memory) as (ours, theirs), trio.open_nursery() as nursery:
        nursery.start_soon(ours.send_all if way == "stream" else FrameWriter(ours).send, data)
        await trio.testing.wait_all_tasks_blocked()
        assert memory.sending == len(data)
        received = 0
        while received < len(data):
            received += len(await theirs.receive_some())
    assert memory.sending == 0


async def test_a_peer_that_is_cut_to_free_memory_ends_its_write() -> None:
    """The connection that is stuck the longest is aborted, and its bytes are free at once."""
    memory = HeldMemory(20_000_000)
    async with connected(memory=memory) as (ours, _), trio.open_nursery() as nursery:
        writer = FrameWriter(ours)

        async def send() -> None:
            with pytest.raises((trio.BrokenResourceError, trio.ClosedResourceError)):
                await writer.send(bytes(9_000_000))

        nursery.start_soon(send)
        await trio.testing.wait_all_tasks_blocked()
        with trio.fail_after(PATIENCE):
            while not memory.cut:
                await trio.sleep(0.1)
                with memory_pressure(memory):
                    pass
    assert memory.sending == 0


def memory_pressure(memory: HeldMemory) -> Sending:
    """Let another peer be sent so much that it is too much together."""
    return Sending(memory, bytes(2_000_000), lambda: None)


@pytest.mark.parametrize(
    ("way", "read"),
    [
        *product(["hang up", "reset"], ["receive_some", "read_soon", "read_soon_into"]),
        # The heartbeat aborts streams that wait for the next frame.
        ("are aborted", "read_soon"),
    ],
)
async def test_few_of_many_streams_end_in_the_same_pass(way: str, read: str) -> None:
    """If a network fails, the work that follows is spread: the other tasks run in between."""
    turnstile, counts = Turnstile(), Counter[int]()
    pairs = [socket.socketpair() for _ in range(40)]
    streams = list[PeerStream]()
    for ours, _ in pairs:
        ours.setblocking(False)
        accepted = trio.SocketStream(trio.socket.from_stdlib_socket(ours))
        streams.append(PeerStream(accepted, PATIENCE, HeldMemory(), turnstile))

    async def wait_for_end(stream: PeerStream) -> None:
        try:
            if read == "read_soon_into":
                assert await stream.read_soon_into(memoryview(bytearray(10))) == 0
            else:
                assert await getattr(stream, read)(10) == b""
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            assert way != "hang up"
        counts[passes.number] += 1

    with counting_passes() as passes, trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            for stream in streams:
                nursery.start_soon(wait_for_end, stream)
            await trio.testing.wait_all_tasks_blocked()
            for stream, (ours, theirs) in zip(streams, pairs, strict=True):
                if way == "are aborted":
                    stream.abort()
                elif way == "reset":
                    # A socket that is closed with unread bytes resets its connection.
                    ours.send(b"unread")
                theirs.close()
    for stream in streams:
        stream.abort()
    assert sorted(counts.values()) == [4] * 10
