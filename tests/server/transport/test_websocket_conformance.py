"""A whole WebSocket connection against what RFC 6455 asks, and against those who care nothing for it."""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing
from trio.testing import wait_all_tasks_blocked
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from skysentry_trio.base.exceptions import PeerGone
from skysentry_trio.base.sink import WriteResult
from skysentry_trio.server.transport.fast_path import FastPath
from skysentry_trio.server.transport.peer_stream import PeerStream
from skysentry_trio.server.transport.websocket import Handler, WebSocketPeer
from skysentry_trio.wire.framing import Opcode, encode_frame
from tests.raw_peer import client_frame
from tests.server.transport.autobahn_echo import serve_echo
from tests.server.transport.raw_client import HANDSHAKE, LIMITS, RawClient, close_frame, collect, converse, serve_one


async def expect_end(client: RawClient, code: int, *, within: float = 1.0) -> None:
    """Answer the server's Close frame and read on: it must be the last frame, and a FIN must follow soon."""
    with trio.fail_after(within):
        while client.close_code is None:
            assert await client.read(), f"expected a Close frame with {code}, got {client.frames}"
        await client.send(close_frame(code))
        await client.stream.send_eof()
        await client.read_to_end()
    assert (client.close_code, client.reset) == (code, False)


# Goodbyes


async def test_a_ping_that_ends_after_our_goodbye_is_left_out() -> None:
    """A ping of which half had come when the server said goodbye is not answered, and hurts nobody."""
    ping = client_frame(Opcode.PING, b"half and half")

    async def talk(client: RawClient) -> None:
        await client.send(ping[:7])
        await wait_all_tasks_blocked()
        client.shutdown.request()
        await client.read_frame()
        await client.send(ping[7:])
        await expect_end(client, 1001)
        assert len(client.frames) == 1

    await converse(collect([]), talk)


async def test_pings_that_wait_for_room_are_left_out_after_our_goodbye() -> None:
    """A client that sends pings and reads nothing gets no answer to those nobody had looked at."""

    async def talk(client: RawClient) -> None:
        await client.send(client_frame(Opcode.PING, bytes(125)) * 90)
        await wait_all_tasks_blocked()
        client.shutdown.request()
        await wait_all_tasks_blocked()
        await expect_end(client, 1001)
        assert {frame.opcode for frame in client.frames[:-1]} <= {Opcode.PONG}
        assert 0 < len(client.frames) < 90

    await converse(collect([]), talk, send_buffer=1)


async def test_a_message_that_ends_after_our_goodbye_hurts_nobody() -> None:
    """Half a message, then our goodbye, then the other half and the client's own."""
    for opcode in (Opcode.TEXT, Opcode.BINARY):
        frame = client_frame(opcode, b"x" * 1000)

        async def talk(client: RawClient, frame: bytes = frame) -> None:
            await client.send(frame[:500])
            await wait_all_tasks_blocked()
            client.shutdown.request()
            await client.read_frame()
            await client.send(frame[500:] + frame)
            await expect_end(client, 1001)

        await converse(collect([]), talk)


async def test_a_handler_that_was_not_reading_does_not_read_beside_our_goodbye() -> None:
    """A handler that comes back from something else during the goodbye hears that nothing more comes."""
    back = trio.Event()
    heard: list[str] = []

    async def handler(peer: WebSocketPeer) -> None:
        await back.wait()
        try:
            await peer.receive()
        except PeerGone as gone:
            heard.append(str(gone))
            raise

    async def talk(client: RawClient) -> None:
        client.shutdown.request()
        await client.read_frame()
        back.set()
        await wait_all_tasks_blocked()
        await expect_end(client, 1001)

    await converse(handler, talk)
    assert heard == ["closed by this side"]


async def test_a_goodbye_is_short_when_the_handler_stops_reading_because_of_it() -> None:
    """Somebody always reads until the client has answered, so that nobody waits for the time-out of the goodbye."""

    async def handler(peer: WebSocketPeer) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stop, peer, nursery.cancel_scope)
            with suppress(PeerGone):
                await peer.receive()

    async def stop(peer: WebSocketPeer, scope: trio.CancelScope) -> None:
        try:
            while True:
                await peer.send_frame(encode_frame(b"x"))
                await trio.sleep(0.001)
        except PeerGone:
            scope.cancel()

    async def talk(client: RawClient) -> None:
        await client.read_frame()
        client.shutdown.request()
        await expect_end(client, 1001)

    await converse(handler, talk)


