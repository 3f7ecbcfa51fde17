"""Combine what viewers and programs need of a camera, and tell the camera when this may have changed."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Final

import trio
from attrs import define, field

from skysentry_trio.base.demand import CombinedDemand, Limits, most
from skysentry_trio.server.relay.audience import Audience
from skysentry_trio.server.relay.batches import Batches
from skysentry_trio.server.relay.camera import HubCamera

_READERS: Final = Limits(max_fps=5.0)
"""The demand of a program that reads single frames, one after another."""
_READ_INTEREST: Final = 10.0
"""Seconds for which the demand counts a program after it has read a single frame."""


@define(eq=False)
class CameraDemand:
    """The demand for each camera, and the cameras that are still to be told of a change."""

    _audience: Audience
    _idle_fps: float | None
    """Frames a second that a camera is asked for while nobody watches."""
    _changed: Batches[HubCamera] = field(factory=lambda: Batches(_report), init=False, repr=False)

    def of(self, camera: HubCamera) -> CombinedDemand:
        """Return the most that all viewers of a camera together need now."""
        count = self._audience.count(camera.id)
        readers = [_READERS] if trio.current_time() < camera.read_until else []
        if not count and not readers:
            return CombinedDemand(0, Limits(max_fps=self._idle_fps))
        watching = self._audience.watching(camera.id)
        return CombinedDemand(count, most(chain(readers, (viewer.limits(camera.id) for viewer in watching))))

    def note_read(self, camera: HubCamera) -> None:
        """Record that a program has read a single frame of a camera, and may soon read the next frame."""
        now = trio.current_time()
        was_read, camera.read_until = now < camera.read_until, now + _READ_INTEREST
        if not was_read:
            self.note_changes((camera,))

    def note_changes(self, cameras: Iterable[HubCamera]) -> None:
        """Tell the first few of these cameras now that their demand may have changed, and the rest soon."""
        self._changed.add(camera for camera in cameras if camera.session is not None)

    async def report(self) -> None:
        """Tell the cameras that `note_changes` has left out; never returns."""
        await self._changed.run()


def _report(camera: HubCamera) -> None:
    if camera.session is not None:
        camera.session.on_demand()
