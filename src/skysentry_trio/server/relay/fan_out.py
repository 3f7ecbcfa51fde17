"""Offer each camera's newest frame to all of its viewers, in batches that leave time for other tasks."""

from __future__ import annotations

from itertools import chain

import trio
from attrs import define, field

from skysentry_trio.server.relay.audience import Audience
from skysentry_trio.server.relay.delivery import Delivery
from skysentry_trio.server.relay.viewer import HubViewer

_BATCH = 256
"""Number of viewers that are offered a frame before the task yields to the scheduler; this takes some milliseconds."""


@define(eq=False)
class _PendingFanOut:
    """A frame that some viewers of its camera have not been offered yet."""

    delivery: Delivery
    viewers: tuple[HubViewer, ...]
    """The viewers to offer the frame to; some may have left since."""
    served: set[HubViewer] = field(factory=set)
    """Viewers that got the frame in another way, for example when they subscribed."""
    superseded: bool = False
    """Whether the camera has published a newer frame."""


@define(eq=False)
class FanOut:
    """Offers frames to the audience, a few hundred viewers at a time."""

    _audience: Audience
    _pending: dict[str, _PendingFanOut] = field(factory=dict, init=False, repr=False)
    """By camera id: the newest frame of the camera, until all of its viewers have been offered this frame."""

    def has_viewers(self, camera_id: str) -> bool:
        """Return whether any viewer may watch this camera."""
        return bool(self._audience.of_all) or camera_id in self._audience.of

    def begin(self, delivery: Delivery, now: float) -> bool:
        """Offer a frame to the first batch of its camera's viewers.

        Returns:
            Whether these were all viewers of the camera; if not, call `finish`.
        """
        camera_id = delivery.camera_id
        of_all, of_it = self._audience.of_all, self._audience.of.get(camera_id, {})
        self.forget(camera_id)
        if len(of_all) + len(of_it) <= _BATCH:
            for receiver in chain(of_all.values(), of_it.values()):
                receiver.offer(delivery, now)
            return True
        # Some viewers may leave before they are offered the frame.
        pending = _PendingFanOut(delivery, (*of_all, *of_it))
        self._pending[camera_id] = pending
        self._offer_batch(pending, now)
        return False

    async def finish(self, camera_id: str) -> None:
        """Offer the frame to the viewers that `begin` left out, and yield to the scheduler before each batch.

        If this is cancelled, it still offers the frame to all of these viewers. Another connection of the same camera
        may publish a newer frame meanwhile. The remaining viewers are then offered only the newer frame, and the older
        frame counts as superseded for them.
        """
        pending = self._pending[camera_id]
        while pending.viewers:
            await trio.lowlevel.cancel_shielded_checkpoint()
            self._offer_batch(pending, trio.current_time())
        if self._pending.get(camera_id) is pending:
            del self._pending[camera_id]

    def _offer_batch(self, pending: _PendingFanOut, now: float) -> None:
        delivery = pending.delivery
        of_all, of_it = self._audience.of_all, self._audience.of.get(delivery.camera_id, {})
        batch, pending.viewers = pending.viewers[:_BATCH], pending.viewers[_BATCH:]
        for viewer in batch:
            receiver = of_all.get(viewer) or of_it.get(viewer)
            if receiver is not None and viewer not in pending.served:
                if not pending.superseded:
                    receiver.offer(delivery, now)
                elif viewer.follows(delivery.camera_id):
                    viewer.outbox.superseded += 1

    def note_served(self, camera_id: str, viewer: HubViewer) -> None:
        """Record that a viewer got the camera's newest frame in another way."""
        if (pending := self._pending.get(camera_id)) is not None:
            pending.served.add(viewer)

    def forget(self, camera_id: str) -> None:
        """Stop offering the pending frame of this camera to further viewers."""
        if (unfinished := self._pending.pop(camera_id, None)) is not None:
            unfinished.superseded = True
