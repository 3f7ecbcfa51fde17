"""What REST answers, put together from its pieces."""

from __future__ import annotations

from base64 import b64decode, b64encode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.wire.messages import encode_json
from skysentry_trio.wire.rest import (
    STREAMS_BEGIN,
    FrameReply,
    LatestReply,
    RingReply,
    StreamReply,
    StreamsReply,
    end_streams,
    stream_of_ring,
    write_latest,
    write_ring,
    write_stream,
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
    written = [b"".join(write_stream(camera_id, make_frames(jpegs), STATS)) for camera_id, jpegs in rings.items()]
    reply = STREAMS_BEGIN + b",".join(written) + end_streams(len(rings), [])

    assert msgspec.json.decode(reply, type=StreamsReply) == StreamsReply(
        len(rings),
        {camera_id: StreamReply(STATS, expected_frames(jpegs), len(jpegs)) for camera_id, jpegs in rings.items()},
    )


def test_nodes_that_have_not_sent_their_rings_are_named() -> None:
    """Without such nodes, there is no such key."""
    assert end_streams(0, []) == b'},"totalClients":0}'
    reply = msgspec.json.decode(STREAMS_BEGIN + end_streams(0, ["a", "b"]), type=StreamsReply)
    assert reply.unreachable == ["a", "b"]


@given(jpegs=FRAMES)
def test_the_ring_of_another_server_becomes_one_of_all_rings(jpegs: list[bytes]) -> None:
    """It is the same as if the camera were connected here, byte for byte."""
    ring = b"".join(write_ring("c-._", make_frames(jpegs), STATS))

    assert b"".join(stream_of_ring("c-._", ring)) == b"".join(write_stream("c-._", make_frames(jpegs), STATS))


@pytest.mark.parametrize("size", [0, 1, 192 * 1024 - 1, 192 * 1024, 192 * 1024 + 1, 2_000_000])
def test_no_piece_is_large(size: int) -> None:
    """A large frame is written bit by bit, so that none holds up the loop, and comes out right at every size."""
    jpeg = bytes(range(256)) * (size // 256 + 1)
    pieces = list(write_ring("door", make_frames([jpeg[:size], jpeg[:size]]), STATS))

    assert max(map(len, pieces)) <= 256 * 1024
    reply = msgspec.json.decode(b"".join(pieces), type=RingReply)
    assert [b64decode(frame.data) for frame in reply.frames] == [jpeg[:size]] * 2


def test_pieces_are_made_when_they_are_wanted() -> None:
    """Nothing is rendered before somebody takes it: replies wait for slow readers without memory."""
    pieces = write_ring("door", make_frames([bytes(10**6)] * 100), STATS)

    assert len(next(pieces)) < 1000
