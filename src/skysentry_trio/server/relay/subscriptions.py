"""Change which cameras the viewers get, and offer each viewer the newest frames of the cameras that it did not have.

No method awaits, so each of them is atomic. None takes longer than some milliseconds, also with thousands of cameras.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Final

import trio
from attrs import define

from skysentry_trio.base.demand import NO_LIMITS, Limits
from skysentry_trio.base.principal import Principal
from skysentry_trio.server.relay.audience import Audience
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.camera_demand import CameraDemand
from skysentry_trio.server.relay.camera_registry import CameraRegistry
from skysentry_trio.server.relay.delivery import Delivery
from skysentry_trio.server.relay.fan_out import FanOut
from skysentry_trio.server.relay.viewer import HubViewer

_OFFERED_AT_ONCE: Final = 64
"""Most cameras whose newest frames a viewer is offered in the moment when it subscribes."""


@define(eq=False)
class Subscriptions:
    """Keeps the audience, the demand of the cameras and the outbox of a viewer as the viewer's subscription says."""

    _cameras: CameraRegistry
    _audience: Audience
    _fan_out: FanOut
    _demand: CameraDemand

    def subscribe(
        self,
        viewer: HubViewer,
        camera_ids: Collection[str] | None = None,
        limits: Limits = NO_LIMITS,
        *,
        introduce: bool = False,
    ) -> None:
        """Subscribe a viewer to more cameras, and offer the viewer the newest frame of each new camera.

        Args:
            viewer: the viewer; if it is paused, it gets no frame now.
            camera_ids: ids of the cameras, some of which the hub may not know yet; None for all cameras.
            limits: the most that the viewer needs of each of these cameras.
            introduce: whether to send a notice about each new camera that the hub knows. Cameras about which the
                viewer gets notices without a subscription are left out.
        """
        named: Collection[str] = self._cameras.ids if camera_ids is None else camera_ids
        if viewer.principal.sees is not None:
            named = [camera_id for camera_id in named if viewer.principal.may_see(camera_id)]
        followed, followed_all = viewer.named, viewer.wants_all
        new = [camera_id for camera_id in named if (camera_id in followed) == followed_all]
        changed = named if not (followed_all or viewer.wants_new) else self._cameras.ids
        self._audience.leave(viewer)
        if camera_ids is None:
            viewer.select_all(limits, named)
        else:
            viewer.select(named, limits)
        self._audience.enter(viewer)
        self._demand.note_changes(self._known(changed))
        if introduce:
            self._introduce(viewer, new)
        if not viewer.paused:
            self.offer_newest(viewer, new)

    def unsubscribe(self, viewer: HubViewer, camera_ids: Collection[str]) -> None:
        """Unsubscribe a viewer from these cameras."""
        self._audience.leave(viewer)
        viewer.deselect(camera_ids)
        self._audience.enter(viewer)
        self._demand.note_changes(self._known(camera_ids))

    def note_passed_on(self, viewer: HubViewer, counts: Mapping[str, int]) -> None:
        """Note to how many viewers another server passes the frames of cameras on, by camera id."""
        viewer.passes_on.update({camera_id: count for camera_id, count in counts.items() if viewer.follows(camera_id)})
        self._demand.note_changes(self._known(counts))

    def change_principal(self, viewer: HubViewer, principal: Principal) -> None:
        """Let a viewer go on as another principal: cameras that this principal may not see leave its subscription.

        If the rights are the same, nothing changes for the frames.
        """
        same, viewer.principal = principal.rights == viewer.principal.rights, principal
        if same:
            return
        self.leave(viewer)
        viewer.adapt_to_principal(self._cameras.ids)
        self._enter(viewer)

    def pause(self, viewer: HubViewer) -> None:
        """Send a viewer no frames until `resume` is called; drop the frames that wait for the viewer."""
        self.leave(viewer)
        viewer.paused = True
        viewer.outbox.forget_all()

    def resume(self, viewer: HubViewer) -> None:
        """Send a paused viewer frames again, first the newest frame of each camera."""
        if viewer.paused:
            viewer.paused = False
            self._enter(viewer)
            self.offer_newest(viewer, self._cameras.ids if viewer.wants_all else viewer.named)

    def leave(self, viewer: HubViewer) -> None:
        """Send a viewer no more frames, because it is paused or has left."""
        self._audience.leave(viewer)
        self._demand.note_changes(self._watched_by(viewer))

    def join_new(self, viewers: Iterable[HubViewer], camera_id: str) -> None:
        """Add a new camera to the subscription of each viewer that wants all cameras its principal may see."""
        for viewer in viewers:
            if viewer.wants_new and not viewer.follows(camera_id) and viewer.add_new(camera_id):
                self._audience.enter_camera(viewer, camera_id)

    def offer_newest(self, viewer: HubViewer, camera_ids: Collection[str]) -> None:
        """Offer the newest frames of the first cameras now, and let the viewer's task offer those of the rest."""
        offer, remaining = partial(self._offer_newest_of, viewer), iter(camera_ids)
        for camera_id in islice(remaining, _OFFERED_AT_ONCE):
            offer(camera_id)
        if postponed := list(remaining):
            viewer.outbox.postpone(postponed, offer)

    def _enter(self, viewer: HubViewer) -> None:
        self._audience.enter(viewer)
        self._demand.note_changes(self._watched_by(viewer))

    def _introduce(self, viewer: HubViewer, camera_ids: Collection[str]) -> None:
        """Send a notice about each camera about which the viewer gets no notices without a subscription."""
        if viewer.notify_about is None and viewer.principal.sees is None:
            return
        notices = {
            camera.id: camera.notice() for camera in self._known(camera_ids) if not viewer.is_notified_about(camera.id)
        }
        if notices:
            viewer.outbox.notify_many(notices)
            viewer.outbox.wake()

    def _offer_newest_of(self, viewer: HubViewer, camera_id: str) -> None:
        camera, now = self._cameras.get(camera_id), trio.current_time()
        if camera is None or (viewer.online_only and not camera.online):
            return
        if camera.ring.newest is not None:
            viewer.offer(Delivery(camera_id, camera.ring.newest, camera.statistics(now), fresh=False), now)
            self._fan_out.note_served(camera_id, viewer)

    def _known(self, camera_ids: Iterable[str]) -> Iterator[HubCamera]:
        """Yield those of these cameras that the hub knows."""
        return (camera for camera_id in camera_ids if (camera := self._cameras.get(camera_id)) is not None)

    def _watched_by(self, viewer: HubViewer) -> Iterable[HubCamera]:
        return self._cameras.all if viewer.wants_all else self._known(viewer.named)
