"""What a viewer counts of one camera."""

from __future__ import annotations

import pytest

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.client.engine.camera_watch import CameraView, CameraWatch
from skysentry_trio.wire.messages import rfc3339
from skysentry_trio.wire.viewer_frames import FrameHeader
from tests.jpegs import draw_jpeg

NOON = 1_700_000_000.0


def header(sequence: int, camera_id: str = "door", *, timestamp: str = rfc3339(NOON)) -> FrameHeader:
    return FrameHeader(camera_id, sequence, timestamp, None, 100, 15.0)


def watched(*sequences: int) -> CameraView:
    watch = CameraWatch("door")
    for index, sequence in enumerate(sequences):
        watch.take(header(sequence), draw_jpeg(), index / 10, NOON)
    return watch.view(1.0)


@pytest.mark.parametrize(
    ("sequences", "frames", "gaps"),
    [((), 0, 0), ((7,), 1, 0), ((1, 2, 3), 3, 0), ((1, 4, 5, 9), 4, 5), ((1, 1, 2), 2, 0), ((100, 101, 1, 2), 4, 0)],
)
def test_gaps_are_counted(sequences: tuple[int, ...], frames: int, gaps: int) -> None:
    """Missing numbers are gaps; repeated ones, and a server that begins at 1 again, are not."""
    view = watched(*sequences)
    assert (view.frames, view.gaps) == (frames, gaps)


def test_age_is_that_of_the_capture_if_known() -> None:
    """The camera's own time comes first, the server's else."""
    watch = CameraWatch("door")
    watch.take(header(1), draw_jpeg(), 0.0, NOON + 2)
    assert watch.view(3.0).age == pytest.approx(2)
    assert watch.view(3.0).silent == 3.0
    watch.take(FrameHeader("door", 2, rfc3339(NOON), (NOON - 1) * 1000, 9, 1.0), draw_jpeg(), 0.0, NOON + 2)
    assert watch.view(3.0).age == pytest.approx(3)


def test_a_time_that_is_none_is_a_violation() -> None:
    """So is a frame that is no JPEG."""
    watch = CameraWatch("door")
    with pytest.raises(ProtocolViolation, match="RFC 3339"):
        watch.take(header(1, timestamp="noon"), draw_jpeg(), 0, 0)
    with pytest.raises(ProtocolViolation, match="JPEG"):
        watch.take(header(1), b"GIF89a", 0, 0)
