"""TLS on a peer's connection: the same bytes, the same bounds and the same freshness as without it."""

from __future__ import annotations

import random
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest
import trio
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skysentry_trio.base.held_memory import HeldMemory
from skysentry_trio.base.sink import WriteResult
from skysentry_trio.server.transport.certificate import create_context
from skysentry_trio.server.transport.frame_writer import TlsFrameWriter
from skysentry_trio.server.transport.peer_stream import CHUNK
from skysentry_trio.server.transport.tls_entrance import enter_by_tls
from skysentry_trio.server.transport.tls_stream import HandshakeFailed, TlsStream

AUTHORITY = trustme.CA()
NAME = "sky.example"
_OVERHEAD = 1024
"""More than what TLS adds to 64 KiB."""


def server_context() -> ssl.SSLContext:
    context = create_context()
    AUTHORITY.issue_cert(NAME).configure_cert(context)
    return context


CONTEXT = server_context()


def client_context(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    context.minimum_version = context.maximum_version = version
    return context


def connection(memory: HeldMemory | None = None, write_timeout: float = 10.0) -> tuple[TlsStream, trio.SocketStream]:
    """Return our end of a connection, and the bare stream of the other end."""
    ours, theirs = (trio.SocketStream(trio.socket.from_stdlib_socket(one)) for one in socket.socketpair())
    for stream in (ours, theirs):
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32 * 1024)
    return TlsStream(ours, write_timeout, memory or HeldMemory(), context=CONTEXT), theirs


@asynccontextmanager
async def shaken(
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    memory: HeldMemory | None = None,
    write_timeout: float = 10.0,
    *,
    lenient: bool = True,
) -> AsyncIterator[tuple[TlsStream, trio.SSLStream[trio.SocketStream]]]:
    """Give both ends of a connection after the handshake, ours first; a client that is not lenient needs the alert."""
    ours, theirs = connection(memory, write_timeout)
    client = trio.SSLStream(theirs, client_context(version), server_hostname=NAME, https_compatible=lenient)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.do_handshake)
        await ours.shake_hands()
    try:
        yield ours, client
    finally:
        ours.abort()
        theirs.socket.close()


async def read_exactly(client: trio.SSLStream[trio.SocketStream], size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        more = await client.receive_some(16 * 1024)
        assert more
        data += more
    return bytes(data)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_bytes_go_both_ways(version: ssl.TLSVersion, autojump_clock: trio.abc.Clock) -> None:
    """What one side sends is what the other one gets, in TLS 1.2 and 1.3."""
    data = random.Random(1).randbytes(3_000_000)
    async with shaken(version) as (ours, client), trio.open_nursery() as nursery:
        assert ours.version == version.name.replace("_", ".")
        nursery.start_soon(ours.send_all, data)
        assert await read_exactly(client, len(data)) == data
        nursery.start_soon(client.send_all, data)
        received = bytearray()
        while len(received) < len(data):
            received += await ours.receive_some()
        assert received == data


async def test_only_http_1_is_offered(autojump_clock: trio.abc.Clock) -> None:
    """A browser that could speak HTTP/2 speaks HTTP/1.1, because its WebSockets would not pass the router."""
    ours, theirs = connection()
    context = client_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    client = trio.SSLStream(theirs, context, server_hostname=NAME)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.do_handshake)
        await ours.shake_hands()
    assert client.selected_alpn_protocol() == "http/1.1"
    ours.abort()
    await trio.aclose_forcefully(client)


@pytest.mark.parametrize("cipher", ["AES128", "AES256", "CHACHA20"])
async def test_the_client_chooses_the_cipher(cipher: str, autojump_clock: trio.abc.Clock) -> None:
    """A client knows which cipher is the fastest on its processor, and names this cipher first."""
    # In TLS 1.2, because Python cannot order the ciphers of TLS 1.3.
    context = client_context(ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(f"ECDHE+{cipher}:ECDHE+AESGCM:ECDHE+CHACHA20")
    ours, theirs = connection()
    client = trio.SSLStream(theirs, context, server_hostname=NAME)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.do_handshake)
        await ours.shake_hands()
    name, _, _ = client.cipher()
    assert cipher in name
    ours.abort()
    await trio.aclose_forcefully(client)


async def test_a_session_is_resumed(autojump_clock: trio.abc.Clock) -> None:
    """A client that comes back with its ticket needs no certificate again."""
    context = client_context(ssl.TLSVersion.TLSv1_2)
    session = None
    for attempt in range(2):
        ours, theirs = connection()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(incoming, outgoing, server_hostname=NAME, session=session)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ours.shake_hands)
            while True:
                try:
                    client.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    await theirs.send_all(outgoing.read())
                    incoming.write(await theirs.receive_some())
            if rest := outgoing.read():
                await theirs.send_all(rest)
        assert client.session_reused is (attempt == 1)
        session = client.session
        ours.abort()
        theirs.socket.close()


