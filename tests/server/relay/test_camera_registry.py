"""Which cameras are known, and when one more is too many."""

from __future__ import annotations

import pytest

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.relay.camera_registry import CameraRegistry
from skysentry_trio.server.settings import Settings


def frame(size: int) -> JpegFrame:
    return JpegFrame(1, 5.0, None, bytes(size), 4, 3)


async def test_a_camera_is_made_once() -> None:
    """Whoever obtains it again gets the same one, in the order in which cameras were first seen."""
    registry = CameraRegistry(Settings())
    door, gate = registry.obtain("door"), registry.obtain("gate")

    assert registry.obtain("door") is registry.get("door") is door
    assert (list(registry.all), list(registry.ids), len(registry)) == ([door, gate], ["door", "gate"], 2)
    assert registry.get("yard") is None


async def test_a_camera_that_is_removed_leaves_its_place_and_its_memory() -> None:
    """Another may be known then, and a new one of the same id begins anew."""
    registry = CameraRegistry(Settings(max_cameras=1, max_memory=100, max_frame_size=100))
    door = registry.obtain("door")
    assert registry.keep(door, frame(100))
    assert registry.nbytes == 100
    with pytest.raises(ProtocolViolation, match="1 cameras are registered"):
        registry.obtain("gate")
    registry.remove(door)

    assert registry.nbytes == 0
    assert registry.obtain("door") is not door


async def test_a_frame_is_kept_if_the_newest_of_others_leave_room() -> None:
    """The ring stays as it was if not."""
    registry = CameraRegistry(Settings(max_memory=100, max_frame_size=20))
    door, gate = registry.obtain("door"), registry.obtain("gate")

    assert registry.keep(door, frame(60))
    assert not registry.keep(gate, frame(50))
    assert (len(door.ring), len(gate.ring), registry.nbytes) == (1, 0, 60)
