"""WebSocket frames as bytes (RFC 6455 section 5): encode frames for peers, decode the heads of frames from peers."""

from __future__ import annotations

from typing import Final, NamedTuple

MAX_HEAD_SIZE = 14
"""Size in bytes of the longest head: two bytes, eight of extended length, four of mask."""
_LENGTHS = {6: range(126), 8: range(126, 1 << 16), 14: range(1 << 16, 1 << 63)}
"""Payload lengths that each size of a masked head may have: a length must be encoded in as few bytes as possible."""


class Opcode:
    """What a WebSocket frame contains (section 11.8).

    This is not an Enum: naming a member of an Enum costs a function call on Python 3.11, and every frame needs several
    members.
    """

    CONTINUATION: Final = 0x0
    TEXT: Final = 0x1
    BINARY: Final = 0x2
    CLOSE: Final = 0x8
    PING: Final = 0x9
    PONG: Final = 0xA


class FrameHead(NamedTuple):
    """The head of a WebSocket frame."""

    final: bool
    reserved: int
    """The three reserved bits, which extensions use; they must be 0 because we negotiate no extensions."""
    opcode: int
    mask: bytes | None
    length: int
    """Length of the payload in bytes."""
    size: int
    """Size of this head in bytes."""

    @property
    def is_lawful(self) -> bool:
        """Whether a client may send a frame with this head; frames before it do not count (sections 5.1, 5.2, 5.5)."""
        if self.mask is None or self.reserved or self.length not in _LENGTHS[self.size]:
            return False
        if self.opcode >= Opcode.CLOSE:
            return self.opcode <= Opcode.PONG and self.final and self.length < 126
        return self.opcode <= Opcode.BINARY


def decode_head(data: bytes) -> FrameHead | None:
    """Return the head at the start of ``data``; None if the head is not complete."""
    if len(data) < 2:
        return None
    first, second = data[0], data[1]
    length, position = second & 0x7F, 2
    if length == 126:
        length, position = int.from_bytes(data[2:4], "big"), 4
    elif length == 127:
        length, position = int.from_bytes(data[2:10], "big"), 10
    masked = second >= 0x80
    size = position + 4 if masked else position
    if len(data) < size:
        return None
    return FrameHead(
        first >= 0x80, first >> 4 & 0x7, first & 0xF, data[position:size] if masked else None, length, size
    )


def encode_frame(message: bytes | str) -> bytes:
    """Encode a message as one unmasked frame, as servers send them."""
    if isinstance(message, str):
        return _encode(Opcode.TEXT, (message.encode(),))
    return _encode(Opcode.BINARY, (message,))


def encode_binary_frame(*parts: bytes) -> bytes:
    """Encode the parts of a binary message as one unmasked frame; each part is copied once."""
    return _encode(Opcode.BINARY, parts)


def _encode(opcode: int, parts: tuple[bytes, ...]) -> bytes:
    return b"".join((_encode_head(opcode, sum(map(len, parts))), *parts))


def _encode_head(opcode: int, length: int) -> bytes:
    if length < 126:
        return bytes((0x80 | opcode, length))
    if length < 1 << 16:
        return bytes((0x80 | opcode, 126)) + length.to_bytes(2, "big")
    return bytes((0x80 | opcode, 127)) + length.to_bytes(8, "big")


def encode_client_frame(opcode: int, payload: bytes, *, final: bool) -> bytes:
    """Encode a frame as clients send it, with a mask of zeros, which leaves the payload as it is."""
    head = _encode_head(opcode, len(payload))
    return b"".join((bytes((head[0] if final else head[0] & 0x7F, head[1] | 0x80)), head[2:], bytes(4), payload))


def encode_ping() -> bytes:
    """Encode an empty Ping frame, as servers send it."""
    return bytes((0x80 | Opcode.PING, 0))


def encode_close(code: int, reason: str) -> bytes:
    """Encode a Close frame, as servers send it; a reason that does not fit is shortened."""
    payload = code.to_bytes(2, "big") + fit_reason(reason).encode()
    return bytes((0x80 | Opcode.CLOSE, len(payload))) + payload


def fit_reason(reason: str) -> str:
    """Shorten a reason to the 123 bytes that a Close frame has for it (section 5.5)."""
    return reason.encode("utf-8", "replace")[:123].decode("utf-8", "ignore")
