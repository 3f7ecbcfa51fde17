"""The fast path: messages arrive whole and in order or not at all, wherever they are cut and whichever task writes."""

from __future__ import annotations

import random
from contextlib import suppress
from functools import partial
from itertools import cycle

import pytest
import trio
from attrs import define, field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked
from trio_websocket import ConnectionClosed
from websockets.utils import apply_mask

from skysentry_trio.base.exceptions import PeerGone
from skysentry_trio.base.frames import JpegFrame, RingStatistics
from skysentry_trio.base.sink import WriteResult
from skysentry_trio.server.relay.delivery import Delivery
from skysentry_trio.server.relay.notices import CameraNotice, Notice
from skysentry_trio.server.relay.outbox import Outbox, PartialWrite
from skysentry_trio.server.transport.frame_reader import FrameReader
from skysentry_trio.server.transport.peer_stream import PeerStream
from skysentry_trio.server.transport.websocket import WebSocketPeer
from skysentry_trio.wire.framing import Opcode, decode_head, encode_frame
from tests.frame_sinks import CallingSink
from tests.raw_peer import PATIENCE, client_frame
from tests.server.transport.raw_client import RawClient, close_frame, collect, converse

SIZES = st.sampled_from([0, 1, 125, 126, 127, 65535, 65536, 70000]) | st.integers(0, 3000)
CUTS = st.lists(st.integers(0, 80) | st.integers(0, 1 << 20), max_size=10)
CONTROLS = st.lists(st.tuples(st.sampled_from([Opcode.PING, Opcode.PONG]), st.binary(max_size=125)), max_size=2)