async def test_a_message_is_not_lost_when_its_reader_was_cancelled() -> None:
    """A receive that is cancelled while the library has the message leaves it to the next one, in its place."""
    got: list[str | bytes] = []

    async def handler(peer: WebSocketPeer) -> None:
        for patience in range(200):
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(cancel_after, patience % 8, scope)
                    got.append(await peer.receive())
                    scope.cancel()

    async def cancel_after(turns: int, scope: trio.CancelScope) -> None:
        for _ in range(turns):
            await trio.lowlevel.checkpoint()
        scope.cancel()

    async def talk(client: RawClient) -> None:
        await client.send(b"".join(client_frame(Opcode.TEXT, b"%d" % number) for number in range(20)))
        await expect_end(client, 1000)

    await converse(handler, talk)
    assert got == [str(number) for number in range(20)]


async def test_a_fault_does_not_end_a_frame_that_was_begun_with_other_bytes() -> None:
    """The Close frame about a fault of the client does not become the end of a picture that was not sent in full."""
    picture = encode_frame(bytes(1 << 20))

    async def handler(peer: WebSocketPeer) -> None:
        assert peer.sink.try_send(picture) is WriteResult.PART
        await peer.receive()

    async def talk(client: RawClient) -> None:
        await client.send(client_frame(Opcode.TEXT, b"\xff"))
        await wait_all_tasks_blocked()
        await expect_end(client, 1007)
        assert client.frames[0].data == bytes(1 << 20)

    await converse(handler, talk)


# Other people's judgement

LEFT_OUT = ["9.3.1", "9.3.2", "9.4.1", "9.4.2", "12.*", "13.*"]
INFORMATIONAL = {"7.1.6", "7.13.1", "7.13.2"}


@pytest.mark.e2e
async def test_the_autobahn_cases_pass(tmp_path: Path) -> None:
    """Each case ends as ``autobahn.md`` says, and with a Close frame where the client's did not lack a code."""
    without = [argument for case in LEFT_OUT for argument in ("--exclude", case)]
    # A process of its own: kosoku changes the standard library to suit cases that were written for Python 2.
    kosoku = [sys.executable, "-c", "from kosoku._cli import main; main()", "--outdir", str(tmp_path), *without]
    async with trio.open_nursery() as nursery:
        router, port = await nursery.start(serve_echo)
        with trio.fail_after(90):
            ended = await trio.run_process(
                [*kosoku, "--parallelism", "4", f"ws://127.0.0.1:{port}"], check=False, capture_stdout=True
            )
        nursery.cancel_scope.cancel()

    (cases,) = json.loads((tmp_path / "index.json").read_text()).values()
    verdicts = {case: (result["behavior"], result["behaviorClose"]) for case, result in cases.items()}
    assert {verdict: case for case, verdict in verdicts.items() if "FAILED" in verdict} == {}
    assert {case for case, verdict in verdicts.items() if verdict != ("OK", "OK")} == INFORMATIONAL
    assert [case for case, result in cases.items() if result["remoteCloseCode"] is None] == ["7.3.1"]
    assert (ended.returncode, len(cases), router.log.ended_by) == (0, 297, {})


# Bounds


