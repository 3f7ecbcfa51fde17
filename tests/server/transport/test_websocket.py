from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import trio

from tests.daemons import CertificateFiles, running_daemon
from tests.raw_peer import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PATIENCE,
    PING,
    PONG,
    TEXT,
    Address,
    RawPeer,
    client_frame,
    handshake,
    picture,
    register,
    request_head,
)

LIMIT = 200_000
Open = Callable[[Address], AbstractAsyncContextManager[RawPeer]]
OPEN: dict[str, Open] = {
    "camera": lambda server: server.camera("bad"),
    "viewer": lambda server: server.viewer(),
    "stranger": lambda server: server.websocket("/ws"),
}
everybody = pytest.mark.parametrize("kind", list(OPEN))


@asynccontextmanager
async def checked_daemon(files: CertificateFiles | None = None) -> AsyncIterator[Address]:
    """Run a daemon, and see afterwards that nothing in it crashed and nobody is left."""
    async with running_daemon(files, max_frame_size=LIMIT, max_fps=1000, shutdown_grace=0.5) as address:
        yield address
        health = await address.wait_until_alone()
        assert "crash" not in health["connectionsEnded"]
        assert health["failing"] == {}


@pytest.fixture
async def server() -> AsyncIterator[Address]:
    async with checked_daemon() as address:
        yield address


@pytest.fixture
async def either_server(perhaps_tls: CertificateFiles | None) -> AsyncIterator[Address]:
    """Run a test twice: with a server without TLS, and with one with it."""
    async with checked_daemon(perhaps_tls) as address:
        yield address


def reset(peer: RawPeer) -> None:
    """Leave without a goodbye."""
    peer.transport.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    peer.transport.socket.close()


async def refused(peer: RawPeer, code: int) -> None:
    """Expect a Close frame with this code, and the end of the connection when it was answered."""
    assert (await peer.close_frame()).close_code == code
    await peer.try_to_send(client_frame(CLOSE, code.to_bytes(2, "big")))
    assert await peer.ending() == "eof"


# Handshakes


