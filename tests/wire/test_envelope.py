"""JPEGs with a little JSON in front of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.envelope import MAX_HEADER_LENGTH, join_envelope, split_envelope


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x00",
        b"\x00\x05{}",
        (MAX_HEADER_LENGTH + 1).to_bytes(2, "big") + b" " * 5000 + b"\xff\xd8",
    ],
)
def test_what_is_shorter_than_it_says_is_no_envelope(message: bytes) -> None:
    """The announced header has to be there, and to be of bounded size."""
    with pytest.raises(ProtocolViolation, match="expected an envelope"):
        split_envelope(message)


@given(header=st.binary(max_size=MAX_HEADER_LENGTH), jpeg=st.binary())
def test_an_envelope_comes_apart_as_it_was_put_together(header: bytes, jpeg: bytes) -> None:
    """Header and JPEG are those that were joined, whatever they are."""
    assert split_envelope(join_envelope(header, jpeg)) == (header, jpeg)
