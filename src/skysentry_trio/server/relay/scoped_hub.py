"""The hub as one principal may use it: the only view of cameras and viewers that endpoints get."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager

from attrs import define

from skysentry_trio.base.demand import NO_LIMITS, CombinedDemand, Limits
from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.held_memory import HeldMemory
from skysentry_trio.base.principal import Action, Decision, Principal, decide
from skysentry_trio.base.sink import NO_SINK, FrameSink
from skysentry_trio.base.timeline import LaterFrames, Timeline
from skysentry_trio.base.wall_clock import WallClock
from skysentry_trio.server.relay.camera import CameraSession, HubCamera
from skysentry_trio.server.relay.delivery import Encoder, encode_nothing
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.latency_breakdown import MeanLatency
from skysentry_trio.server.relay.leases import NO_LEASE, Lease
from skysentry_trio.server.relay.notices import NoticeEncoder
from skysentry_trio.server.relay.playback_session import PlaybackSession
from skysentry_trio.server.relay.statistics import HubStatistics, Role
from skysentry_trio.server.relay.viewer import HubViewer
from skysentry_trio.server.settings import Settings
from skysentry_trio.wire.capture import PictureMeasure
from skysentry_trio.wire.results import Box


@define(eq=False)
class ScopedHub:
    """What a principal may see and do in the hub.

    For the principal, a camera over which it has no right does not exist. Each method takes and returns the same as the
    method of `Hub` with the same name, and raises `ProtocolViolation` with code ``forbidden``, ``unauthenticated`` or
    ``access-ended`` if the principal may not do what it asks for.
    """

    _hub: Hub
    principal: Principal
    """Who is asking; a connection that proves who it is gets another principal."""

    @property
    def settings(self) -> Settings:
        """The server's settings."""
        return self._hub.settings

    @property
    def wall_clock(self) -> WallClock:
        """The server's clock."""
        return self._hub.wall_clock

    @property
    def memory(self) -> HeldMemory:
        """What is held for peers besides the rings."""
        return self._hub.memory

    def may(self, action: Action, camera_id: str | None = None) -> bool:
        """Return whether the principal may do something; False means that the camera does not exist for it.

        Args:
            action: what the principal wants to do.
            camera_id: with which camera; None for what concerns no single camera.

        Raises:
            ProtocolViolation: with code ``forbidden``, ``unauthenticated`` or ``access-ended``.
        """
        principal = self.principal
        match decide(principal, action, camera_id, self._hub.wall_clock.now()):
            case Decision.GRANTED:
                return True
            case Decision.HIDDEN:
                return False
            case Decision.UNAUTHENTICATED:
                raise ProtocolViolation("expected a key, or a user and a password", "unauthenticated")
            case Decision.ENDED:
                raise ProtocolViolation("the access has expired", "access-ended")
            case Decision.FORBIDDEN:
                raise _forbidden(action, camera_id)

    def require(self, action: Action, camera_id: str | None = None) -> None:
        """Refuse what the principal may not do, whether the camera exists or not.

        Raises:
            ProtocolViolation: with code ``forbidden``, ``unauthenticated`` or ``access-ended``.
        """
        if not self.may(action, camera_id):
            raise _forbidden(action, camera_id)

    @property
    def cameras(self) -> Collection[HubCamera]:
        """All cameras that the principal may view, in the order in which the hub met them."""
        return self.cameras_for(Action.VIEW)

    def cameras_for(self, action: Action) -> Collection[HubCamera]:
        """Return all cameras with which the principal may do something, in the order in which the hub met them."""
        rights = self.principal.rights
        if rights.allow_all(action):
            return self._hub.cameras
        return [camera for camera in self._hub.cameras if rights.allow(action, camera.id)]

    def camera(self, camera_id: str, action: Action = Action.VIEW) -> HubCamera | None:
        """Return a camera by its id; None if there is none or the principal may not know of it.

        Args:
            camera_id: id of the camera.
            action: what the principal wants to do with the camera.
        """
        return self._hub.camera(camera_id) if self.may(action, camera_id) else None

    def history_begin(self, camera_id: str) -> float:
        """Return from when on the principal may see old frames of a camera, if it may: seconds since the epoch."""
        return self.principal.rights.history_begin(camera_id)

    def timeline(self, camera: HubCamera) -> Timeline[JpegFrame]:
        """Return the old frames in memory that the principal may see, if it may see any."""
        begin = self.history_begin(camera.id)
        return LaterFrames(camera.ring, begin) if begin else camera.ring

    def note_history_read(self, camera_id: str | None, how: str) -> None:
        """Write the audit line that the principal sees old frames; see `HistoryAudit`."""
        self._hub.history_audit.note(self.principal, camera_id, how)

    def knows(self, camera: HubCamera) -> bool:
        """Return whether the hub has not forgotten a camera, which the caller has got from here."""
        return self._hub.camera(camera.id) is camera

    async def claim(self, camera_id: str, name: str | None = None) -> Lease:
        """Return the lease with which a camera may register now; see `Hub.claim`."""
        self.require(Action.PUBLISH, camera_id)
        return await self._hub.claim(camera_id, name, self.principal)

    def register(
        self,
        camera_id: str,
        *,
        name: str | None = None,
        on_end: Callable[[], None],
        on_demand: Callable[[], None] = lambda: None,
        lease: Lease = NO_LEASE,
    ) -> AbstractContextManager[CameraSession]:
        """Register a camera for as long as the context lasts; see `Hub.register`."""
        self.require(Action.PUBLISH, camera_id)
        return self._hub.register(
            camera_id, name=name, on_end=on_end, on_demand=on_demand, principal=self.principal, lease=lease
        )

    # Not async: that would be one more pending call for each frame.
    def publish(
        self, session: CameraSession, jpeg: bytes, *, width: int, height: int, captured_at: float | None = None
    ) -> Awaitable[JpegFrame]:
        """Publish a frame of a camera whose session comes from `register`; see `Hub.publish`."""
        return self._hub.publish(session, jpeg, width=width, height=height, captured_at=captured_at)

    def publish_same(self, session: CameraSession, captured_at: float | None = None) -> Awaitable[JpegFrame]:
        """Publish the newest picture of a camera again; see `Hub.publish_same`."""
        return self._hub.publish_same(session, captured_at)

    def note_measure(self, camera: HubCamera, measure: PictureMeasure) -> None:
        """Take what a camera, whose session comes from `register`, has measured in its newest frame."""
        self._hub.note_measure(camera, measure)

    def wants_change(self, camera_id: str) -> bool:
        """Return whether a camera is to measure the change with every frame."""
        return self._hub.wants_change(camera_id)

    def demand(self, camera: HubCamera) -> CombinedDemand:
        """Return the demand: the most that all viewers of a camera together need now."""
        return self._hub.demand(camera)

    def note_read(self, camera: HubCamera) -> None:
        """Record that a program has read the newest frame of a camera, and may soon read the next frame."""
        self._hub.note_read(camera)

    def watch(
        self,
        encode: Encoder = encode_nothing,
        sink: FrameSink = NO_SINK,
        *,
        notify_about: Collection[str] | None = (),
        online_only: bool = False,
        own_only: bool = False,
        encode_notice: NoticeEncoder | None = None,
    ) -> AbstractContextManager[HubViewer]:
        """Add a viewer for this principal for as long as the context lasts; see `Hub.watch`."""
        return self._hub.watch(
            encode,
            sink,
            notify_about=notify_about,
            principal=self.principal,
            online_only=online_only,
            own_only=own_only,
            encode_notice=encode_notice,
        )

    def subscribe(
        self,
        viewer: HubViewer,
        camera_ids: Collection[str] | None = None,
        limits: Limits = NO_LIMITS,
        *,
        introduce: bool = False,
    ) -> None:
        """Subscribe a viewer to cameras; None means all that the principal may see. See `Hub.subscribe`."""
        self._hub.subscribe(viewer, camera_ids, limits, introduce=introduce)

    def unsubscribe(self, viewer: HubViewer, camera_ids: Collection[str]) -> None:
        """Unsubscribe a viewer from cameras."""
        self._hub.unsubscribe(viewer, camera_ids)

    def note_passed_on(self, viewer: HubViewer, counts: Mapping[str, int]) -> None:
        """Note to how many viewers another server passes the frames of cameras on; see `Hub.note_passed_on`."""
        self._hub.note_passed_on(viewer, counts)

    def change_principal(self, viewer: HubViewer, principal: Principal) -> None:
        """Let this hub and a viewer go on as another principal; see `Hub.change_principal`."""
        self.principal = principal
        self._hub.change_principal(viewer, principal)

    def pause(self, viewer: HubViewer) -> None:
        """Send a viewer no frames until `resume` is called; see `Hub.pause`."""
        self._hub.pause(viewer)

    def resume(self, viewer: HubViewer) -> None:
        """Send a paused viewer frames again, first the newest frame of each camera."""
        self._hub.resume(viewer)

    def acknowledge(self, viewer: HubViewer, camera_id: str, sequence: int, painted_at: float | None) -> None:
        """Take a viewer's acknowledgement of a frame; see `Hub.acknowledge`."""
        self._hub.acknowledge(viewer, camera_id, sequence, painted_at)

    def publish_result(self, camera_id: str, sequence: int, message: bytes, *, boxes: Sequence[Box] = ()) -> int:
        """Send a detection result to the camera's viewers; see `DetectionResults.publish`."""
        if not self.may(Action.ANNOTATE, camera_id):
            raise ProtocolViolation(f"there is no camera {camera_id}", "not-found")
        return self._hub.results.publish(camera_id, sequence, message, boxes=boxes)

    def viewer_count(self, camera_id: str) -> int:
        """Return the number of viewers that get this camera's frames now; see `Hub.viewer_count`."""
        return self._hub.viewer_count(camera_id)

    def connected_viewer_count(self, camera_id: str) -> int:
        """Return the number of viewers to which this server sends the camera's frames; another server is one viewer."""
        return self._hub.connected_viewer_count(camera_id)

    def latency_of(self, camera_id: str) -> dict[int, MeanLatency]:
        """Return the mean latency of a camera's frames for each viewer that acknowledges them, by viewer number."""
        return self._hub.latency_of(camera_id)

    def playback(self, viewer: HubViewer) -> PlaybackSession:
        """Return a playback session for a viewer from `watch`; it shows only cameras that the viewer subscribes to."""
        return PlaybackSession(self._hub, viewer)

    def statistics(self) -> HubStatistics:
        """Return the server's totals over all cameras and viewers; the totals name no camera."""
        return self._hub.statistics()

    def count_ignored(self, role: Role) -> None:
        """Count a message that the server did not understand."""
        self._hub.count_ignored(role)

    def count_refusal(self, role: Role, cause: str) -> None:
        """Count a connection that the server ends, by cause: a constant in our code, never text from a peer."""
        self._hub.count_refusal(role, cause)


def _forbidden(action: Action, camera_id: str | None) -> ProtocolViolation:
    what = action if camera_id is None else f"{action} with camera {camera_id}"
    return ProtocolViolation(f"this access does not allow {what}", "forbidden")
