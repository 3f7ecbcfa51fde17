"""WebSocket frames as bytes, checked against another implementation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, TextMessage

from skysentry_trio.wire.framing import (
    MAX_HEAD_SIZE,
    FrameHead,
    Opcode,
    decode_head,
    encode_client_frame,
    encode_close,
    encode_frame,
    fit_reason,
)

SIZES = [0, 1, 125, 126, 127, 65535, 65536, 70000]


def received_by_client(data: bytes) -> list[Event]:
    """Return what wsproto's client makes of what the server sent."""
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(data)
    return list(client.events())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("text", [False, True])
def test_a_frame_is_a_message_to_others(size: int, text: bool) -> None:
    """Another implementation reads one whole message, text or binary, at every form of length."""
    message: bytes | str = "x" * size if text else b"x" * size

    (event,) = received_by_client(encode_frame(message))

    assert isinstance(event, TextMessage if text else BytesMessage)
    assert event.data == message
    assert event.message_finished


@given(text=st.text())
def test_a_text_is_sent_as_utf_8(text: str) -> None:
    """Length and payload are of the bytes."""
    (event,) = received_by_client(encode_frame(text))

    assert isinstance(event, TextMessage)
    assert event.data == text


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("final", [False, True])
def test_a_client_frame_is_one_to_others(size: int, final: bool) -> None:
    """A server takes it, with every form of length, whether it ends its message or not."""
    server = Connection(ConnectionType.SERVER)
    server.receive_data(frame := encode_client_frame(Opcode.BINARY, b"x" * size, final=final))

    parts = [event for event in server.events() if isinstance(event, BytesMessage)]

    assert b"".join(part.data for part in parts) == b"x" * size
    assert parts[-1].message_finished == final
    head = decode_head(frame)
    assert head is not None
    assert head.is_lawful


@pytest.mark.parametrize("size", SIZES)
def test_the_head_of_a_server_frame_says_what_follows(size: int) -> None:
    """Reading a head back gives opcode, length and its own size."""
    frame = encode_frame(bytes(size))

    head = decode_head(frame)

    assert head == FrameHead(True, 0, Opcode.BINARY, None, size, len(frame) - size)


@given(
    final=st.booleans(),
    reserved=st.integers(0, 7),
    opcode=st.integers(0, 15),
    mask=st.none() | st.binary(min_size=4, max_size=4),
    length=st.sampled_from(SIZES) | st.integers(0, 2**63 - 1),
)
def test_every_head_is_read_as_it_was_written(
    final: bool, reserved: int, opcode: int, mask: bytes | None, length: int
) -> None:
    """All bits of a head arrive, from its last byte on and not before, whatever follows it."""
    second = 0x80 if mask else 0
    if length < 126:
        announced = bytes((second | length,))
    elif length < 1 << 16:
        announced = bytes((second | 126,)) + length.to_bytes(2, "big")
    else:
        announced = bytes((second | 127,)) + length.to_bytes(8, "big")
    data = bytes((final << 7 | reserved << 4 | opcode,)) + announced + (mask or b"")

    assert decode_head(data + b"more") == FrameHead(final, reserved, opcode, mask, length, len(data))
    assert len(data) <= MAX_HEAD_SIZE
    for end in range(len(data)):
        assert decode_head(data[:end]) is None


@given(code=st.sampled_from([1000, 1001, 1008, 1009, 1013, 4001]), reason=st.text())
def test_a_close_frame_is_one_to_others(code: int, reason: str) -> None:
    """Another implementation reads code and reason, shortened to what fits."""
    (event,) = received_by_client(encode_close(code, reason))

    assert isinstance(event, CloseConnection)
    assert event.code == code
    assert reason.startswith(event.reason or "")


@given(reason=st.text(st.characters(codec=None)))
def test_every_reason_fits(reason: str) -> None:
    """At most 123 bytes of valid UTF-8, unchanged if it is that already."""
    fitted = fit_reason(reason)

    assert len(fitted.encode()) <= 123
    if len(reason.encode("utf-8", "replace")) <= 123:
        assert fitted == reason.encode("utf-8", "replace").decode()


@given(
    final=st.booleans(),
    reserved=st.sampled_from([0, 0, 0, 1, 4]),
    opcode=st.integers(0, 15),
    masked=st.sampled_from([True, True, True, False]),
    form=st.sampled_from(
        [(0, 125), (2, 125), (2, 126), (2, 65535), (8, 65535), (8, 65536), (8, 2**63 - 1), (8, 2**63)]
    ),
)
def test_a_head_is_lawful_when_others_take_it(
    final: bool, reserved: int, opcode: int, masked: bool, form: tuple[int, int]
) -> None:
    """Another implementation refuses just those heads that we say no client may send."""
    extended, length = form
    short = {0: length, 2: 126, 8: 127}[extended]
    data = bytes((final << 7 | reserved << 4 | opcode, masked << 7 | short))
    data += length.to_bytes(extended, "big") if extended else b""
    data += bytes(4) if masked else b""
    server = Connection(ConnectionType.SERVER)
    if opcode == Opcode.CONTINUATION:
        server.receive_data(b"\x02\x80" + bytes(4))
    server.receive_data(data)

    refused = any(isinstance(event, CloseConnection) for event in server.events())

    head = decode_head(data)
    assert head is not None
    assert head.is_lawful != refused
