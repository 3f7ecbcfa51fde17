"""One file of recorded frames."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.server.history.segment import OPENING, encode_record, scan
from tests.clocks import NOON
from tests.server.history.helpers import frame

THREE = [
    frame(7, NOON),
    frame(8, NOON + 0.1, captured_at=NOON + 0.05),
    frame(11, NOON + 0.4, b"\xff\xd8--frame\r\n\xff\xd9"),
]
SEGMENT = OPENING + b"".join(piece for one in THREE for piece in encode_record(one, 3))


def test_a_segment_has_everything_about_its_frames() -> None:
    """Epoch, sequence, both times and the bytes of each JPEG are read again, even if a JPEG looks like a boundary."""
    found = [(one.epoch, one.sequence, one.received_at, one.captured_at, SEGMENT[one.jpeg]) for one in scan(SEGMENT)]

    assert found == [(3, one.sequence, one.received_at, one.captured_at, one.jpeg) for one in THREE]


@given(st.integers(0, len(SEGMENT)))
def test_a_segment_that_was_cut_off_ends_with_its_last_complete_frame(length: int) -> None:
    """Wherever a segment ends, all complete frames are found, and nothing else."""
    ends = [one.offset + one.size for one in scan(SEGMENT)]

    found = [one.sequence for one in scan(SEGMENT[:length])]

    assert found == [one.sequence for one, end in zip(THREE, ends, strict=True) if end <= length]


@given(st.binary(max_size=300))
def test_a_foreign_file_has_no_frames(data: bytes) -> None:
    """A file that is no segment has no frames."""
    assert list(scan(data)) == []
