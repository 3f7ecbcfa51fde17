"""All cameras that the hub knows, within their limits of number and memory."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection
from functools import partial

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import FrameRing, JpegFrame
from skysentry_trio.base.held_memory import HeldMemory
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.memory_budget import MemoryBudget
from skysentry_trio.server.settings import FEW_FRAMES, Settings


@define(eq=False)
class CameraRegistry:
    """Cameras by id, in the order in which the hub met them."""

    settings: Settings
    held: HeldMemory = field(factory=HeldMemory)
    """What is held for peers besides the rings."""
    _by_id: dict[str, HubCamera] = field(factory=dict, init=False)
    _budget: MemoryBudget = field(init=False, repr=False)
    _make_ring: Callable[[], FrameRing] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        settings = self.settings
        self._make_ring = partial(
            FrameRing,
            settings.ring_capacity,
            settings.buffer_seconds or settings.ring_seconds or math.inf,
            settings.buffer_bytes or math.inf,
            FEW_FRAMES if settings.ring_seconds else 1,
        )
        self._budget = MemoryBudget(self.settings.max_memory, self.held)

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def all(self) -> Collection[HubCamera]:
        """All cameras."""
        return self._by_id.values()

    @property
    def ids(self) -> Collection[str]:
        """The ids of all cameras."""
        return self._by_id.keys()

    @property
    def nbytes(self) -> int:
        """JPEG bytes in all rings."""
        return self._budget.nbytes

    @property
    def memory_is_scarce(self) -> bool:
        """Whether the newest frames alone, which no other camera's frame displaces, fill half of the memory."""
        return not self._budget.has_room_for(self.settings.max_memory // 2)

    def get(self, camera_id: str) -> HubCamera | None:
        """Return the camera with this id; None if there is none."""
        return self._by_id.get(camera_id)

    def obtain(self, camera_id: str) -> HubCamera:
        """Return the camera with this id; add a new camera if there is none.

        Raises:
            ProtocolViolation: with code ``server-full``.
        """
        return self._by_id.get(camera_id) or self._add(camera_id)

    def _add(self, camera_id: str) -> HubCamera:
        if len(self) >= self.settings.max_cameras:
            raise _server_full(f"{self.settings.max_cameras} cameras are registered, which is the limit")
        if not self._budget.has_room_for(self.settings.max_frame_size):
            raise _server_full(
                f"the frames of other cameras leave no room for one of this camera in {self.settings.max_memory} bytes"
            )
        ring = self._make_ring()
        camera = HubCamera(camera_id, None, ring, since=time.time(), last_heard=trio.current_time())
        self._by_id[camera_id] = camera
        self._budget.add(ring)
        return camera

    def remove(self, camera: HubCamera) -> None:
        """Remove a camera and its ring."""
        del self._by_id[camera.id]
        self._budget.remove(camera.ring)

    def clear(self, camera: HubCamera, *, capacity: int) -> None:
        """Drop all frames of a camera; its new ring holds at most this many."""
        self._budget.remove(camera.ring)
        camera.ring = self._make_ring()
        camera.ring.capacity = capacity
        self._budget.add(camera.ring)

    def keep(self, camera: HubCamera, frame: JpegFrame) -> bool:
        """Keep a frame as the newest of its camera; return False if other cameras' newest frames leave no room."""
        return self._budget.append(camera.ring, frame)

    def discard_expired(self, camera: HubCamera, now: float) -> None:
        """Drop the frames of a camera that are too old; ``now`` is in seconds of the monotonic clock."""
        if self._by_id.get(camera.id) is camera:
            self._budget.discard_expired(camera.ring, now)


def _server_full(message: str) -> ProtocolViolation:
    return ProtocolViolation(message, "server-full")
