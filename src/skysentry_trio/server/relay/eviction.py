"""Forget cameras that have left, in slices that leave time for other tasks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Final

from attrs import define

from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.camera_registry import CameraRegistry
from skysentry_trio.server.relay.fan_out import FanOut
from skysentry_trio.server.relay.notices import CameraNotice
from skysentry_trio.server.relay.statistics import Totals
from skysentry_trio.server.relay.viewer import HubViewer

_PAIRS: Final = 4_000
"""Number of pairs of a camera and a viewer in one slice: this takes some milliseconds."""
_CAMERAS: Final = 250
"""Most cameras in one slice."""
_TOLD_AT_ONCE: Final = 1000
"""Most cameras of which a viewer is told together. Each viewer keeps its notices in a dictionary. All of these grow in
the same slice, and to enlarge hundreds of dictionaries with thousands of entries takes too long."""
_WOKEN: Final = 4
"""Number of viewers that are woken in one slice: each may have a thousand notices to send."""


@define(eq=False)
class Eviction:
    """Removes cameras from the hub, and tells the viewers."""

    _cameras: CameraRegistry
    _viewers: Collection[HubViewer]
    _fan_out: FanOut
    _departed: Totals
    _release: Callable[[str], None]
    """Called with each camera that was forgotten."""

    def in_slices(self, is_due: Callable[[HubCamera], bool]) -> Iterator[list[str]]:
        """Forget all cameras that are due, and pause after each slice of the work.

        A viewer is woken only after a thousand cameras or the last one, so that it sends many notices together.

        Args:
            is_due: returns whether to forget a camera.

        Yields:
            The ids of the cameras that the slice has forgotten.
        """
        idle = [camera for camera in self._cameras.all if is_due(camera)]
        for start in range(0, len(idle), _TOLD_AT_ONCE):
            yield from self._forget_and_tell(idle[start : start + _TOLD_AT_ONCE], is_due)

    def _forget_and_tell(self, idle: list[HubCamera], is_due: Callable[[HubCamera], bool]) -> Iterator[list[str]]:
        told = dict[HubViewer, None]()
        while idle:
            count = min(_CAMERAS, 1 + _PAIRS // (len(self._viewers) + 1))
            # A camera may have come back, or may have been replaced, during a pause.
            batch = [camera for camera in idle[:count] if is_due(camera) and self._cameras.get(camera.id) is camera]
            idle = idle[count:]
            if batch:
                self._forget(batch, told)
                yield [camera.id for camera in batch]
        viewers = list(told)
        for start in range(0, len(viewers), _WOKEN):
            for viewer in viewers[start : start + _WOKEN]:
                viewer.outbox.wake()
            yield []

    def forget(self, camera: HubCamera) -> None:
        """Forget one camera now."""
        told = dict[HubViewer, None]()
        self._forget([camera], told)
        for viewer in told:
            viewer.outbox.wake()

    def _forget(self, cameras: Collection[HubCamera], told: dict[HubViewer, None]) -> None:
        """Forget cameras, and add the viewers that have a notice about them to ``told``."""
        for camera in cameras:
            self._cameras.remove(camera)
            self._fan_out.forget(camera.id)
            self._departed.add_camera(camera)
            self._release(camera.id)
        notices = {camera.id: CameraNotice(camera.id, camera.name, online=False, removed=True) for camera in cameras}
        for viewer in self._viewers:
            # Without this, frames that wait for slow viewers would stay in memory, and no budget would count them.
            viewer.forget(notices.keys())
            if concerned := viewer.concerned_by(notices):
                viewer.outbox.notify_many(concerned)
                told[viewer] = None