def make_payload(size: int, text: bool, seed: int) -> bytes:
    """Return bytes that repeat nowhere, or UTF-8 with characters of every length."""
    if not text:
        return random.Random(seed).randbytes(size)
    return ("aé€😀" * (size // 10 + 1)).encode()[:size].decode(errors="ignore").encode()


@st.composite
def messages(draw: st.DrawFn) -> tuple[list[str | bytes], list[bytes], bytes]:
    """Draw messages, the payloads of the pings among them, and all of it as a client sends it."""
    expected: list[str | bytes] = []
    pings: list[bytes] = []
    wire = b""

    def add_controls() -> bytes:
        controls = draw(CONTROLS)
        pings.extend(payload for opcode, payload in controls if opcode == Opcode.PING)
        return b"".join(client_frame(opcode, payload) for opcode, payload in controls)

    for seed in range(draw(st.integers(0, 5))):
        text = draw(st.booleans())
        payload = make_payload(draw(SIZES), text, seed)
        expected.append(payload.decode() if text else payload)
        wire += add_controls()
        ends = sorted(end % (len(payload) + 1) for end in draw(st.lists(st.integers(0, 1 << 20), max_size=3)))
        opcode, start = Opcode.TEXT if text else Opcode.BINARY, 0
        for end in ends:
            wire += client_frame(opcode, payload[start:end], final=False) + add_controls()
            opcode, start = Opcode.CONTINUATION, end
        wire += client_frame(opcode, payload[start:])
    return expected, pings, wire


@settings(max_examples=120, deadline=None)
@given(messages(), CUTS, st.integers(0, 40))
async def test_messages_arrive_however_the_stream_is_cut(
    drawn: tuple[list[str | bytes], list[bytes], bytes], cuts: list[int], early: int
) -> None:
    """Any messages, in any fragments, with control frames between, in any pieces: the same come out, in order."""
    expected, pings, wire = drawn
    wire += close_frame(1000, "bye")
    got: list[str | bytes] = []

    async def talk(client: RawClient) -> None:
        await client.send_in_pieces(wire[early:], cuts)
        frames = await client.read_to_end()
        assert [frame.data for frame in frames[:-1]] == pings
        assert client.close_code == 1000
        assert not client.reset

    await converse(collect(got), talk, early=wire[:early])
    assert got == expected


FAULTS = {
    "unmasked": (client_frame(Opcode.BINARY, b"x" * 20, mask=None), 1002),
    "unmasked text": (client_frame(Opcode.TEXT, b"x" * 20, mask=None), 1002),
    "unmasked ping": (client_frame(Opcode.PING, mask=None), 1002),
    "reserved bit": (client_frame(Opcode.BINARY, b"x" * 20, reserved=4), 1002),
    "reserved bit of a ping": (client_frame(Opcode.PING, reserved=1), 1002),
    "reserved opcode": (client_frame(3, b"x" * 20), 1002),
    "reserved opcode, not final": (client_frame(7, b"x" * 20, final=False), 1002),
    "reserved control opcode": (client_frame(0xB), 1002),
    "reserved control opcode, not final": (client_frame(0xF, final=False), 1002),
    "fragmented ping": (client_frame(Opcode.PING, b"x", final=False), 1002),
    "fragmented close": (client_frame(Opcode.CLOSE, b"\x03\xe8", final=False), 1002),
    "long ping": (client_frame(Opcode.PING, bytes(126)), 1002),
    "huge ping": (client_frame(Opcode.PING, length=1 << 40), 1002),
    "long pong": (client_frame(Opcode.PONG, bytes(70000)), 1002),
    "continuation of nothing": (client_frame(Opcode.CONTINUATION, b"x"), 1002),
    "continuation of nothing, not final": (client_frame(Opcode.CONTINUATION, b"x", final=False), 1002),
    "text within a message": (
        client_frame(Opcode.BINARY, b"x", final=False) + client_frame(Opcode.TEXT, b"x"),
        1002,
    ),
    "binary within a message": (
        client_frame(Opcode.TEXT, b"x", final=False) + client_frame(Opcode.BINARY, b"x"),
        1002,
    ),
    "message begun within a message": (client_frame(Opcode.TEXT, b"x", final=False) * 2, 1002),
    "16 bits for a short length": (client_frame(Opcode.BINARY, b"x", length_bytes=2), 1002),
    "64 bits for a short length": (client_frame(Opcode.BINARY, b"x" * 300, length_bytes=8), 1002),
    "16 bits for a short text": (client_frame(Opcode.TEXT, b"x", length_bytes=2), 1002),
    "close of one byte": (client_frame(Opcode.CLOSE, b"x"), 1002),
    "close code 0": (close_frame(0), 1002),
    "close code 999": (close_frame(999), 1002),
    "close code 1005": (close_frame(1005), 1002),
    "close code 1006": (close_frame(1006), 1002),
    "close code 1015": (close_frame(1015), 1002),
    "close code 2000": (close_frame(2000), 1002),
    "close code 5000": (close_frame(5000), 1002),
    "close code 65535": (close_frame(65535), 1002),
    "close reason": (client_frame(Opcode.CLOSE, b"\x03\xe8\xff\xfe"), 1007),
    "UTF-8": (client_frame(Opcode.TEXT, b"abc\xff"), 1007),
    "UTF-8 cut off": (client_frame(Opcode.TEXT, "€".encode()[:2]), 1007),
    "UTF-8 surrogate": (client_frame(Opcode.TEXT, b"\xed\xa0\x80"), 1007),
    "UTF-8 over fragments": (
        client_frame(Opcode.TEXT, b"a\xe2", final=False) + client_frame(Opcode.CONTINUATION, b"\x28\xa1"),
        1007,
    ),
    "UTF-8 of the first fragment": (client_frame(Opcode.TEXT, b"\xff", final=False), 1007),
    "over the limit": (client_frame(Opcode.BINARY, length=(1 << 20) + 1), 1009),
    "text over the limit": (client_frame(Opcode.TEXT, length=(1 << 20) + 1), 1009),
    "fragments over the limit": (
        client_frame(Opcode.BINARY, bytes(1 << 19), final=False)
        + client_frame(Opcode.CONTINUATION, length=(1 << 19) + 1),
        1009,
    ),
    "far over the limit": (client_frame(Opcode.BINARY, length=1 << 40), 1009),
    "as long as can be said": (client_frame(Opcode.BINARY, length=(1 << 64) - 1), 1009),
    "fragments without end": (
        client_frame(Opcode.BINARY, final=False) + client_frame(Opcode.CONTINUATION, final=False) * 4096,
        1008,
    ),
    "pings without end": (client_frame(Opcode.PING) * 200, 1008),
    "pongs without end": (client_frame(Opcode.PONG) * 200, 1008),
}


@settings(max_examples=150, deadline=None)
@given(messages(), st.sampled_from(sorted(FAULTS)), CUTS, st.booleans())
async def test_a_fault_ends_the_connection_after_what_came_before_it(
    drawn: tuple[list[str | bytes], list[bytes], bytes], name: str, cuts: list[int], more: bool
) -> None:
    """Messages before a fault arrive, none after it does, and the Close frame that says what was wrong is the last."""
    expected, _, wire = drawn
    fault, code = FAULTS[name]
    after = client_frame(Opcode.BINARY, b"after") + client_frame(Opcode.TEXT, b"after") if more else b""
    got: list[str | bytes] = []
    await converse(collect(got), partial(_send_fault, wire + fault + after, cuts, code))
    assert got == expected


async def _send_fault(wire: bytes, cuts: list[int], code: int, client: RawClient) -> None:
    await client.send_in_pieces(wire, cuts)
    while client.close_code is None:
        assert await client.read(), f"expected a Close frame with {code}, got {client.frames}"
    await client.send(close_frame(code))
    await client.stream.send_eof()
    await client.read_to_end()
    assert (client.close_code, client.reset) == (code, False)


@pytest.mark.parametrize("name", sorted(FAULTS))
@pytest.mark.parametrize("more", [False, True])
async def test_every_fault_is_told(name: str, more: bool) -> None:
    """Each fault, alone or with more behind it, is answered with its code and then a FIN, at once."""
    fault, code = FAULTS[name]
    after = client_frame(Opcode.BINARY, b"after") + close_frame(1000) if more else b""
    got: list[str | bytes] = []
    await converse(collect(got), partial(_send_fault, fault + after, [], code))
    assert got == []


# Outwards

FRAME_SIZES = st.sampled_from([0, 125, 126, 4000, 65535, 65536, 200_000]) | st.integers(0, 3000)


@frozen
class Send:
    """Something to be sent, and what becomes of the one who sends it."""

    how: str
    size: int
    cancelled_after: int | None
    """So many turns of other tasks."""


SENDS = st.lists(
    st.builds(
        Send,
        how=st.sampled_from(["at once", "at once, then finish", "as a frame", "as text", "ping"]),
        size=FRAME_SIZES,
        cancelled_after=st.none() | st.integers(0, 30),
    ),
    max_size=8,
)


@define(eq=False)
class Sender:
    """Does what it is told, and notes what has to arrive because nobody cancelled it."""

    peer: WebSocketPeer
    name: str
    must_arrive: set[str] = field(factory=set)

    async def do(self, sends: list[Send]) -> None:
        for number, send in enumerate(sends):
            label = f"{self.name}{number:02}."
            with suppress(PeerGone), trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    if send.cancelled_after is not None:
                        nursery.start_soon(self._cancel, scope, send.cancelled_after)
                    elif send.how == "ping":
                        # This client answers none.
                        nursery.start_soon(self._cancel, scope, 10)
                    if await self._try(send, label + "x" * send.size):
                        self.must_arrive.add(label)
                    nursery.cancel_scope.cancel()

    async def _try(self, send: Send, message: str) -> bool:
        try:
            return await self._send(send, message)
        except PeerGone:
            return False

    async def _send(self, send: Send, message: str) -> bool:
        if send.how == "as text":
            await self.peer.send(message)
        elif send.how == "as a frame":
            await self.peer.send_frame(encode_frame(message.encode()))
        elif send.how == "ping":
            with suppress(ConnectionClosed):
                await self.peer._connection.ping(message[:125].encode())
            return False
        else:
            sent = self.peer.sink.try_send(encode_frame(message.encode()))
            if sent is WriteResult.PART and "finish" in send.how:
                await self.peer.finish_frame()
            await trio.lowlevel.checkpoint()
            return sent is not WriteResult.NOTHING
        return True

    @staticmethod
    async def _cancel(scope: trio.CancelScope, turns: int) -> None:
        for _ in range(turns):
            await trio.lowlevel.checkpoint()
        scope.cancel()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(SENDS, min_size=1, max_size=3),
    st.lists(st.integers(1, 5000), max_size=30),
    st.integers(0, 5),
    st.none() | st.integers(0, 60),
)
async def test_frames_leave_whole_and_in_order(
    plans: list[list[Send]], reads: list[int], pings: int, closed_after: int | None
) -> None:
    """Several tasks that send in every way, cut off anywhere, to a client that reads in fits: frames never mix."""
    senders: list[Sender] = []

    async def handler(peer: WebSocketPeer) -> None:
        senders.extend(Sender(peer, name) for name in "abc"[: len(plans)])
        async with trio.open_nursery() as nursery:
            for sender, plan in zip(senders, plans, strict=True):
                nursery.start_soon(sender.do, plan)
            if closed_after is not None:
                nursery.start_soon(close_after, peer, closed_after)
            nursery.start_soon(read_for_a_while, peer)

    async def read_for_a_while(peer: WebSocketPeer) -> None:
        # Pings are answered by whoever reads.
        with trio.move_on_after(0.01), suppress(PeerGone):
            await peer.receive()

    async def close_after(peer: WebSocketPeer, turns: int) -> None:
        for _ in range(turns):
            await trio.lowlevel.checkpoint()
        await peer.close(4000, "enough")

    async def talk(client: RawClient) -> None:
        await client.send(client_frame(Opcode.PING, b"ping") * pings)
        for size in reads:
            if client.close_code is None:
                await client.read(size)
                await trio.lowlevel.checkpoint()
        while client.close_code is None:
            assert await client.read(), "expected a Close frame at the end"
        await client.send(close_frame(1000))
        await client.read_to_end()
        assert client.close_code == 1000 if closed_after is None else client.close_code in (1000, 4000)
        assert (client.unfinished, client.reset) == (0, False)
        check_messages(client, senders, all_arrive=closed_after is None)

    await converse(handler, talk, send_buffer=1)


def check_messages(client: RawClient, senders: list[Sender], *, all_arrive: bool) -> None:
    labels = []
    for frame in client.frames:
        assert frame.fin
        if int(frame.opcode) in (Opcode.TEXT, Opcode.BINARY):
            data = bytes(frame.data)
            label, padding = data[:4].decode(), data[4:]
            assert padding == b"x" * len(padding)
            labels.append(label)
    for sender in senders:
        own = [label for label in labels if label.startswith(sender.name)]
        assert own == sorted(set(own))
        # What a goodbye overtakes is not sent, and whoever tried knows.
        assert all_arrive is False or sender.must_arrive <= set(own)


# With an outbox


STATS = RingStatistics(size=1, capacity=16, frame_count=1, latest_at=0.0, fps=0.0)


def make_delivery(camera_id: str, sequence: int, size: int = 0) -> Delivery:
    return Delivery(
        camera_id, JpegFrame(sequence, 0.0, None, b"%s %d " % (camera_id.encode(), sequence) + bytes(size), 4, 3), STATS
    )


def check_order(got: list[tuple[str, int]], offered: dict[str, int]) -> None:
    """Of each camera, numbers only grow, and the last is the last that was offered."""
    for camera_id, last in offered.items():
        numbers = [sequence for got_id, sequence in got if got_id == camera_id]
        assert numbers == sorted(set(numbers))
        assert numbers[-1] == last


OFFERS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4)), min_size=1, max_size=40)
"""Whose frame, and how many turns pass until the next."""