@pytest.mark.parametrize("path", ["/ws", "/stream/ws"])
async def test_compression_is_not_agreed_on(server: Address, path: str) -> None:
    """A JPEG gains nothing by it, and it costs a hundred times more than sending."""
    async with server.connection() as peer:
        await peer.send(handshake(path, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"))
        answer = await peer.answer()
        assert answer.status == 101
        assert "sec-websocket-extensions" not in answer.headers


@pytest.mark.parametrize(
    ("offered", "agreed"),
    [(None, None), ("skysentry.v1", "skysentry.v1"), ("a, skysentry.v1", "skysentry.v1"), ("skysentry.v2", None)],
)
async def test_the_subprotocol_is_agreed_on(server: Address, offered: str | None, agreed: str | None) -> None:
    """Of what a viewer offers, ours is chosen, or none."""
    headers = () if offered is None else (f"Sec-WebSocket-Protocol: {offered}",)
    async with server.connection() as peer:
        await peer.send(handshake("/stream/ws", *headers))
        assert (await peer.answer()).headers.get("sec-websocket-protocol") == agreed


BAD_HANDSHAKES = {
    "no key": "Sec-WebSocket-Version: 13",
    "a short key": "Sec-WebSocket-Version: 13|Sec-WebSocket-Key: short",
    "no version": "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "an old version": "Sec-WebSocket-Version: 8|Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "a strange version": "Sec-WebSocket-Version: x|Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "two keys": "Sec-WebSocket-Version: 13|" + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==|" * 2,
}


@pytest.mark.parametrize("fault", list(BAD_HANDSHAKES))
@pytest.mark.parametrize("leave", ["read", "reset"])
async def test_a_bad_handshake_is_refused(server: Address, fault: str, leave: str) -> None:
    """The client gets an HTTP error and the end at once, or leaves without waiting for it."""
    lines = ["Connection: Upgrade", "Upgrade: websocket", *BAD_HANDSHAKES[fault].strip("|").split("|")]
    async with server.connection() as peer:
        await peer.send(request_head("/ws", *lines))
        if leave == "read":
            with trio.fail_after(5):
                assert (await peer.answer()).status == 400
                assert await peer.ending() == "eof"
        else:
            reset(peer)


@pytest.mark.parametrize(
    "header",
    [
        "Host: a..b",
        f"Host: {'x' * 100}.example",
        "Host: \xff",
        "Connection: keep-alive",
        "Sec-WebSocket-Extensions: ,;=,permessage-deflate;;",
        'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits="99"',
        'Sec-WebSocket-Protocol: ,;"',
    ],
)
async def test_strange_headers_do_no_harm(server: Address, header: str) -> None:
    """What a handshake has besides the necessary opens the WebSocket or is refused, at once."""
    request = handshake("/stream/ws", *() if header.startswith("Host") else (header,))
    if header.startswith("Host"):
        request = request.replace(b"Host: sky.localhost", header.encode("latin-1"))
    async with server.connection() as peer:
        await peer.send(request)
        with trio.fail_after(5):
            assert (await peer.answer()).status in {101, 400}


async def test_a_handshake_followed_by_a_reset_is_no_crash(server: Address) -> None:
    """However far the server got with the answer."""
    for _ in range(20):
        async with server.connection() as peer:
            await peer.send(handshake("/stream/ws"), client_frame(TEXT, b"{}"))
            reset(peer)


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS"])
async def test_a_handshake_is_a_get(server: Address, method: str) -> None:
    """Other methods open no WebSocket (RFC 6455 section 4.1)."""
    async with server.connection() as peer:
        await peer.send(handshake("/ws").replace(b"GET", method.encode(), 1))
        with trio.fail_after(5):
            assert (await peer.answer(method)).status == 400


async def test_what_follows_a_handshake_in_the_same_packet_counts(server: Address) -> None:
    """A client may talk before it is answered; nothing of that is lost."""
    async with server.connection() as peer, server.viewer() as viewer:
        jpeg = picture(3000)
        await peer.send(handshake("/ws"), register("door"), client_frame(BINARY, jpeg))
        assert (await peer.answer()).status == 101
        assert (await peer.message())["type"] == "registration-success"
        assert await viewer.picture() == (1, jpeg)


# Messages


async def test_a_frame_of_the_largest_size_is_taken(server: Address) -> None:
    """The limit itself is allowed."""
    async with server.camera("door") as camera, server.viewer() as viewer:
        await camera.send(client_frame(BINARY, jpeg := picture(LIMIT)))
        assert await viewer.picture() == (1, jpeg)


async def goes_on(peer: RawPeer) -> None:
    """Expect an answer to a question, perhaps after others."""
    await peer.send(client_frame(TEXT, b'{"type":"clock","sentAt":5}'))
    with trio.fail_after(PATIENCE):
        while (await peer.message())["type"] != "clock":
            pass


async def test_a_frame_that_is_too_large_is_dropped(server: Address) -> None:
    """The camera is told so before it has sent all of it, no viewer gets anything, and the next frame is taken."""
    large = client_frame(BINARY, picture(4 * LIMIT))
    async with server.viewer() as viewer, server.camera("door") as camera:
        await camera.send(large[:100])
        assert (await camera.message())["code"] == "frame-too-large"
        await camera.send(large[100:], client_frame(BINARY, jpeg := picture()))
        assert await viewer.picture() == (1, jpeg)
        await goes_on(camera)


@everybody
@pytest.mark.parametrize("opcode", [BINARY, TEXT])
async def test_a_message_that_is_much_too_large_is_skipped(server: Address, kind: str, opcode: int) -> None:
    """However much of it comes, nothing of it is kept, and the connection goes on."""
    async with OPEN[kind](server) as peer:
        await peer.send(client_frame(opcode, bytes(20_000_000)))
        await goes_on(peer)


@everybody
@pytest.mark.parametrize("length", [1 << 27, 1 << 40, (1 << 63) - 1])
async def test_a_message_that_claims_to_be_too_large_by_far_is_refused_by_its_head(
    server: Address, kind: str, length: int
) -> None:
    """Nobody waits for a terabyte, and no memory is set aside for it."""
    async with OPEN[kind](server) as peer:
        await peer.send(client_frame(BINARY, length=length))
        with trio.fail_after(PATIENCE):
            assert (await peer.close_frame()).close_code == 1009
        assert await peer.ending() == "eof"


@everybody
@pytest.mark.parametrize("opcode", [BINARY, TEXT])
async def test_a_fragmented_message_that_grows_too_large_is_skipped(server: Address, kind: str, opcode: int) -> None:
    """What counts is the sum of its fragments; pings between them are answered."""
    first, middle = (
        client_frame(opcode, bytes(50_000), final=False),
        client_frame(CONTINUATION, bytes(50_000), final=False),
    )
    async with OPEN[kind](server) as peer:
        for _ in range(3):
            await peer.send(first, *[middle] * 10, client_frame(PING, b"between"), *[middle] * 10)
            while (await peer.frame()).opcode != PONG:
                pass
            await peer.send(client_frame(CONTINUATION, bytes(50_000)))
            await goes_on(peer)


async def test_a_first_fragment_may_be_too_large_already(server: Address) -> None:
    """Then its message is skipped from the beginning, and the next one is taken."""
    async with server.viewer() as viewer, server.camera("door") as camera:
        await camera.send(client_frame(BINARY, bytes(2 * LIMIT), final=False), client_frame(CONTINUATION, bytes(9)))
        await camera.send(client_frame(BINARY, jpeg := picture()))
        assert await viewer.picture() == (1, jpeg)


async def test_a_message_without_end_is_not_skipped_for_ever(server: Address) -> None:
    """Neither in many small fragments nor in large ones."""
    for size, count in ((1, 5000), (1 << 20, 70)):
        async with server.camera("door") as camera, trio.open_nursery() as nursery:
            pieces = [client_frame(CONTINUATION, bytes(size), final=False)] * count
            nursery.start_soon(camera.try_to_send, client_frame(BINARY, bytes(2 * LIMIT), final=False), *pieces)
            assert (await camera.close_frame()).close_code in {1008, 1009}
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("pieces", [2, 3, 100])
async def test_a_frame_may_come_in_fragments(server: Address, pieces: int) -> None:
    """RFC 6455 lets every sender cut a message up; pings between the pieces are answered."""
    jpeg = picture(10_000)
    step = len(jpeg) // pieces + 1
    async with server.camera("door") as camera, server.viewer() as viewer:
        for start in range(0, len(jpeg), step):
            opcode = CONTINUATION if start else BINARY
            piece = jpeg[start : start + step]
            await camera.send(client_frame(opcode, piece, final=start + step >= len(jpeg)))
            if not start:
                await camera.send(client_frame(PING, b"between"))
        pong = await camera.frame()
        assert (pong.opcode, pong.payload) == (PONG, b"between")
        assert await viewer.picture() == (1, jpeg)


async def test_a_frame_may_come_byte_by_byte(server: Address) -> None:
    """However the network cuts the stream, heads and payloads are put together again."""
    jpeg = picture(1000)
    async with server.camera("door") as camera, server.viewer() as viewer:
        camera.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        for byte in client_frame(BINARY, jpeg) + client_frame(BINARY, jpeg)[:700]:
            await camera.send(bytes((byte,)))
            await trio.lowlevel.checkpoint()
        await camera.send(client_frame(BINARY, jpeg)[700:])
        assert await viewer.picture() == (1, jpeg)
        assert await viewer.picture() == (2, jpeg)


async def test_many_frames_in_one_packet_are_all_taken(server: Address) -> None:
    """What was read too far belongs to the next frame."""
    jpegs = [picture(1000 + number, number) for number in range(60)]
    async with server.camera("door") as camera, server.viewer() as viewer:
        for start in range(0, 60, 20):
            await camera.send(*(client_frame(BINARY, jpeg) for jpeg in jpegs[start : start + 20]))
            await server.wait_until_healthy(lambda health: health["framesReceived"] == start + 20)  # noqa: B023
        last = 0
        while last < 60:
            last, jpeg = await viewer.picture()
            assert jpeg == jpegs[last - 1]


@pytest.mark.parametrize("mask", [b"\0\0\0\0", b"\xff\0\xff\0", b"\x01\x02\x03\x04"])
@pytest.mark.parametrize("size", [1000, 1001, 1002, 1003, 65_535, 65_536])
async def test_every_mask_and_length_is_undone(server: Address, mask: bytes, size: int) -> None:
    """What the viewer gets is what the camera meant, byte for byte."""
    async with server.camera("door") as camera, server.viewer() as viewer:
        await camera.send(client_frame(BINARY, jpeg := picture(size), mask=mask))
        assert await viewer.picture() == (1, jpeg)


# What the protocol does not allow


@everybody
@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([client_frame(TEXT, b"\xff")], id="never UTF-8"),
        pytest.param([client_frame(TEXT, b"{\xc3\x28}")], id="broken in the middle"),
        pytest.param([client_frame(TEXT, b"caf\xc3")], id="cut off"),
        pytest.param([client_frame(TEXT, b"\xed\xa0\x80")], id="a surrogate"),
        pytest.param(
            [client_frame(TEXT, b"caf", final=False), client_frame(CONTINUATION, b"\xff\xfe")], id="in a fragment"
        ),
        pytest.param([client_frame(CLOSE, b"\x03\xe8\xff")], id="in the reason of a Close frame"),
    ],
)
async def test_text_that_is_not_utf_8_is_refused(server: Address, kind: str, frames: list[bytes]) -> None:
    """The client gets a Close frame with 1007, then the end."""
    async with OPEN[kind](server) as peer:
        await peer.send(*frames)
        await refused(peer, 1007)


