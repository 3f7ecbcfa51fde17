"""The binary lane: whatever is cut where, and whoever writes when, messages arrive whole and in order or not at all."""

from __future__ import annotations

import random
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skysentry_trio.wire.framing import Opcode

from .raw_client import RawClient, client_frame, close_frame, collect, converse

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


@settings(max_examples=200, deadline=None)
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
    "unmasked": (client_frame(Opcode.BINARY, b"x" * 20, masked=False), 1002),
    "unmasked text": (client_frame(Opcode.TEXT, b"x" * 20, masked=False), 1002),
    "unmasked ping": (client_frame(Opcode.PING, masked=False), 1002),
    "reserved bit": (client_frame(Opcode.BINARY, b"x" * 20, reserved=4), 1002),
    "reserved bit of a ping": (client_frame(Opcode.PING, reserved=1), 1002),
    "reserved opcode": (client_frame(3, b"x" * 20), 1002),
    "reserved opcode, not final": (client_frame(7, b"x" * 20, final=False), 1002),
    "reserved control opcode": (client_frame(0xB), 1002),
    "reserved control opcode, not final": (client_frame(0xF, final=False), 1002),
    "fragmented ping": (client_frame(Opcode.PING, b"x", final=False), 1002),
    "fragmented close": (client_frame(Opcode.CLOSE, b"\x03\xe8", final=False), 1002),
    "long ping": (client_frame(Opcode.PING, bytes(126)), 1002),
    "huge ping": (client_frame(Opcode.PING, declared=1 << 40), 1002),
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
    "over the limit": (client_frame(Opcode.BINARY, declared=(1 << 20) + 1), 1009),
    "text over the limit": (client_frame(Opcode.TEXT, declared=(1 << 20) + 1), 1009),
    "fragments over the limit": (
        client_frame(Opcode.BINARY, bytes(1 << 19), final=False)
        + client_frame(Opcode.CONTINUATION, declared=(1 << 19) + 1),
        1009,
    ),
    "far over the limit": (client_frame(Opcode.BINARY, declared=1 << 40), 1009),
    "as long as can be said": (client_frame(Opcode.BINARY, declared=(1 << 64) - 1), 1009),
    "fragments without end": (
        client_frame(Opcode.BINARY, final=False) + client_frame(Opcode.CONTINUATION, final=False) * 4096,
        1008,
    ),
    "pings without end": (client_frame(Opcode.PING) * 200, 1008),
    "pongs without end": (client_frame(Opcode.PONG) * 200, 1008),
}


@settings(max_examples=300, deadline=None)
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