@given(
    OFFERS,
    st.lists(st.sampled_from(WriteResult), max_size=40),
    st.lists(st.integers(0, 6), min_size=1, max_size=10),
    st.lists(st.booleans(), min_size=1, max_size=10),
)
async def test_an_outbox_keeps_the_order_whatever_is_sent_at_once(
    offers: list[tuple[str, int]], results: list[WriteResult], delays: list[int], by_others: list[bool]
) -> None:
    """Frames and notices leave in order, the newest last, and none within another, whichever task finishes a write."""
    left: list[tuple[str, int]] = []
    answers, waits, others = iter(results), cycle(delays), cycle(by_others)
    begun = False

    def try_send(message: bytes) -> WriteResult:
        nonlocal begun
        sent = WriteResult.NOTHING if begun else next(answers, WriteResult.NOTHING)
        if sent is not WriteResult.NOTHING:
            camera_id, sequence = message.decode().split()
            left.append((camera_id, int(sequence)))
        begun = begun or sent is WriteResult.PART
        return sent

    async def send_all() -> None:
        nonlocal begun
        while True:
            waiting = await outbox.receive()
            for _ in range(next(waits)):
                await trio.lowlevel.checkpoint()
            begun = False
            if isinstance(waiting, Delivery):
                left.append((waiting.camera_id, waiting.frame.sequence))
            if isinstance(waiting, list):
                left.extend((camera_id, int(number)) for camera_id, number in map(str.split, map(write_down, waiting)))

    def write_down(notice: Notice) -> str:
        assert isinstance(notice, CameraNotice)
        return f"{notice.camera_id} {notice.name}"

    outbox = Outbox(
        3,
        lambda one: f"{one.camera_id} {one.frame.sequence}".encode(),
        CallingSink(try_send),
        encode_notice=lambda notice: write_down(notice).encode(),
    )
    offered: dict[str, int] = {}
    async with trio.open_nursery() as nursery:
        nursery.start_soon(send_all)
        for sequence, (camera_id, turns) in enumerate(offers):
            if camera_id == "c":
                outbox.notify(CameraNotice(camera_id, str(sequence), online=True))
                outbox.send_notice()
            else:
                outbox.offer(make_delivery(camera_id, sequence), 0.0)
            offered[camera_id] = sequence
            if next(others):
                begun = False
            for _ in range(turns):
                await trio.lowlevel.checkpoint()
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    check_order(left, offered)
    frames = [one for one in left if one[0] != "c"]
    assert outbox.sent == len(frames) == sum(camera_id != "c" for camera_id, _ in offers) - outbox.superseded