VIOLATIONS = {
    **{f"opcode {opcode}": [client_frame(opcode, b"x")] for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    **{f"reserved bits {bits}": [client_frame(TEXT, b"{}", reserved=bits)] for bits in (1, 2, 4, 7)},
    **{f"reserved bit on opcode {opcode}": [client_frame(opcode, reserved=4)] for opcode in (BINARY, PING, CLOSE)},
    **{f"unmasked {opcode}": [client_frame(opcode, b"{}", mask=None)] for opcode in (TEXT, BINARY, PING)},
    "unmasked picture": [client_frame(BINARY, picture(1000), mask=None)],
    **{
        f"close code {code}": [client_frame(CLOSE, code.to_bytes(2, "big"))]
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)
    },
    "half a close code": [client_frame(CLOSE, b"\x03")],
    "a continuation of nothing": [client_frame(CONTINUATION, b"x")],
    "a final continuation of nothing": [client_frame(CONTINUATION, b"x", final=False)],
    "a message within a message": [client_frame(TEXT, b"{", final=False), client_frame(TEXT, b"}")],
    "a picture within a message": [client_frame(TEXT, b"{", final=False), client_frame(BINARY, picture())],
    "a fragmented ping": [client_frame(PING, b"x", final=False)],
    "a fragmented close": [client_frame(CLOSE, b"\x03\xe8", final=False)],
    "a long ping": [client_frame(PING, bytes(126))],
    "a long close": [client_frame(CLOSE, b"\x03\xe8" + bytes(124))],
    "a short length in 16 bits": [b"\x82\xfe\x00\x05" + bytes(4) + b"12345"],
    "a short length in 64 bits": [b"\x82\xff\x00\x00\x00\x00\x00\x00\x00\x05" + bytes(4) + b"12345"],
}