def resident() -> int:
    """Return the bytes of memory that this process uses."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def over_tcp(handler: Handler, talk: Callable[[trio.SocketStream], Awaitable[None]]) -> None:
    """Let a client talk to a handler through TCP, where what is sent to a closed socket is answered with a reset."""

    async def serve(stream: trio.SocketStream) -> None:
        peer = PeerStream(stream, 5)
        peer.push_back(await peer.receive_some())
        await serve_one(peer, handler, LIMITS)

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            (listener,) = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
            async with await trio.testing.open_stream_to_socket_listener(listener) as stream:
                await stream.send_all(HANDSHAKE)
                await talk(stream)
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("fragments", [1, 4])
@pytest.mark.parametrize("opcode", [Opcode.BINARY, Opcode.TEXT])
async def test_a_message_of_the_limit_is_taken_and_one_byte_more_is_not(opcode: int, fragments: int) -> None:
    """The bound is on messages, whatever they are cut into."""
    limit = b"0123456789abcde" * (LIMITS.max_message_size // 15) + b"x"
    got: list[str | bytes] = []

    def in_fragments(message: bytes) -> bytes:
        size = len(message) // fragments
        pieces = [message[size * number :][: size if number + 1 < fragments else None] for number in range(fragments)]
        opcodes = [opcode] + [Opcode.CONTINUATION] * (fragments - 1)
        frames = zip(opcodes, pieces, strict=True)
        return b"".join(client_frame(*frame, final=number == fragments) for number, frame in enumerate(frames, 1))

    async def talk(client: RawClient) -> None:
        await client.send(in_fragments(limit) + in_fragments(limit + b"x"))
        await expect_end(client, 1009)

    await converse(collect(got), talk)
    assert len(limit) == LIMITS.max_message_size
    assert got == [limit.decode() if opcode == Opcode.TEXT else limit]


async def test_a_client_that_still_sends_reads_why_it_is_refused() -> None:
    """20 MiB of a message are on their way when the Close frame about it is; no reset overtakes it."""
    wire = client_frame(Opcode.BINARY, bytes(20 << 20))

    async def talk(stream: trio.SocketStream) -> None:
        client = RawClient(stream)
        await client.read_handshake()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send, wire)
            while client.close_code is None:
                assert await client.read()
        await client.send(close_frame(1009))
        await client.read_to_end()
        assert (client.close_code, client.reset) == (1009, False)

    await over_tcp(collect([]), talk)


async def test_a_client_that_reads_only_when_all_is_sent_finds_out_too() -> None:
    """As do blocking clients, for which sending comes first."""
    wire = client_frame(Opcode.BINARY, bytes(20 << 20))

    async def talk(stream: trio.SocketStream) -> None:
        client = RawClient(stream)
        await client.read_handshake()
        await client.send(wire + close_frame(1000))
        await client.read_to_end()
        assert (client.close_code, client.reset) == (1009, False)

    await over_tcp(collect([]), talk)


async def test_another_library_sees_the_close_code() -> None:
    """The client of websockets reports 1009 for 20 MiB, and not a connection that was lost."""

    def send_too_much(port: int) -> int | None:
        with connect(f"ws://127.0.0.1:{port}", max_size=None, compression=None) as websocket:
            with suppress(ConnectionClosed):
                websocket.send(bytes(20 << 20))
                websocket.recv()
            return websocket.protocol.close_code

    async with trio.open_nursery() as nursery:
        router, port = await nursery.start(serve_echo)
        with trio.fail_after(10):
            assert await trio.to_thread.run_sync(send_too_much, port) == 1009
            await router.wait_until_left()
        nursery.cancel_scope.cancel()


async def test_memory_is_taken_for_what_comes_and_not_for_what_is_promised() -> None:
    """A client may promise the largest message that is allowed; that costs nothing until it comes."""
    limits = attrs.evolve(LIMITS, max_message_size=1 << 30)
    before = resident()

    async def talk(client: RawClient) -> None:
        await client.send(client_frame(Opcode.BINARY, bytes(1000), length=1 << 30))
        await wait_all_tasks_blocked()
        assert resident() - before < 100 << 20

    await converse(collect([]), talk, limits=limits)


async def test_small_fragments_have_a_rate() -> None:
    """Messages of a thousand fragments of one byte are refused after a few; those of larger fragments are not."""
    heard: list[str | bytes] = []

    def message(size: int) -> bytes:
        payload = b"x" * size
        return (
            client_frame(Opcode.TEXT, payload, final=False)
            + client_frame(Opcode.CONTINUATION, payload, final=False) * 998
            + client_frame(Opcode.CONTINUATION, payload)
        )

    async def talk(client: RawClient) -> None:
        for size in [512] * 10 + [1] * 4:
            await client.send(message(size))
        await client.send(message(1))
        while client.close_code is None:
            assert await client.read()
        assert client.close_code == 1008

    await converse(collect(heard), talk)
    assert [len(said) for said in heard] == [512_000] * 10 + [1000] * 4


@pytest.mark.parametrize("payload", [b"", b"x"])
async def test_endless_fragments_end(payload: bytes) -> None:
    """Fragments without an end are refused after 4096, and what they took is given back."""
    before = resident()

    async def talk(client: RawClient) -> None:
        await client.send(client_frame(Opcode.TEXT, payload, final=False))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send_forever, client)
            while client.close_code is None:
                assert await client.read()
            nursery.cancel_scope.cancel()
        assert client.close_code == 1008
        assert resident() - before < 5 << 20

    async def send_forever(client: RawClient) -> None:
        while True:
            await client.send(client_frame(Opcode.CONTINUATION, payload, final=False))

    await converse(collect([]), talk)


async def test_a_flood_that_never_ends_is_cut_off() -> None:
    """A client that goes on sending pings after it was refused, and never says goodbye, has its connection closed."""
    limits = attrs.evolve(LIMITS, close_timeout=0.1)

    async def talk(client: RawClient) -> None:
        with trio.fail_after(2), suppress(trio.BrokenResourceError):
            while True:
                await client.send(client_frame(Opcode.PING, b"again"))
        while await client.read():
            pass
        assert client.close_code == 1008

    await converse(collect([]), talk, limits=limits)


async def test_compression_is_not_agreed_on() -> None:
    """A client that offers it gets a handshake without extensions."""

    def offer(port: int) -> list[object]:
        with connect(f"ws://127.0.0.1:{port}", compression="deflate") as websocket:
            return list(websocket.protocol.extensions)

    async with trio.open_nursery() as nursery:
        _, port = await nursery.start(serve_echo)
        assert await trio.to_thread.run_sync(offer, port) == []
        nursery.cancel_scope.cancel()


# Peers that vanish


BEGUN = {
    "nothing": b"",
    "a head": client_frame(Opcode.BINARY, bytes(1000))[:1],
    "binary": client_frame(Opcode.BINARY, bytes(1000))[:500],
    "text": client_frame(Opcode.TEXT, b"x" * 1000)[:500],
    "a message of fragments": client_frame(Opcode.TEXT, b"x", final=False),
    "a ping": client_frame(Opcode.PING, b"x" * 100)[:50],
    "a goodbye": close_frame(1000)[:7],
}


@pytest.mark.parametrize("how", ["FIN", "reset"])
@pytest.mark.parametrize("begun", sorted(BEGUN))
async def test_a_client_that_vanishes_is_noticed_at_once(begun: str, how: str) -> None:
    """In the middle of anything, with a FIN or a reset: the handler hears of it, and no task stays behind."""
    heard: list[str] = []
    gone = trio.Event()

    async def handler(peer: WebSocketPeer) -> None:
        try:
            await peer.receive()
        except PeerGone as error:
            heard.append(str(error))
            gone.set()
            raise

    async def talk(stream: trio.SocketStream) -> None:
        client = RawClient(stream)
        await client.read_handshake()
        await client.send(BEGUN[begun])
        await wait_all_tasks_blocked()
        if how == "reset":
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await stream.aclose()
        with trio.fail_after(5):
            await gone.wait()

    await over_tcp(handler, talk)
    assert heard == ["connection lost"]


async def test_whoever_is_still_sending_is_alive() -> None:
    """Pings wait for their answer as long as something comes, and no longer."""
    limits = attrs.evolve(LIMITS, ping_interval=0.05, ping_timeout=0.1)
    picture = client_frame(Opcode.BINARY, bytes(1000))
    got: list[str | bytes] = []

    async def talk(client: RawClient) -> None:
        for start in range(0, len(picture), 100):
            await client.send(picture[start : start + 100])
            await trio.sleep(0.05)
        with trio.fail_after(5):
            await client.read_to_end()
        assert client.close_code is None
        assert {int(frame.opcode) for frame in client.frames} == {Opcode.PING}

    await converse(collect(got), talk, limits=limits)
    assert got == [bytes(1000)]


# Descriptors


async def test_no_connection_touches_the_descriptor_of_another() -> None:
    """The kernel gives the number of a closed socket to the next one: whoever still waits or writes leaves it alone."""
    ours, theirs = trio.socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    stream = PeerStream(trio.SocketStream(ours), 5)
    fast_path = FastPath.along(stream, head_size=0, max_message_size=1000)
    number = ours.fileno()
    assert fast_path.writer.try_send(bytes(1 << 20)) is WriteResult.PART
    ended: list[str] = []

    async def receive() -> None:
        assert await fast_path.reader.receive() is None
        ended.append("receive")

    async def finish() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await fast_path.writer.finish()
        ended.append("finish")

    with trio.fail_after(5), theirs:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive)
            nursery.start_soon(finish)
            await wait_all_tasks_blocked()
            stream.abort()
            # Ready in both directions before those who waited run.
            others = [socket.socketpair() for _ in range(3)]
            for one, other in others:
                one.send(b"not yours")
                other.send(b"not yours")
    assert sorted(ended) == ["finish", "receive"]
    assert fast_path.writer.try_send(b"mine") is WriteResult.NOTHING
    assert await fast_path.reader.receive() is None
    with pytest.raises(trio.ClosedResourceError):
        await fast_path.writer.finish()
    assert number in {end.fileno() for pair in others for end in pair}
    for end in (end for pair in others for end in pair):
        assert end.recv(100) == b"not yours"
        end.close()
