"""Tell cameras that their demand may have changed, a few of them at a time."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

import trio
from attrs import define, field

from skysentry_trio.server.relay.camera import HubCamera

_BATCH: Final = 64
"""Number of cameras that are told before other tasks run. Each of them wakes a task, which may send a message."""


@define(eq=False)
class DemandChanges:
    """The cameras whose demand may have changed and that have not been told."""

    _untold: dict[HubCamera, None] = field(factory=dict, init=False, repr=False)
    _added: trio.Event = field(factory=trio.Event, init=False, repr=False)

    def note(self, cameras: Iterable[HubCamera]) -> None:
        """Tell the first few of these cameras now, and let `run` tell the rest."""
        connected = (camera for camera in cameras if camera.session is not None)
        for camera in islice(connected, _BATCH):
            _tell(camera)
        before = len(self._untold)
        self._untold.update(dict.fromkeys(connected))
        if len(self._untold) > before:
            self._added.set()

    async def run(self) -> None:
        """Tell the cameras that `note` has left out; never returns."""
        while True:
            while self._untold:
                for camera in list(islice(self._untold, _BATCH)):
                    del self._untold[camera]
                    _tell(camera)
                await trio.lowlevel.checkpoint()
            self._added = trio.Event()
            await self._added.wait()


def _tell(camera: HubCamera) -> None:
    if camera.session is not None:
        camera.session.on_demand()