@everybody
@pytest.mark.parametrize("violation", list(VIOLATIONS))
async def test_a_violation_of_the_protocol_is_refused(server: Address, kind: str, violation: str) -> None:
    """The client gets a Close frame with 1002, then the end; the next one is served as if nothing had been."""
    async with OPEN[kind](server) as peer:
        await peer.send(*VIOLATIONS[violation])
        await refused(peer, 1002)
    async with server.viewer():
        pass


@everybody
async def test_after_a_violation_nothing_counts(server: Address, kind: str) -> None:
    """What is sent behind it is read by nobody, and does not cost the client the Close frame."""
    async with OPEN[kind](server) as peer:
        await peer.try_to_send(client_frame(3), *[client_frame(BINARY, picture(10_000))] * 50)
        assert (await peer.close_frame()).close_code == 1002
    assert (await server.health())["framesReceived"] == 0


# Floods


async def flood(server: Address, peer: RawPeer, *frames: bytes, code: int) -> None:
    """Send the frames again and again until the server has had enough; others are served meanwhile."""
    async with server.camera("calm") as camera, server.viewer("?client=calm") as viewer, trio.open_nursery() as nursery:

        async def send() -> None:
            while True:
                await peer.try_to_send(*frames)
                await trio.lowlevel.checkpoint()

        nursery.start_soon(send)
        await camera.send(client_frame(BINARY, jpeg := picture()))
        assert await viewer.picture() == (1, jpeg)
        with trio.fail_after(PATIENCE):
            assert (await peer.close_frame()).close_code == code
        nursery.cancel_scope.cancel()