async def test_little_ciphertext_waits_and_nothing_behind_it(autojump_clock: trio.abc.Clock) -> None:
    """Of a large frame to a peer that does not read, one piece is encrypted in advance, and its bytes are counted."""
    memory = HeldMemory()
    frame = random.Random(2).randbytes(5 * 1024 * 1024)
    async with shaken(memory=memory) as (ours, client), trio.open_nursery() as nursery:
        writer = TlsFrameWriter(ours)
        assert writer.try_send(frame) == WriteResult.PART
        assert 0 < len(ours._unsent) <= CHUNK + _OVERHEAD
        assert writer.try_send(b"another frame") == WriteResult.NOTHING
        nursery.start_soon(writer.finish)
        await trio.testing.wait_all_tasks_blocked()
        assert len(frame) < memory.sending <= len(frame) + CHUNK + _OVERHEAD
        assert await read_exactly(client, len(frame)) == frame
        await trio.testing.wait_all_tasks_blocked()
        assert memory.sending == 0
        assert writer.try_send(b"another frame") == WriteResult.ALL
        assert await read_exactly(client, 13) == b"another frame"


async def test_a_frame_is_whole_only_when_the_kernel_has_its_last_byte(autojump_clock: trio.abc.Clock) -> None:
    """If only ciphertext is left, the writer comes back for it, because nobody else would send it."""
    async with shaken() as (ours, client), trio.open_nursery() as nursery:
        writer = TlsFrameWriter(ours)
        sizes = []
        while (result := writer.try_send(bytes(1000))) == WriteResult.ALL:
            sizes.append(1000)
        assert result == WriteResult.PART
        nursery.start_soon(writer.finish)
        assert await read_exactly(client, sum(sizes) + 1000) == bytes(sum(sizes) + 1000)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    writes=st.lists(
        st.tuples(st.sampled_from(["now", "soon", "all"]), st.sampled_from([1, 2, 100]) | st.integers(1, 200_000)),
        min_size=1,
        max_size=8,
    ),
    reads=st.lists(st.integers(2000, 100_000), min_size=1, max_size=5),
)
async def test_bytes_arrive_in_order_however_they_are_written(writes: list[tuple[str, int]], reads: list[int]) -> None:
    """Writes of every kind, of every size, to a peer that reads in every size: the peer gets the same bytes."""
    chance = random.Random(3)
    data = [chance.randbytes(size) for _, size in writes]
    async with shaken() as (ours, client), trio.open_nursery() as nursery:

        async def write() -> None:
            for (kind, _), piece in zip(writes, data, strict=True):
                rest = memoryview(piece)
                if kind == "now":
                    rest = rest[ours.write_now(rest) :]
                while rest and kind != "all":
                    rest = rest[await ours.write_soon(rest) :]
                if rest:
                    await ours.send_all(rest)

        nursery.start_soon(write)
        received = bytearray()
        while len(received) < sum(map(len, data)):
            received += await client.receive_some(reads[len(received) % len(reads)])
        assert received == b"".join(data)


async def test_connections_do_not_mix_what_they_send(autojump_clock: trio.abc.Clock) -> None:
    """Peers that are stuck, that fail, and that read: each of them gets its own bytes."""
    frames = [random.Random(number).randbytes(300_000) for number in range(4)]
    async with shaken() as (first, one), shaken() as (second, other), shaken() as (failing, gone):
        writers = [TlsFrameWriter(stream) for stream in (first, second, failing)]
        assert [writer.try_send(frame) for writer, frame in zip(writers, frames, strict=False)] == [
            WriteResult.PART
        ] * 3
        gone.transport_stream.socket.close()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(writers[0].finish)
            with pytest.raises(trio.BrokenResourceError):
                await writers[2].finish()
            nursery.start_soon(writers[1].send, frames[3])
            assert await read_exactly(other, 600_000) == frames[1] + frames[3]
            assert await read_exactly(one, 300_000) == frames[0]


async def test_what_openssl_cannot_send_is_given_to_nobody_else(autojump_clock: trio.abc.Clock) -> None:
    """A connection that was closed in TLS leaves nothing behind for the next one."""
    async with shaken() as (closed, _), shaken() as (ours, client):
        with suppress(ssl.SSLError):
            closed._tls.unwrap()
        assert closed.write_now(b"too late") == 0
        assert ours.write_now(b"in time") == 7
        assert await read_exactly(client, 7) == b"in time"


