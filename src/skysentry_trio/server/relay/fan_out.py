"""How a frame reaches all who watch its camera, however many they are, without holding up anybody else."""

from __future__ import annotations

from itertools import chain

import trio
from attrs import define, field

from skysentry_trio.server.relay.audience import Audience
from skysentry_trio.server.relay.outbox import Delivery
from skysentry_trio.server.relay.viewer import HubViewer

_IN_ONE_GO = 256
"""Viewers to whom a frame is offered before others have a turn: some milliseconds."""


@define(eq=False)
class _PendingFanOut:
    """A frame that has not been offered to all viewers of its camera."""

    delivery: Delivery
    viewers: tuple[HubViewer, ...]
    """Those who come next; some may have left."""
    served: set[HubViewer] = field(factory=set)
    """Those among them who were given it otherwise."""
    superseded: bool = False
    """Whether a newer frame has come."""


@define(eq=False)
class FanOut:
    """Offers each camera's newest frame to its audience, a few hundred viewers at a time."""

    _audience: Audience
    _pending: dict[str, _PendingFanOut] = field(factory=dict, init=False, repr=False)
    """By camera: the newest frame while not all viewers were offered it."""

    def is_wanted(self, camera_id: str) -> bool:
        """Say whether there may be anybody who watches this camera."""
        return bool(self._audience.of_all) or camera_id in self._audience.of

    def begin(self, delivery: Delivery, now: float) -> None:
        """Offer a frame to all who watch its camera, or where they are many, to the first; `finish` does the rest."""
        camera_id = delivery.camera_id
        of_all, of_it = self._audience.of_all, self._audience.of.get(camera_id, {})
        self.forget(camera_id)
        if len(of_all) + len(of_it) <= _IN_ONE_GO:
            for receiver in chain(of_all.values(), of_it.values()):
                receiver.offer(delivery, now)
        else:
            # Some may leave before it is their turn.
            pending = _PendingFanOut(delivery, (*of_all, *of_it))
            self._pending[camera_id] = pending
            self._go_on(pending, now)

    async def finish(self, camera_id: str) -> None:
        """Offer the newest frame to those whom `begin` left out, some at a time, with a turn for others in between.

        Nobody is left without it when this is cancelled. Should a newer frame come meanwhile, from another connection
        of the same camera, then everybody is offered that one, and this one counts as replaced.
        """
        if (pending := self._pending.get(camera_id)) is None:
            return
        while pending.viewers:
            await trio.lowlevel.cancel_shielded_checkpoint()
            self._go_on(pending, trio.current_time())
        if self._pending.get(camera_id) is pending:
            del self._pending[camera_id]

    def _go_on(self, pending: _PendingFanOut, now: float) -> None:
        delivery = pending.delivery
        of_all, of_it = self._audience.of_all, self._audience.of.get(delivery.camera_id, {})
        some, pending.viewers = pending.viewers[:_IN_ONE_GO], pending.viewers[_IN_ONE_GO:]
        for viewer in some:
            receiver = of_all.get(viewer) or of_it.get(viewer)
            if receiver is not None and viewer not in pending.served:
                if not pending.superseded:
                    receiver.offer(delivery, now)
                elif viewer.follows(delivery.camera_id):
                    viewer.outbox.superseded += 1

    def note_served(self, camera_id: str, viewer: HubViewer) -> None:
        """Take note that a viewer was given the camera's newest frame otherwise."""
        if (pending := self._pending.get(camera_id)) is not None:
            pending.served.add(viewer)

    def forget(self, camera_id: str) -> None:
        """Offer what was begun of a camera to nobody else."""
        if (unfinished := self._pending.pop(camera_id, None)) is not None:
            unfinished.superseded = True