@everybody
async def test_a_flood_of_pings_is_ended(server: Address, kind: str) -> None:
    """It costs the sender its connection with 1008 within two seconds."""
    async with OPEN[kind](server) as peer:
        await flood(server, peer, client_frame(PING, b"x" * 100) * 100, code=1008)


@everybody
async def test_a_flood_of_pongs_is_ended(server: Address, kind: str) -> None:
    """Answers that nobody asked for are as bad as questions."""
    async with OPEN[kind](server) as peer:
        await flood(server, peer, client_frame(PONG) * 100, code=1008)


@everybody
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("size", [0, 1])
async def test_a_message_of_endless_tiny_fragments_is_ended(server: Address, kind: str, opcode: int, size: int) -> None:
    """A message that is always about to end, and never grows, is a flood too."""
    async with OPEN[kind](server) as peer:
        await peer.send(client_frame(opcode, b"{", final=False))
        await flood(server, peer, client_frame(CONTINUATION, bytes(size), final=False) * 100, code=1008)


async def test_who_goes_on_flooding_is_cut(either_server: Address) -> None:
    """Nobody listens for ever for the answer to a goodbye."""
    async with either_server.viewer() as peer, trio.open_nursery() as nursery:

        async def send() -> None:
            while True:
                await peer.try_to_send(client_frame(PING) * 100)
                await trio.lowlevel.checkpoint()

        nursery.start_soon(send)
        with trio.fail_after(6):
            assert (await peer.close_frame()).close_code == 1008
            await peer.ending()
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("kind", ["camera", "viewer"])
async def test_a_flood_of_messages_is_ended(kind: str) -> None:
    """A thousand small messages a second are no camera's and no viewer's way."""
    async with running_daemon() as server, OPEN[kind](server) as peer:
        await flood(server, peer, client_frame(TEXT, b'{"type":"x"}') * 100, code=1008)


async def test_ordinary_pings_are_no_flood(server: Address) -> None:
    """A client that pings ten times a second is answered each time."""
    async with server.viewer() as viewer:
        for number in range(20):
            await viewer.send(client_frame(PING, payload := str(number).encode()))
            pong = await viewer.frame()
            assert (pong.opcode, pong.payload) == (PONG, payload)
            await trio.sleep(0.02)


# Goodbyes


@everybody
@pytest.mark.parametrize("payload", [b"", b"\x03\xe8", b"\x03\xe9going", b"\x0f\xa0own code", b"\x0b\xb8"])
async def test_a_goodbye_is_answered(server: Address, kind: str, payload: bytes) -> None:
    """The Close frame comes back with its code, and the connection ends at once."""
    async with OPEN[kind](server) as peer:
        await peer.send(client_frame(CLOSE, payload))
        with trio.fail_after(5):
            answer = await peer.close_frame()
            assert answer.payload[:2] == payload[:2] or not payload
            assert await peer.ending() == "eof"


@everybody
async def test_after_a_goodbye_nothing_counts(server: Address, kind: str) -> None:
    """Frames behind a Close frame are ignored (RFC 6455 section 1.4)."""
    async with OPEN[kind](server) as peer:
        await peer.try_to_send(
            client_frame(CLOSE, b"\x03\xe8"), client_frame(PING), client_frame(BINARY, picture()), client_frame(3)
        )
        assert (await peer.close_frame()).close_code == 1000
    assert (await server.health())["framesReceived"] == 0


@everybody
async def test_who_vanishes_is_forgotten_at_once(either_server: Address, kind: str) -> None:
    """A reset needs no goodbye."""
    async with OPEN[kind](either_server) as peer:
        reset(peer)
        with trio.fail_after(5):
            await either_server.wait_until_alone()


@everybody
async def test_who_closes_the_line_without_a_word_is_forgotten_at_once(either_server: Address, kind: str) -> None:
    """The end of the stream is the end of the connection, in the middle of a frame too."""
    async with OPEN[kind](either_server) as peer:
        await peer.send(client_frame(BINARY, b"x", length=1000))
        await peer.transport.send_eof()
        with trio.fail_after(5):
            await peer.ending()
            await either_server.wait_until_alone()


