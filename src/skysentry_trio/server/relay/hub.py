"""The one place where cameras with their rings and viewers with their outboxes meet.

`Hub.publish` yields only between two batches of viewers, and every method that is not async is atomic, so the hub needs
no lock. A slow viewer or camera does not delay other viewers or cameras.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import trio
from attrs import define, field

from skysentry_trio.base.demand import NO_LIMITS, CombinedDemand, Limits
from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.held_memory import HeldMemory
from skysentry_trio.base.principal import ANYONE, Principal
from skysentry_trio.base.sink import NO_SINK, FrameSink
from skysentry_trio.base.wall_clock import WallClock
from skysentry_trio.server.access.history_audit import HistoryAudit
from skysentry_trio.server.relay.ack_window import AckWindow
from skysentry_trio.server.relay.audience import Audience
from skysentry_trio.server.relay.camera import CameraSession, HubCamera, SessionReplaced
from skysentry_trio.server.relay.camera_demand import CameraDemand
from skysentry_trio.server.relay.camera_registry import CameraRegistry
from skysentry_trio.server.relay.delivery import Delivery, Encoder, encode_nothing
from skysentry_trio.server.relay.detection_results import DetectionResults
from skysentry_trio.server.relay.eviction import Eviction
from skysentry_trio.server.relay.fan_out import FanOut
from skysentry_trio.server.relay.latency import LatencyHistograms
from skysentry_trio.server.relay.latency_breakdown import MeanLatency, measure
from skysentry_trio.server.relay.leases import NO_LEASE, Lease
from skysentry_trio.server.relay.link_window import LinkWindow
from skysentry_trio.server.relay.mirrored_cameras import MirroredCameras
from skysentry_trio.server.relay.notices import NoticeEncoder
from skysentry_trio.server.relay.notifier import ViewerNotifier
from skysentry_trio.server.relay.outbox import Outbox
from skysentry_trio.server.relay.registration import CameraRegistration
from skysentry_trio.server.relay.statistics import Counters, HubStatistics, Role
from skysentry_trio.server.relay.subscriptions import Subscriptions
from skysentry_trio.server.relay.viewer import NO_PLAYBACK, HubViewer
from skysentry_trio.server.settings import Settings
from skysentry_trio.wire.capture import PictureMeasure

_LONGEST_DELAY, _LARGEST_LEAD = 3600.0, 5.0
"""Seconds by which a time of capture may be before or after the arrival of its frame; other times are wrong."""


@define(eq=False)
class Hub:
    """Registers cameras, offers their frames to the viewers that subscribe, and answers questions about both."""

    settings: Settings
    wall_clock: WallClock = field(factory=lambda: WallClock(trio.current_time), repr=False)
    """The server's clock, by which frames have their times, and after which peers ask."""
    on_measure: Callable[[HubCamera, PictureMeasure], None] = field(default=lambda _camera, _measure: None, repr=False)
    """Called with what a camera has measured in its newest frame; must not raise."""
    wants_change: Callable[[str], bool] = field(default=lambda _camera_id: False, repr=False)
    """Returns whether a camera, named by its id, is to measure the change with every frame."""
    latency: LatencyHistograms = field(factory=LatencyHistograms, init=False, repr=False)
    """Latencies of the frames of all cameras, for all viewers that acknowledge frames."""
    history_audit: HistoryAudit = field(factory=HistoryAudit, init=False, repr=False)
    """Writes who sees old frames of which camera."""
    registration: CameraRegistration = field(init=False, repr=False)
    """Lets cameras register here."""
    mirrored: MirroredCameras = field(init=False, repr=False)
    """The cameras of other servers."""
    results: DetectionResults = field(init=False, repr=False)
    """Sends detection results to the viewers."""
    memory: HeldMemory = field(init=False, repr=False)
    """What is held for peers besides the rings, within the limit for both."""
    _cameras: CameraRegistry = field(init=False, repr=False)
    # A dictionary as an ordered set.
    _viewers: dict[HubViewer, None] = field(factory=dict, init=False, repr=False)
    _audience: Audience = field(factory=Audience, init=False, repr=False)
    _viewers_seen: int = field(default=0, init=False)
    _fan_out: FanOut = field(init=False, repr=False)
    _counters: Counters = field(factory=Counters, init=False, repr=False)
    _notifier: ViewerNotifier = field(init=False, repr=False)
    _demand: CameraDemand = field(init=False, repr=False)
    _subscriptions: Subscriptions = field(init=False, repr=False)
    _eviction: Eviction = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.memory = HeldMemory(self.settings.max_memory)
        self._cameras = CameraRegistry(self.settings, self.memory)
        self._fan_out = FanOut(self._audience)
        self._notifier = ViewerNotifier(self._viewers.keys(), self._audience)
        self._demand = CameraDemand(self._audience, self.settings.idle_fps)
        self._subscriptions = Subscriptions(self._cameras, self._audience, self._fan_out, self._demand)
        self._eviction = Eviction(
            self._cameras, self._viewers.keys(), self._fan_out, self._counters.departed, self._release
        )
        self.registration = CameraRegistration(
            self.settings,
            self.wall_clock,
            self._cameras,
            self._viewers.keys(),
            self._subscriptions,
            self._eviction,
            self._notifier,
        )
        self.mirrored = MirroredCameras(
            self._cameras, self._audience, self._fan_out, self._eviction, self.registration, self._notifier
        )
        self.results = DetectionResults(self._cameras, self._audience, self._notifier)

    # Cameras

    @property
    def cameras(self) -> Collection[HubCamera]:
        """All cameras, in the order in which the hub met them."""
        return self._cameras.all

    def camera(self, camera_id: str) -> HubCamera | None:
        """Return the camera with this id; None if there is none."""
        camera = self._cameras.get(camera_id)
        if camera is not None and camera.clock_shift != self.wall_clock.shift:
            camera.follow_clock(self.wall_clock.shift)
        return camera

    async def claim(self, camera_id: str, name: str | None = None, principal: Principal = ANYONE) -> Lease:
        """Return the lease with which a camera may register now; see `CameraRegistration.claim`."""
        return await self.registration.claim(camera_id, name, principal)

    def register(
        self,
        camera_id: str,
        *,
        name: str | None = None,
        on_end: Callable[[], None],
        on_demand: Callable[[], None] = lambda: None,
        principal: Principal = ANYONE,
        lease: Lease = NO_LEASE,
    ) -> AbstractContextManager[CameraSession]:
        """Register a camera for as long as the context lasts; see `CameraRegistration.register`."""
        return self.registration.register(
            camera_id, name=name, on_end=on_end, on_demand=on_demand, principal=principal, lease=lease
        )

    async def publish(
        self,
        session: CameraSession,
        jpeg: bytes,
        *,
        width: int,
        height: int,
        captured_at: float | None = None,
        sequence: int | None = None,
        received_at: float | None = None,
        repeats: bool = False,
    ) -> JpegFrame:
        """Keep a frame as the camera's newest, and offer the frame to each viewer of the camera.

        If the camera has many viewers, this yields to the scheduler between two batches of viewers. If this is
        cancelled, it still offers the frame to every viewer.

        Args:
            session: the session of the camera.
            jpeg: the JPEG, which the caller has checked.
            width: in pixels.
            height: in pixels.
            captured_at: seconds since the epoch; None if the camera does not send it. A time of more than an hour
                before or five seconds after the arrival is wrong: it is counted, and ignored. NaN too.
            sequence: the number that another server gave to the frame, which must be above the sequence of the
                camera's newest frame, or equal to it if that frame was dropped; None to count here.
            received_at: when the other server had the frame, in seconds since the epoch; None for the current time.
            repeats: whether the JPEG is that of the newest frame, which the camera did not send again.

        Raises:
            ProtocolViolation: with code ``too-fast`` or ``memory-full``; the frame is counted as refused.
            SessionReplaced: another connection took over.
            ValueError: ``sequence`` is not above the sequence of the camera's newest frame.
        """
        if session.is_replaced:
            raise SessionReplaced
        camera, now = session.camera, trio.current_time()
        camera.last_heard = now
        if not session.rate_limiter.admit(now):
            message = f"expected at most {self.settings.max_fps:g} frames a second, got more: some are dropped"
            raise session.refuse(ProtocolViolation(message, "too-fast"))
        if sequence is None:
            sequence = camera.sequence + 1
        elif sequence <= camera.sequence and (sequence < camera.sequence or camera.ring.newest is not None):
            raise ValueError(f"expected a sequence above {camera.sequence}, got {sequence}")
        wall_clock = self.wall_clock.now(now)
        if camera.clock_shift != self.wall_clock.shift:
            camera.follow_clock(self.wall_clock.shift)
        arrival = received_at or wall_clock
        is_wrong = captured_at is not None and not -_LONGEST_DELAY <= captured_at - arrival <= _LARGEST_LEAD
        frame = JpegFrame(sequence, arrival, None if is_wrong else captured_at, jpeg, width, height, now)
        frame.repeats = repeats
        if received_at is not None:
            frame.transit = max(0.0, wall_clock - received_at)
        if not self._cameras.keep(camera, frame):
            message = f"the frames of other cameras leave no room in {self.settings.max_memory} bytes: some are dropped"
            raise session.refuse(ProtocolViolation(message, "memory-full"))
        # Of a camera of another server, the other server knows the condition.
        if received_at is None and (camera.pictures.note_frame(jpeg, now) or camera.condition is not None):
            self._note_condition(camera)
        camera.sequence = sequence
        camera.frame_count += 1
        camera.byte_count += 0 if repeats else len(jpeg)
        camera.times_ignored += is_wrong
        camera.rate.tick(now)
        if self._fan_out.has_viewers(camera.id):
            delivery = Delivery(camera.id, frame, camera.statistics(now))
            if session.is_away:
                self._offer_last(delivery, now)
            elif not self._fan_out.begin(delivery, now):
                await self._fan_out.finish(camera.id)
        return frame

    def _offer_last(self, delivery: Delivery, now: float) -> None:
        """Offer the last frame of a camera that is offline at another server, as if it had been in the ring here."""
        delivery.fresh = False
        for viewer in self._audience.watching(delivery.camera_id):
            if not viewer.online_only:
                viewer.offer(delivery, now)

    async def publish_same(self, session: CameraSession, captured_at: float | None = None) -> JpegFrame:
        """Publish the camera's newest picture again, because the camera says that it still looks like this.

        The new frame shares the bytes of the last one. Args and Raises are those of `publish`, and:

        Raises:
            ProtocolViolation: with code ``no-frame``, if the camera has sent no frame.
        """
        newest = session.camera.ring.newest
        if newest is None:
            raise ProtocolViolation("expected a frame before same, got none", "no-frame")
        jpeg, width, height = newest.jpeg, newest.width, newest.height
        return await self.publish(session, jpeg, width=width, height=height, captured_at=captured_at, repeats=True)

    def note_measure(self, camera: HubCamera, measure: PictureMeasure) -> None:
        """Take what a camera has measured in its newest frame."""
        camera.pictures.note_measure(measure, trio.current_time())
        self._note_condition(camera)
        self.on_measure(camera, measure)

    def _note_condition(self, camera: HubCamera) -> None:
        """Tell the viewers if there is something else wrong with the pictures now, or nothing any more."""
        current = camera.pictures.current
        if current != camera.condition:
            camera.condition = current
            self._notifier.notify(camera)

    def evict_idle_in_slices(self) -> Iterator[list[str]]:
        """Forget cameras that left more than the client timeout ago; viewers keep their subscriptions to them.

        The work is done in slices of a few milliseconds, between which other tasks may run.

        Yields:
            The ids of the cameras that a slice has forgotten; there may be none.
        """
        timeout = self.settings.client_timeout
        is_due = HubCamera.is_overdue if self._cameras.memory_is_scarce else HubCamera.is_expired
        return self._eviction.in_slices(lambda camera: is_due(camera, trio.current_time(), timeout))

    def discard_expired(self, cameras: Iterable[HubCamera] | None = None) -> None:
        """Drop frames that are too old from the rings, and correct the times of frames after the clock was set.

        `publish` does both for the ring of a camera that sends frames; this is for the other cameras.

        Args:
            cameras: the cameras whose rings to look at; None for all cameras.
        """
        self.wall_clock.now()
        now = trio.current_time()
        for camera in self._cameras.all if cameras is None else cameras:
            if camera.clock_shift != self.wall_clock.shift:
                camera.follow_clock(self.wall_clock.shift)
            self._cameras.discard_expired(camera, now)

    def _release(self, camera_id: str) -> None:
        self.registration.leases.release(camera_id)

    # Demand

    def demand(self, camera: HubCamera) -> CombinedDemand:
        """Return the demand: the most that all viewers of a camera together need now."""
        return self._demand.of(camera)

    def note_read(self, camera: HubCamera) -> None:
        """Record that a program has read a single frame of a camera, and may soon read the next frame."""
        self._demand.note_read(camera)

    async def report_demand(self) -> None:
        """Tell cameras that their demand may have changed, if a viewer has changed that of many; never returns."""
        await self._demand.report()

    # Viewers

    async def send_notices(self) -> None:
        """Send notices that are for many viewers to the viewers that were left out at first; never returns."""
        await self._notifier.run()

    @contextmanager
    def watch(
        self,
        encode: Encoder = encode_nothing,
        sink: FrameSink = NO_SINK,
        *,
        notify_about: Collection[str] | None = (),
        principal: Principal = ANYONE,
        online_only: bool = False,
        own_only: bool = False,
        encode_notice: NoticeEncoder | None = None,
        takes_frames: bool = True,
    ) -> Iterator[HubViewer]:
        """Add a viewer for as long as the context lasts; the viewer gets no frames until it subscribes.

        Args:
            encode: encodes a frame to the bytes to be sent.
            sink: sends these bytes if that is possible without waiting.
            notify_about: ids of cameras about which the viewer gets notices, besides the cameras that it subscribes
                to; None for all cameras.
            principal: the viewer gets frames and notices only of cameras that this principal may see.
            online_only: whether to keep the last frames of cameras that are offline from the viewer.
            own_only: whether no frames of cameras of other servers are fetched for this viewer.
            encode_notice: encodes a notice for the sink; without it, the caller takes all notices from the outbox.
            takes_frames: False for a part of the server that reads the rings instead. Only its demand counts: it gets
                no notices, and `count_viewers` and `viewer_count` leave it out.
        """
        self._viewers_seen += 1
        make_window = LinkWindow if own_only else AckWindow
        outbox = Outbox(self.settings.max_cameras, encode, sink, make_window, encode_notice)
        viewer = HubViewer(outbox, self._viewers_seen, notify_about, principal, online_only, own_only, takes_frames)
        if takes_frames:
            self._viewers[viewer] = None
        try:
            yield viewer
        finally:
            self._subscriptions.leave(viewer)
            viewer.outbox.abandon()
            viewer.playback = NO_PLAYBACK  # the playback refers to the viewer
            if takes_frames:
                del self._viewers[viewer]
                self._counters.departed.add_outbox(viewer.outbox)

    def subscribe(
        self,
        viewer: HubViewer,
        camera_ids: Collection[str] | None = None,
        limits: Limits = NO_LIMITS,
        *,
        introduce: bool = False,
    ) -> None:
        """Subscribe a viewer to more cameras; see `Subscriptions.subscribe`."""
        self._subscriptions.subscribe(viewer, camera_ids, limits, introduce=introduce)

    def unsubscribe(self, viewer: HubViewer, camera_ids: Collection[str]) -> None:
        """Unsubscribe a viewer from these cameras."""
        self._subscriptions.unsubscribe(viewer, camera_ids)

    def note_passed_on(self, viewer: HubViewer, counts: Mapping[str, int]) -> None:
        """Note to how many viewers another server passes the frames of cameras on, by camera id."""
        self._subscriptions.note_passed_on(viewer, counts)

    def change_principal(self, viewer: HubViewer, principal: Principal) -> None:
        """Let a viewer go on as another principal; see `Subscriptions.change_principal`."""
        self._subscriptions.change_principal(viewer, principal)

    def pause(self, viewer: HubViewer) -> None:
        """Send a viewer no frames until `resume` is called; see `Subscriptions.pause`."""
        self._subscriptions.pause(viewer)

    def resume(self, viewer: HubViewer) -> None:
        """Send a paused viewer frames again, first the newest frame of each camera."""
        self._subscriptions.resume(viewer)

    def note_playback(self, viewer: HubViewer, camera_id: str) -> None:
        """Update where a viewer's live frames of a camera go, when a playback of it begins, goes on or ends."""
        self._audience.note_playbacks(viewer, camera_id)
        # The playback shows the viewer a frame now. If the playback ends, this frame is the camera's newest.
        self._fan_out.note_served(camera_id, viewer)

    def acknowledge(self, viewer: HubViewer, camera_id: str, sequence: int, painted_at: float | None) -> None:
        """Take a viewer's acknowledgement of a frame, and of all frames of its camera that were sent before.

        Args:
            viewer: the viewer; from now on, its acknowledgements limit how many frames the server sends to it.
            camera_id: id of the camera that sent the frame.
            sequence: sequence of the frame.
            painted_at: seconds since the epoch by the server's clock; None if the time is unknown, or if the viewer
                never painted the frame.
        """
        now = trio.current_time()
        sent = viewer.outbox.acknowledge(camera_id, sequence, now)
        if sent is None or painted_at is None or not sent.fresh:
            return
        breakdown = measure(sent, painted_at, now)
        if breakdown is not None:
            viewer.latency.add(camera_id, breakdown)
            self.latency.add(breakdown)

    def count_viewers(self) -> int:
        """Return the number of viewers that are connected."""
        return len(self._viewers)

    def viewer_count(self, camera_id: str) -> int:
        """Return the number of viewers that get this camera's frames now, from this server and from other servers."""
        return self._audience.count_everywhere(camera_id)

    def connected_viewer_count(self, camera_id: str) -> int:
        """Return the number of viewers to which this server sends the camera's frames; another server is one viewer."""
        return self._audience.count_receiving(camera_id)

    def latency_of(self, camera_id: str) -> dict[int, MeanLatency]:
        """Return the recent mean latency of a camera's frames for each viewer that acknowledges, by viewer number."""
        now = trio.current_time()
        return {
            viewer.number: mean
            for viewer in self._audience.watching(camera_id)
            if (mean := viewer.latency.latest(camera_id, now)) is not None
        }

    # Totals

    def count_refusal(self, role: Role, cause: str) -> None:
        """Count a connection that the server ends.

        Args:
            role: whether the peer is a camera or a viewer.
            cause: a constant in our code, never text from a peer, because the hub keeps each distinct cause for ever.
        """
        self._counters.peers_refused[role, cause] += 1

    def count_ignored(self, role: Role) -> None:
        """Count a message of a camera or a viewer that the server did not understand."""
        self._counters.messages_ignored[role] += 1

    def statistics(self) -> HubStatistics:
        """Return the totals over all cameras and viewers, including those that have left."""
        outboxes = [viewer.outbox for viewer in self._viewers]
        return self._counters.snapshot(self._cameras.all, outboxes, ring_bytes=self._cameras.nbytes)
