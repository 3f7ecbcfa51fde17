"""When recordings are deleted, and how this is announced."""

from __future__ import annotations

from skysentry_trio.server.history.index import Usage
from skysentry_trio.server.history.retention import Forecast, NextDeletion, RetentionLimits, forecast
from tests.clocks import NOON

DAY = 86400.0
DOOR = Usage("door", 1440, 86400, 1000, NOON - DAY, NOON, 0, NOON - DAY + 60)
YARD = Usage("yard", 10, 600, 500, NOON - 600, NOON, 0, NOON - 540)


def look_ahead(limits: RetentionLimits, free: int = 10**12, growth: float = 10.0) -> Forecast:
    return forecast([DOOR, YARD], {"door": growth, "yard": growth}, limits, now=NOON, free=free)


def test_what_grows_old_is_deleted_then() -> None:
    """Each camera has a moment of its own; the first of them counts for all."""
    found = look_ahead(RetentionLimits(max_age=7 * DAY))

    assert found.by_camera["yard"] == NextDeletion(NOON - 540 + 7 * DAY, "age")
    assert found.first == found.by_camera["door"] == NextDeletion(NOON + 6 * DAY + 60, "age")


def test_a_limit_in_bytes_is_reached_as_fast_as_recordings_grow() -> None:
    """The oldest camera loses something first; a camera's own limit is reached by that camera alone."""
    shared = look_ahead(RetentionLimits(max_bytes=3500))
    full = look_ahead(RetentionLimits(min_free=1000), free=900)
    own = look_ahead(RetentionLimits(max_camera_bytes=1000))

    assert shared.by_camera == {"door": NextDeletion(NOON + 100, "bytes")}
    assert full.by_camera == {"door": NextDeletion(NOON, "free")}
    assert own.by_camera == {"door": NextDeletion(NOON, "cameraBytes"), "yard": NextDeletion(NOON + 50, "cameraBytes")}


def test_what_is_never_deleted_has_no_moment() -> None:
    """Nothing is said without limits, and of a camera all of whose recordings are protected."""
    kept = Usage("kept", 1, 1, 10, 0.0, 1.0, 10, None)

    assert look_ahead(RetentionLimits()) == Forecast()
    assert forecast([kept], {}, RetentionLimits(max_age=1), now=NOON, free=0) == Forecast()