@settings(max_examples=100, deadline=None)
@given(
    OFFERS, st.lists(st.sampled_from([10, 5000, 100_000]), min_size=1), st.lists(st.integers(1, 50_000), max_size=20)
)
async def test_an_outbox_and_a_lane_keep_the_order(
    offers: list[tuple[str, int]], sizes: list[int], reads: list[int]
) -> None:
    """The same with real frames, a socket that is full at times, and pongs of the library between them."""
    offered: dict[str, int] = {}
    outboxes: list[Outbox] = []

    async def handler(peer: WebSocketPeer) -> None:
        outbox = Outbox(3, encode, peer.sink)
        outboxes.append(outbox)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send_all, peer, outbox)
            nursery.start_soon(offer_all, outbox)
            with suppress(PeerGone):
                await peer.receive()
            nursery.cancel_scope.cancel()

    def encode(delivery: Delivery) -> bytes:
        return encode_frame(delivery.frame.jpeg)

    async def send_all(peer: WebSocketPeer, outbox: Outbox) -> None:
        while True:
            waiting = await outbox.receive()
            if isinstance(waiting, Delivery):
                await peer.send_frame(waiting.encode(encode))
            elif isinstance(waiting, PartialWrite):
                await peer.finish_frame()

    async def offer_all(outbox: Outbox) -> None:
        for sequence, ((camera_id, turns), size) in enumerate(zip(offers, cycle(sizes), strict=False)):
            offered[camera_id] = sequence
            outbox.offer(make_delivery(camera_id, sequence, size), 0.0)
            for _ in range(turns):
                await trio.lowlevel.checkpoint()

    async def talk(client: RawClient) -> None:
        for size in reads:
            await client.send(client_frame(Opcode.PING))
            await client.read(size)
        got: list[tuple[str, int]] = []
        while outboxes[0].sent + outboxes[0].superseded < len(offers) or len(got) < outboxes[0].sent:
            await client.read()
            got = [
                (camera_id.decode(), int(sequence))
                for camera_id, sequence, _ in (
                    bytes(frame.data).split(b" ", 2) for frame in client.frames if int(frame.opcode) == Opcode.BINARY
                )
            ]
        check_order(got, offered)
        await client.send(close_frame(1000))
        await client.read_to_end()
        assert client.close_code == 1000

    await converse(handler, talk, send_buffer=1)


