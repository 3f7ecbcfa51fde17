"""What REST answers, put together from its pieces."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.wire.messages import encode_json
from skysentry_trio.wire.rest import (
    FrameReply,
    LatestReply,
    RingReply,
    StreamReply,
    StreamsReply,
    write_latest,
    write_ring,
    write_streams,
)
from skysentry_trio.wire.viewer_frames import RingSummary

STATS = RingSummary(2, 16, 5, "2023-11-14T22:13:20.250+00:00", 29.97)
AT = 1700000000.25
FRAMES = st.lists(st.binary(max_size=30), max_size=4)


def make_frames(jpegs: list[bytes]) -> list[JpegFrame]:
    return [JpegFrame(sequence, AT, None, jpeg, 4, 3) for sequence, jpeg in enumerate(jpegs, 1)]


def expected_frames(jpegs: list[bytes]) -> list[FrameReply]:
    return [
        FrameReply(b64encode(jpeg).decode(), "2023-11-14T22:13:20.250+00:00", len(jpeg), sequence)
        for sequence, jpeg in enumerate(jpegs, 1)
    ]


@given(jpeg=st.binary(max_size=50))
def test_the_newest_frame_in_pieces_is_one_reply(jpeg: bytes) -> None:
    """Put together, the pieces are the JSON of a `LatestReply`, byte for byte."""
    text = b"".join(write_latest("door", JpegFrame(7, AT, None, jpeg, 4, 3), STATS))

    assert text == encode_json(
        LatestReply(
            "door",
            "data:image/jpeg;base64," + b64encode(jpeg).decode(),
            "2023-11-14T22:13:20.250+00:00",
            len(jpeg),
            7,
            STATS,
        )
    )


@given(jpegs=FRAMES)
def test_a_ring_in_pieces_is_one_reply(jpegs: list[bytes]) -> None:
    """Put together, the pieces are the JSON of a `RingReply`, byte for byte, the oldest frame first."""
    text = b"".join(write_ring("door", make_frames(jpegs), STATS))

    assert text == encode_json(RingReply("door", STATS, expected_frames(jpegs), len(jpegs)))


@given(rings=st.dictionaries(st.sampled_from(["a", "b", "c-._"]), FRAMES))
def test_all_rings_in_pieces_are_one_reply(rings: dict[str, list[bytes]]) -> None:
    """Put together, the pieces are the JSON of a `StreamsReply`, also of none."""
    pieces = write_streams(len(rings), ((camera_id, make_frames(jpegs), STATS) for camera_id, jpegs in rings.items()))

    assert msgspec.json.decode(b"".join(pieces), type=StreamsReply) == StreamsReply(
        len(rings),
        {camera_id: StreamReply(STATS, expected_frames(jpegs), len(jpegs)) for camera_id, jpegs in rings.items()},
    )


@pytest.mark.parametrize("size", [0, 1, 192 * 1024 - 1, 192 * 1024, 192 * 1024 + 1, 2_000_000])
def test_no_piece_is_large(size: int) -> None:
    """A large frame is written bit by bit, so that none holds up the loop, and comes out right at every size."""
    jpeg = bytes(range(256)) * (size // 256 + 1)
    pieces = list(write_ring("door", make_frames([jpeg[:size], jpeg[:size]]), STATS))

    assert max(map(len, pieces)) <= 256 * 1024
    reply = msgspec.json.decode(b"".join(pieces), type=RingReply)
    assert [b64decode(frame.data) for frame in reply.frames] == [jpeg[:size]] * 2


def test_no_ring_is_looked_at_before_its_piece_is_wanted() -> None:
    """With thousands of cameras, the first piece must not wait for the figures of the last ring."""
    looked_at = list[int]()

    def rings() -> Iterator[tuple[str, list[JpegFrame], RingSummary]]:
        for number in range(1000):
            looked_at.append(number)
            yield f"camera-{number}", [], STATS

    pieces = write_streams(1000, rings())
    for _ in range(4):
        next(pieces)
    assert looked_at in ([0], [0, 1])


def test_pieces_are_made_when_they_are_wanted() -> None:
    """Nothing is rendered before somebody takes it: replies wait for slow readers without memory."""
    pieces = write_ring("door", make_frames([bytes(10**6)] * 100), STATS)

    assert len(next(pieces)) < 1000