async def test_a_write_that_was_cancelled_goes_on(autojump_clock: trio.abc.Clock) -> None:
    """After a cancellation, the same bytes are written again, and the peer gets each byte once."""
    frame = random.Random(4).randbytes(1_000_000)
    async with shaken() as (ours, client), trio.open_nursery() as nursery:
        writer = TlsFrameWriter(ours)
        with trio.move_on_after(1):
            await writer.send(frame)
        nursery.start_soon(writer.send, b"next")
        assert await read_exactly(client, len(frame) + 4) == frame + b"next"


async def test_tiny_records_are_read_together(autojump_clock: trio.abc.Clock) -> None:
    """A peer that sends many records of one byte costs one wait, not one for each record."""
    async with shaken() as (ours, client):
        for _ in range(20):
            await client.send_all(b"x")
        assert await ours.read_soon(CHUNK) == b"x" * 20


@pytest.mark.parametrize("politely", [True, False])
async def test_the_end_is_the_end(politely: bool, autojump_clock: trio.abc.Clock) -> None:
    """A peer that closes has sent all, whether it says so in TLS or only closes its connection."""
    async with shaken() as (ours, client):
        await client.send_all(b"last")
        if politely:
            with suppress(ssl.SSLError, ssl.SSLWantReadError):
                client._ssl_object.unwrap()
            await client.transport_stream.send_all(client._outgoing.read())
        await client.transport_stream.send_eof()
        assert await ours.receive_some() == b"last"
        assert await ours.receive_some() == b""
        assert await ours.receive_some() == b""


async def test_our_end_is_said_in_tls(autojump_clock: trio.abc.Clock) -> None:
    """A client that checks that nothing is cut off gets the alert, even if it still sends."""
    async with shaken(lenient=False) as (ours, client), trio.open_nursery() as nursery:
        await client.send_all(b"still sending")
        await ours.send_all(b"goodbye")
        nursery.start_soon(ours.linger, 5)
        assert await client.receive_some() == b"goodbye"
        assert await client.receive_some() == b""
        await client.transport_stream.send_eof()


async def test_invalid_records_end_the_connection(autojump_clock: trio.abc.Clock) -> None:
    """A record that cannot be decrypted is an error, not data."""
    async with shaken() as (ours, client):
        await client.transport_stream.send_all(b"\x17\x03\x03\x00\x20" + bytes(32))
        with pytest.raises(trio.BrokenResourceError, match="TLS failed"):
            await ours.receive_some()


async def test_after_the_end_of_a_connection_writes_fail(autojump_clock: trio.abc.Clock) -> None:
    """A write without a wait writes nothing, and one with a wait says why."""
    async with shaken() as (ours, client):
        client.transport_stream.socket.close()
        ours.write_now(b"x" * 100)
        assert ours.write_now(b"x" * 100) == 0
        with pytest.raises(trio.BrokenResourceError):
            await ours.write_soon(memoryview(b"x"))
        ours.abort()
        assert ours.write_now(b"x") == 0
        with pytest.raises(trio.ClosedResourceError):
            await ours.write_soon(memoryview(b"x"))


async def test_a_peer_that_reads_nothing_loses_the_connection(autojump_clock: trio.abc.Clock) -> None:
    """The bound for 64 KiB holds with TLS too."""
    async with shaken(write_timeout=10) as (ours, _):
        began = trio.current_time()
        with pytest.raises(trio.BrokenResourceError, match="less than 64 KiB in 10 s"):
            await ours.send_all(bytes(1_000_000))
        assert trio.current_time() - began == pytest.approx(10)


async def entering(*said: bytes, leaves: bool = False, seconds: float = 5.0) -> tuple[tuple[str, str] | None, bytes]:
    """Let a peer say something instead of a handshake; return what was noted, and what the peer got."""
    ours, theirs = connection()
    result: list[tuple[str, str] | None] = []
    answer = bytearray()

    async def enter() -> None:
        result.append(await enter_by_tls(ours, seconds))
        ours.abort()

    async def read() -> None:
        with suppress(trio.BrokenResourceError):
            while data := await theirs.receive_some():
                answer.extend(data)
        await theirs.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(enter)
        for piece in said:
            await theirs.send_all(piece)
            await trio.testing.wait_all_tasks_blocked()
        if leaves:
            await theirs.send_eof()
        nursery.start_soon(read)
    return result[0], bytes(answer)


def client_hello() -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context().wrap_bio(incoming, outgoing, server_hostname=NAME)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


async def test_a_handshake_has_a_deadline(autojump_clock: trio.abc.Clock) -> None:
    """A peer that stops in the middle of its handshake is ended and counted."""
    began = trio.current_time()
    noted, _ = await entering(client_hello()[:50])
    assert noted == ("tls-timeout", "no TLS handshake within 5 s")
    assert trio.current_time() - began == pytest.approx(5)