# What needs no library


async def test_what_came_in_one_piece_needs_no_library() -> None:
    """A viewer that acknowledges every frame costs a few microseconds for each, not the hundred of the library."""
    ours, theirs = trio.socket.socketpair()
    with theirs, ours, trio.fail_after(PATIENCE):
        early = client_frame(Opcode.TEXT, "aé€😀".encode()) + client_frame(Opcode.TEXT)
        reader = FrameReader(PeerStream(trio.SocketStream(ours), PATIENCE), 1 << 20, early)
        # There is no library here: whatever is left to it would wait for ever.
        assert await reader.receive() == "aé€😀"
        assert await reader.receive() == ""
        await theirs.send(client_frame(Opcode.TEXT, b"x" * 10_000) + client_frame(Opcode.BINARY, b"y"))
        assert await reader.receive() == "x" * 10_000
        assert await reader.receive() == b"y"


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(client_frame(Opcode.TEXT, b"abc")[:-1], id="has not come in full"),
        pytest.param(client_frame(Opcode.TEXT, b"abc", final=False), id="fragment"),
        pytest.param(client_frame(Opcode.TEXT, b"\xed\xa0\x80"), id="surrogate"),
        pytest.param(client_frame(Opcode.TEXT, b"abc", reserved=4), id="reserved bit"),
        pytest.param(client_frame(Opcode.TEXT, b"abc", mask=None), id="unmasked"),
        pytest.param(client_frame(Opcode.PING), id="ping"),
    ],
)
async def test_what_is_unusual_goes_to_the_library_unchanged(wire: bytes) -> None:
    """It waits for the rest, or says what is wrong."""
    ours, theirs = trio.socket.socketpair()
    with theirs, ours, trio.fail_after(PATIENCE):
        reader = FrameReader(PeerStream(trio.SocketStream(ours), PATIENCE), 1 << 20, wire)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reader.receive)
            assert await reader.receive_for_library() == wire
            nursery.cancel_scope.cancel()


