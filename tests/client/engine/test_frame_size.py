from __future__ import annotations

from itertools import pairwise

import pytest

from skysentry_trio.client.engine.frame_size import FrameSizeGuard


def test_frames_within_the_limit_stay_as_they_are() -> None:
    """Up to the last byte."""
    guard = FrameSizeGuard(1000)
    assert guard.admits(1000, 0.0)
    assert guard.width_factor == 1.0


@pytest.mark.parametrize("factor", [1.01, 1.5, 3, 20, 300])
def test_a_frame_above_the_limit_makes_the_next_ones_fit(factor: float) -> None:
    """After a few frames, also where the bytes are proportional to the width rather than to its square."""
    guard = FrameSizeGuard(1000)
    for frames in range(20):
        if guard.admits(int(1000 * factor * guard.width_factor), 0.1 * frames):
            break
    assert frames < 15 if factor < 300 else guard.width_factor < 1 / 16


def test_frames_become_larger_again_when_there_is_room() -> None:
    """In steps five seconds apart, up to what is wanted."""
    guard = FrameSizeGuard(1000)
    guard.admits(1500, 0.0)
    assert guard.width_factor < 1
    changes, before = [], guard.width_factor
    for second in range(1, 60):
        assert guard.admits(400, float(second))
        if guard.width_factor != before:
            changes.append(second)
            before = guard.width_factor
    assert guard.width_factor == 1.0
    assert changes[0] >= 5
    assert all(later - earlier >= 5 for earlier, later in pairwise(changes))


def test_frames_near_the_limit_do_not_grow() -> None:
    """Otherwise every step up would cost a frame."""
    guard = FrameSizeGuard(1000)
    guard.admits(1500, 0.0)
    factor = guard.width_factor
    for second in range(60):
        guard.admits(800, float(second))
    assert guard.width_factor == factor
