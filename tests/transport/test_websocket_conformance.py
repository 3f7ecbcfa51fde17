"""A whole WebSocket connection against what RFC 6455 asks, and against those who care nothing for it."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from skysentry_trio.exceptions import PeerGone
from skysentry_trio.flow import Sent
from skysentry_trio.transport.websocket import WebSocketPeer
from skysentry_trio.wire.framing import Opcode, encode_frame

from .autobahn_echo import serve_echo
from .raw_client import RawClient, client_frame, close_frame, collect, converse


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
        client.going_away.set()
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
        client.going_away.set()
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
            client.going_away.set()
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
        client.going_away.set()
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
        client.going_away.set()
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
        assert peer.try_send_frame(picture) is Sent.PART
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
    assert (ended.returncode, len(cases), router.ended_by) == (0, 297, {})