@pytest.mark.parametrize("leaves", [True, False])
async def test_a_connection_without_a_byte_is_a_probe(leaves: bool, autojump_clock: trio.abc.Clock) -> None:
    """Load balancers connect only to see whether the port is open."""
    noted, answer = await entering(leaves=leaves)
    assert noted is not None
    assert noted[0] == "no-request"
    assert answer == b""


async def test_a_peer_may_leave_during_the_handshake(autojump_clock: trio.abc.Clock) -> None:
    """Half a ClientHello, or all of it and nothing more, is counted as left."""
    for said in (client_hello()[:50], client_hello()):
        noted, _ = await entering(said, leaves=True)
        assert noted is not None
        assert noted[0] == "left-before-tls"


async def test_garbage_after_the_client_hello_is_an_error(autojump_clock: trio.abc.Clock) -> None:
    """The peer gets an alert that says so."""
    noted, answer = await entering(client_hello(), b"\x99garbage" * 10)
    assert noted is not None
    assert noted[0] == "tls-failed"
    assert answer[:1] == b"\x16"
    # In TLS 1.3 an alert looks like data; it has two bytes and what protects them.
    assert answer[-24:-19] == b"\x17\x03\x03\x00\x13"


async def test_old_versions_are_refused(autojump_clock: trio.abc.Clock) -> None:
    """TLS 1.1 is not spoken, and the peer is told."""
    hello = bytearray(client_hello())
    # The ClientHello of a client of 2006: version 3.2, one cipher, no extensions.
    body = b"\x03\x02" + bytes(32) + b"\x00\x00\x02\xc0\x09\x01\x00"
    hello[:] = b"\x16\x03\x01" + (len(body) + 4).to_bytes(2, "big") + b"\x01" + len(body).to_bytes(3, "big") + body
    noted, answer = await entering(bytes(hello))
    assert noted == ("tls-failed", "UNSUPPORTED_PROTOCOL")
    assert answer[:1] == b"\x15"


async def test_plain_http_is_answered_with_a_sentence(autojump_clock: trio.abc.Clock) -> None:
    """Those who forget the s are told, also if their request comes in pieces."""
    noted, answer = await entering(b"GET /capture?a=b HTTP/1.1\r\nHo", b"st: cam.local:8443\r\n\r\n")
    assert noted == ("plain-http", "plain HTTP at a port with TLS")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"use https://cam.local:8443/capture" in answer


async def test_a_browser_over_plain_http_is_led_to_https(autojump_clock: trio.abc.Clock) -> None:
    """People type the address without its scheme; a program, or a host that leads elsewhere, gets the sentence."""
    asked = b"GET /capture?a=b HTTP/1.1\r\nAccept: text/html,*/*\r\nHost: "
    noted, answer = await entering(asked + b"cam.local:8443\r\n\r\n")
    assert noted == ("plain-http", "plain HTTP at a port with TLS")
    assert answer.startswith(b"HTTP/1.1 308 ")
    assert b"Location: https://cam.local:8443/capture?a=b\r\n" in answer
    _, answer = await entering(asked + b"cam.local\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


async def test_what_is_neither_is_ended_without_an_answer(autojump_clock: trio.abc.Clock) -> None:
    """A program that speaks something else gets nothing."""
    for said in (b"SSH-2.0-OpenSSH_9.2\r\n", b"\x00\x01\x02\x03", b"GET /" + b"a" * 20_000):
        noted, answer = await entering(said)
        assert noted == ("not-tls", "neither TLS nor HTTP")
        assert answer == b""


async def test_plain_bytes_without_an_end_are_ended_in_time(autojump_clock: trio.abc.Clock) -> None:
    """Half a plain request does not hold a connection."""
    began = trio.current_time()
    noted, _ = await entering(b"GET / HTTP/1.1\r\n")
    assert noted is not None
    assert noted[0] == "not-tls"
    assert trio.current_time() - began == pytest.approx(5)


async def test_a_handshake_without_an_end_is_refused(autojump_clock: trio.abc.Clock) -> None:
    """A ClientHello may be long, but not longer than what is kept for it."""
    ours, theirs = connection()
    # OpenSSL waits for a message of 128 KiB, in as many records as it takes.
    message = b"\x01\x01\xff\xff" + bytes(0x1FFFF)
    records = b"".join(
        b"\x16\x03\x01" + len(piece).to_bytes(2, "big") + piece
        for piece in (message[start : start + 16_000] for start in range(0, len(message), 16_000))
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(_send_and_ignore_errors, theirs, records))
        with pytest.raises(HandshakeFailed):
            await ours.shake_hands()
        ours.abort()
    await theirs.aclose()


async def _send_and_ignore_errors(stream: trio.SocketStream, data: bytes) -> None:
    with suppress(trio.BrokenResourceError):
        await stream.send_all(data)