async def test_a_camera_that_never_registers_is_cut() -> None:
    """It is told so with 1008 after the registration timeout."""
    async with running_daemon(registration_timeout=0.2) as server, server.websocket("/ws") as peer:
        error = await peer.message()
        assert (error["type"], error["code"]) == ("registration-error", "registration-timeout")
        await refused(peer, 1008)


async def test_a_frame_before_the_registration_is_an_error(server: Address) -> None:
    """Nothing of it is stored, and the camera can still register."""
    async with server.websocket("/ws") as peer:
        await peer.send(client_frame(BINARY, picture()))
        assert (await peer.message())["code"] == "not-registered"
        await goes_on(peer)
        await peer.send(register("door"))
        assert (await peer.message())["type"] == "registration-success"
        assert (await server.health())["framesReceived"] == 0


async def test_a_registration_may_come_in_fragments(server: Address) -> None:
    """Text is put together like everything else."""
    text = json.dumps({"type": "client-registration", "clientId": "door"}).encode()
    async with server.websocket("/ws") as peer:
        await peer.send(client_frame(TEXT, text[:7], final=False), client_frame(CONTINUATION, text[7:]))
        assert (await peer.message())["type"] == "registration-success"


# Peers that are there no longer


@pytest.mark.parametrize("kind", ["camera", "viewer"])
async def test_who_answers_no_ping_is_gone(kind: str, perhaps_tls: CertificateFiles | None) -> None:
    """A link that was cut says nothing; the missing pong does."""
    async with running_daemon(perhaps_tls, ping_interval=0.1, ping_timeout=0.2) as server, OPEN[kind](server) as peer:
        while (await peer.frame()).opcode != PING:
            pass
        with trio.fail_after(PATIENCE):
            await server.wait_until_alone()
        assert await peer.ending() == "reset"


@pytest.mark.parametrize("kind", ["camera", "viewer"])
async def test_who_answers_pings_stays(kind: str) -> None:
    """However long it says nothing else."""
    async with running_daemon(ping_interval=0.05, ping_timeout=0.2) as server, OPEN[kind](server) as peer:
        for _ in range(10):
            while (frame := await peer.frame()).opcode != PING:
                pass
            await peer.send(client_frame(PONG, frame.payload))
        assert (await server.health())["connections"] == 2


async def test_who_vanishes_in_the_middle_of_a_frame_is_gone(perhaps_tls: CertificateFiles | None) -> None:
    """No ping can be sent behind a frame that the link does not take; the time for the frame ends the connection."""
    async with (
        running_daemon(perhaps_tls, write_timeout=0.3, ping_interval=0.1, ping_timeout=60.0, max_fps=1000) as server,
        server.camera("door") as camera,
        server.connection(receive_buffer=4096) as viewer,
        trio.open_nursery() as nursery,
    ):
        await viewer.send(handshake("/stream/ws"))
        assert (await viewer.answer()).status == 101

        async def send_pictures() -> None:
            while True:
                await camera.send(client_frame(BINARY, picture(1_000_000)))
                await trio.sleep(0.02)

        nursery.start_soon(send_pictures)
        with trio.fail_after(PATIENCE):
            await server.wait_until_healthy(lambda health: health["connections"] == 2 and health["framesReceived"])
        nursery.cancel_scope.cancel()


async def test_a_viewer_that_reads_slowly_but_answers_pings_stays(perhaps_tls: CertificateFiles | None) -> None:
    """A ping waits its turn behind a large frame, not longer than its timeout."""
    async with (
        running_daemon(perhaps_tls, ping_interval=0.1, ping_timeout=5.0, max_fps=1000) as server,
        server.camera("door") as camera,
        server.viewer() as viewer,
    ):
        viewer.transport.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        async with trio.open_nursery() as nursery:

            async def send_pictures() -> None:
                while True:
                    await camera.send(client_frame(BINARY, picture(50_000)))
                    await trio.sleep(0.01)

            async def answer_pings() -> None:
                while True:
                    frame = await camera.frame()
                    if frame.opcode == PING:
                        await camera.send(client_frame(PONG, frame.payload))

            nursery.start_soon(send_pictures)
            nursery.start_soon(answer_pings)
            answered = 0
            with trio.fail_after(PATIENCE):
                while answered < 5:
                    frame = await viewer.frame()
                    await trio.sleep(0.02)
                    if frame.opcode == PING:
                        answered += 1
                        await viewer.send(client_frame(PONG, frame.payload))
            nursery.cancel_scope.cancel()