async def test_fragments_that_came_together_are_one_for_the_library() -> None:
    """The library needs as long for a fragment of one byte as for a large one, and a peer may send thousands."""
    text = "aé€😀" * 20
    payload = text.encode()
    pieces = [client_frame(Opcode.CONTINUATION, payload[index : index + 1], final=False) for index in range(1, 100)]
    wire = client_frame(Opcode.TEXT, payload[:1], final=False) + b"".join(pieces)
    end = client_frame(Opcode.CONTINUATION, payload[100:])
    ours, theirs = trio.socket.socketpair()
    with theirs, ours, trio.fail_after(PATIENCE):
        reader = FrameReader(PeerStream(trio.SocketStream(ours), PATIENCE), 1 << 20, wire + end[:-1])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reader.receive)
            joined = await reader.receive_for_library()
            head = decode_head(joined)
            assert head is not None
            assert (head.opcode, head.final, head.is_lawful) == (Opcode.TEXT, False, True)
            assert apply_mask(joined[head.size :], head.mask or b"") == payload[:100]
            # What has not come in full is left as it is.
            assert await reader.receive_for_library() == end[:-1]
            await theirs.send(end[-1:])
            assert await reader.receive_for_library() == end[-1:]


async def test_a_ping_between_fragments_keeps_its_place() -> None:
    """Fragments before and behind it are joined, but not over it."""
    fragments = client_frame(Opcode.TEXT, b"ab", final=False) + client_frame(Opcode.CONTINUATION, b"cd", final=False)
    ping = client_frame(Opcode.PING, b"now")
    rest = client_frame(Opcode.CONTINUATION, b"ef", final=False) + client_frame(Opcode.CONTINUATION, b"g")
    ours, theirs = trio.socket.socketpair()
    with theirs, ours, trio.fail_after(PATIENCE):
        reader = FrameReader(PeerStream(trio.SocketStream(ours), PATIENCE), 1 << 20, fragments + ping + rest)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reader.receive)
            assert (await reader.receive_for_library()).endswith(b"abcd")
            assert await reader.receive_for_library() == ping
            assert (await reader.receive_for_library()).endswith(b"efg")
