"""Frames as viewers get them: put together, taken apart, and in base64."""

from __future__ import annotations

import json
import math
from base64 import b64decode
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame, RingStatistics
from skysentry_trio.wire.envelope import join_envelope
from skysentry_trio.wire.messages import encode_message
from skysentry_trio.wire.viewer_frames import (
    FrameHeader,
    FrameUpdate,
    RingSummary,
    decode_envelope,
    encode_envelope,
    encode_frame_update,
    summarize_ring,
)

IDS = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}", fullmatch=True)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
FRAMES = st.builds(
    JpegFrame,
    sequence=st.integers(1, 2**53),
    received_at=st.floats(0, 4e9),
    captured_at=st.none() | FINITE,
    jpeg=st.binary(max_size=200),
    width=st.integers(1, 65535),
    height=st.integers(1, 65535),
)
STATISTICS = st.builds(
    RingStatistics,
    size=st.integers(0, 16),
    capacity=st.integers(1, 16),
    frame_count=st.integers(0, 2**53),
    latest_at=st.none() | st.floats(0, 4e9),
    fps=st.floats(0, 1000),
)


@given(camera_id=IDS, frame=FRAMES, stats=STATISTICS)
def test_an_envelope_comes_apart_as_it_was_put_together(
    camera_id: str, frame: JpegFrame, stats: RingStatistics
) -> None:
    """Header and JPEG are the frame's, times in the units of the protocol."""
    header, jpeg = decode_envelope(b"".join(encode_envelope(camera_id, frame, stats)))

    assert jpeg == frame.jpeg
    assert (header.camera_id, header.sequence, header.size, header.format) == (
        camera_id,
        frame.sequence,
        len(frame.jpeg),
        "jpeg",
    )
    assert header.fps == pytest.approx(stats.fps, abs=0.01)
    if frame.captured_at is None or math.isinf(frame.captured_at * 1000):
        assert header.captured_at is None
    else:
        assert header.captured_at == pytest.approx(frame.captured_at)


@given(message=st.binary())
def test_any_bytes_are_an_envelope_or_refused(message: bytes) -> None:
    """No bytes raise anything but a ProtocolViolation."""
    with suppress(ProtocolViolation):
        decode_envelope(message)


@pytest.mark.parametrize("header", [b"", b"{}", b'{"type":"frame"}', b'{"type":"other"}', b"[" * 4000])
def test_an_envelope_with_a_wrong_header_is_refused(header: bytes) -> None:
    """All keys of the header have to be there."""
    with pytest.raises(ProtocolViolation, match="the envelope's header is not as expected"):
        decode_envelope(join_envelope(header, b"jpeg"))


def test_a_header_that_knows_more_than_we_do_is_read() -> None:
    """Servers to come may add keys."""
    header = FrameHeader("a", 1, "2023-11-14T22:13:20.250+00:00", None, 4, 1.0)
    text = encode_message(header)[:-1] + ',"later":{}}'

    assert decode_envelope(join_envelope(text.encode(), b"jpeg")) == (header, b"jpeg")


@given(camera_id=IDS, frame=FRAMES, stats=STATISTICS)
def test_old_viewers_get_the_frame_in_base64(camera_id: str, frame: JpegFrame, stats: RingStatistics) -> None:
    """The text message is that of SkySentry Go."""
    update = json.loads(encode_frame_update(camera_id, frame, stats))

    assert list(update) == ["type", "clientId", "image", "timestamp", "size", "stats", "format"]
    assert list(update["stats"]) == ["size", "capacity", "frameCount", "latestTimestamp", "fps"]
    kind, _, data = update["image"].partition(",")
    assert (kind, b64decode(data)) == ("data:image/jpeg;base64", frame.jpeg)
    assert (update["type"], update["clientId"], update["size"]) == ("frame_update", camera_id, len(frame.jpeg))
    assert isinstance(msgspec.json.decode(json.dumps(update), type=FrameUpdate), FrameUpdate)


def test_a_rings_statistics_in_wire_terms() -> None:
    """A ring without a frame has no latest moment, and the rate has two digits."""
    assert summarize_ring(RingStatistics(0, 16, 5, None, 0.0)) == RingSummary(0, 16, 5, None, 0.0)
    assert summarize_ring(RingStatistics(2, 16, 5, 1700000000.25, 29.97499)) == RingSummary(
        2, 16, 5, "2023-11-14T22:13:20.250+00:00", 29.97
    )