async def test_pongs_and_pictures_do_not_mix(either_server: Address) -> None:
    """Whatever is written by whom, frames follow each other whole: every picture is right, every ping is answered."""
    jpegs = [picture(60_000, shade) for shade in range(50)]
    async with either_server.camera("door") as camera, either_server.viewer() as viewer, trio.open_nursery() as nursery:
        viewer.transport.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)

        async def send_pictures() -> None:
            for jpeg in jpegs:
                await camera.send(client_frame(BINARY, jpeg))
                await trio.sleep(0.005)

        async def send_pings() -> None:
            for number in range(50):
                await viewer.send(client_frame(PING, str(number).encode()))
                await trio.sleep(0.01)

        nursery.start_soon(send_pictures)
        nursery.start_soon(send_pings)
        pongs: list[int] = []
        last = 0
        while len(pongs) < 50 or last < 50:
            frame = await viewer.frame()
            if frame.opcode == PONG:
                pongs.append(int(frame.payload))
            elif frame.opcode == BINARY:
                length = int.from_bytes(frame.payload[:2], "big")
                sequence = json.loads(frame.payload[2 : 2 + length])["sequence"]
                assert sequence > last
                last = sequence
                assert frame.payload[2 + length :] == jpegs[sequence - 1]
        assert pongs == list(range(50))


# Memory


@pytest.mark.parametrize(("kind", "is_tls"), [("whole", False), ("whole", True), ("fragments", False)])
async def test_unfinished_messages_fill_the_memory_and_then_new_ones_are_refused(
    kind: str, is_tls: bool, tmp_path: Path
) -> None:
    """Messages of which only a part has come count in ``max_memory``: beyond it, 1013, and others go on."""
    size = 1_000_000
    async with (
        running_daemon(
            CertificateFiles(tmp_path) if is_tls else None,
            max_frame_size=size + 1000,
            max_memory=3_000_000,
            shutdown_grace=0.5,
        ) as server,
        server.viewer("?client=door") as viewer,
        server.camera("door") as door,
        AsyncExitStack() as stack,
    ):
        await door.send(client_frame(BINARY, jpeg := picture(20_000)))
        assert await viewer.picture() == (1, jpeg)
        beginning = (
            client_frame(BINARY, bytes(size), length=size + 1)
            if kind == "whole"
            else client_frame(BINARY, bytes(size // 2), final=False)
            + client_frame(CONTINUATION, bytes(size // 2), final=False)
        )
        codes: list[int] = []
        peers = [await stack.enter_async_context(server.camera(f"bad-{number}")) for number in range(5)]
        async with trio.open_nursery() as nursery:

            async def expect_refusal(peer: RawPeer) -> None:
                codes.append((await peer.close_frame()).close_code)
                if len(codes) == 2:
                    nursery.cancel_scope.cancel()

            for peer in peers:
                nursery.start_soon(peer.try_to_send, beginning)
                nursery.start_soon(expect_refusal, peer)
        # How many are refused depends on the order in which their messages grow.
        assert set(codes) == {1013}
        await door.send(client_frame(BINARY, jpeg))
        assert await viewer.picture() == (2, jpeg)


async def test_messages_of_peers_that_left_free_the_memory() -> None:
    """However often peers fill the memory and leave, the next one finds it free."""
    size = 1_000_000
    async with (
        running_daemon(max_frame_size=size + 1000, max_memory=1_500_000) as server,
        server.camera("door") as door,
    ):
        for number in range(5):
            async with server.camera(f"bad-{number % 2}") as peer:
                await peer.send(client_frame(BINARY, bytes(size), length=size + 1))
                await trio.sleep(0.05)
            await server.wait_until_healthy(lambda health: health["connections"] == 2)
        await door.send(client_frame(BINARY, picture(size)))
        health = await server.wait_until_healthy(lambda health: health["framesReceived"] == 1)
        assert health["memory"] == size
