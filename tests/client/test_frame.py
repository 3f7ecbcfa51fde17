from __future__ import annotations

import time

import pytest

from skysentry_trio.client.frame import Frame


def test_a_frame_gets_older() -> None:
    """Its age goes by a clock that nobody sets."""
    frame = Frame("door", 7, b"jpeg", None, 1000.0, began=time.monotonic() - 2)
    assert frame.age == pytest.approx(2, abs=1)
    first = frame.age
    time.sleep(0.001)
    assert frame.age > first


def test_the_picture_is_not_printed() -> None:
    """Half a megabyte in a traceback helps nobody."""
    assert repr(Frame("door", 7, b"jpeg", 999.0, 1000.0, began=0.0)) == (
        "Frame(camera_id='door', sequence=7, captured_at=999.0, received_at=1000.0)"
    )
