"""Envelopes: a JPEG with a JSON header in front of it, and two bytes that hold the header's length."""

from __future__ import annotations

from skysentry_trio.base.exceptions import ProtocolViolation

MAX_HEADER_LENGTH = 4096
"""Maximum length of the JSON header in bytes. So the two bytes of the length are never FF D8, which begin a JPEG."""


def split_envelope(message: bytes) -> tuple[bytes, bytes]:
    """Return the JSON header and the JPEG of an envelope: two bytes of header length, header, JPEG.

    Raises:
        ProtocolViolation: the message is shorter than its first two bytes say, or the header is longer than 4096 bytes.
    """
    length = int.from_bytes(message[:2], "big")
    if len(message) < 2 or length > MAX_HEADER_LENGTH or len(message) < 2 + length:
        raise ProtocolViolation(
            f"expected an envelope (2 bytes of header length, at most {MAX_HEADER_LENGTH}, header, JPEG), "
            f"got {len(message)} bytes that announce a header of {length}",
            "not-a-jpeg",
        )
    return message[2 : 2 + length], message[2 + length :]


def join_envelope(header: bytes, jpeg: bytes) -> bytes:
    """Put a JSON header in front of a JPEG; the reverse of `split_envelope`."""
    return b"".join(envelope_parts(header, jpeg))


def envelope_parts(header: bytes, jpeg: bytes) -> tuple[bytes, bytes, bytes]:
    """Return the parts of an envelope, in order."""
    return len(header).to_bytes(2, "big"), header, jpeg
