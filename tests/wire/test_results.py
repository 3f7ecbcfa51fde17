"""What programs post about frames, and viewers get to read."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.messages import encode_json, encode_message
from skysentry_trio.wire.results import Box, Result, decode_posted_result
from skysentry_trio.wire.viewer import decode_notice

FINITE = st.floats(allow_nan=False, allow_infinity=False)
LABELS = st.none() | st.text(st.characters(categories=("L", "N")), min_size=1, max_size=20)
BOXES = st.builds(Box, FINITE, FINITE, FINITE, FINITE, LABELS, st.none() | FINITE, st.sampled_from([None, "#ff8800"]))


@given(boxes=st.lists(BOXES, max_size=5), sequence=st.integers(1, 2**53), data=st.none() | st.lists(st.integers(0, 9)))
def test_what_is_posted_is_what_viewers_read(boxes: list[Box], sequence: int, data: list[int] | None) -> None:
    """The camera is that of the address, all else is as it was sent."""
    body = encode_json({"sequence": sequence, "boxes": boxes, "data": data, "later": {}})
    result = decode_posted_result("door", body)

    assert result == Result("door", sequence, boxes, data)
    assert decode_notice(encode_message(result)) == result


@given(body=st.binary() | st.text(st.characters(codec="utf-8")).map(str.encode))
def test_any_bytes_are_a_result_or_refused(body: bytes) -> None:
    """Nothing raises anything but a ProtocolViolation."""
    with suppress(ProtocolViolation):
        decode_posted_result("door", body)


def test_hostile_depth_is_refused() -> None:
    """Arrays within arrays within arrays do not crash the decoder."""
    with pytest.raises(ProtocolViolation, match="expected a JSON object"):
        decode_posted_result("door", b'{"sequence":1,"data":' + b"[" * 30_000)


def test_a_result_may_begin_with_a_byte_order_mark() -> None:
    """Some languages write it in front of JSON."""
    assert decode_posted_result("door", b'\xef\xbb\xbf{"sequence":1}') == Result("door", 1)
