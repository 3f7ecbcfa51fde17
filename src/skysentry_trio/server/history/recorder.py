"""Record cameras: take frames from the rings, as many a second as wanted, and hand them to the thread that writes.

The ring is the queue. If more is recorded around events than otherwise, a frame stays in the ring for the time before
an event that belongs to the event. Only then the recorder decides about the frame, so frames are recorded in order.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Final

import trio
from attrs import define, field

from skysentry_trio.base.demand import Limits
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.rate_limit import RateLimiter
from skysentry_trio.base.recording_rules import RecordingMode, RecordingRule, RecordingRules
from skysentry_trio.server.health import Health
from skysentry_trio.server.history.disk_writer import DiskWriter
from skysentry_trio.server.history.event_log import EventLog
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.viewer import HubViewer

_INTERVAL: Final = 0.2
"""Seconds between two looks at the rings. A camera of 60 fps adds twelve frames meanwhile; rings keep 16."""
_TURN: Final = 3
"""Looks after which the frames of a camera are handed over, if its ring keeps them for as long. Fewer and longer writes
cost less, and cameras take turns, so that the thread never writes for long while the event loop has work."""
_SPARE: Final = 2
"""Frames that may come until the next look, besides twice as many as since the last look."""
_MARGIN: Final = 0.5
"""A frame is looked at this many seconds before it leaves a ring that is shorter than the time to wait."""
_FEW: Final = 16
"""Frames that may come between two looks at a ring."""
_REMEMBERED: Final = 10.0
"""Seconds for which an event is remembered longer than its frames should need, because the server may be busy."""
_BATCH_OF_CAMERAS: Final = 256
"""Number of cameras that are looked at before other tasks run."""
SERVICE: Final = "history"


@define(eq=False)
class _Recording:
    """Which frames of one camera are recorded already."""

    camera: HubCamera
    epoch: int
    rule: RecordingRule
    first: int
    """Sequence of the frame before the first one that is to be recorded."""
    sequence: int = 0
    """Sequence of the last frame that was looked at."""
    turn: int = 0
    """The look, of each `_TURN` looks, in which it is the camera's turn: from 0."""
    seen: int = field(default=0, init=False)
    """Sequence of the newest frame at the last look."""
    jpeg: bytes = field(default=b"", init=False, repr=False)
    """The last picture that was recorded."""
    between: RateLimiter | None = field(init=False)
    """Limits the frames between events; None records every frame."""
    around: RateLimiter | None = field(init=False)
    """Limits the frames around events; None records every frame."""

    def __attrs_post_init__(self) -> None:
        self.sequence = self.first
        self.between, self.around = _limiter(self.rule.fps), _limiter(self.rule.event_fps)

    def is_due(self, newest: JpegFrame, look: int) -> bool:
        """Return whether this look hands frames over: it is the camera's turn, or the ring will soon drop them.

        Args:
            newest: frame in the ring.
            look: number of the look.
        """
        came, self.seen = newest.sequence - self.seen, newest.sequence
        oldest = self.camera.ring.oldest or newest
        # Frames that are recorded already leave the ring first.
        return look % _TURN == self.turn or self.sequence + 1 - oldest.sequence <= 2 * came + _SPARE

    def due_until(self, now: float) -> float:
        """Return the time of arrival up to which frames are to be looked at, in seconds of the monotonic clock."""
        ring, hold = self.camera.ring, self.rule.hold
        oldest, newest = ring.oldest, ring.newest
        if not hold or oldest is None or newest is None:
            return now
        if oldest.sequence > self.first + 1 or len(ring) + _FEW >= ring.capacity:
            # Frames leave the ring, or soon will. The ring may be shorter than the time to wait.
            hold = min(hold, max(0.0, newest.arrived - oldest.arrived - _MARGIN))
        return now - hold


def _limiter(fps: float) -> RateLimiter | None:
    return RateLimiter(fps, burst=0.5 / fps) if fps else None


@define(eq=False)
class Recorder:
    """Records the cameras of a hub. For a camera, the recorder is one viewer more, and around events another one."""

    _hub: Hub
    _writer: DiskWriter
    _rules: RecordingRules
    _events: EventLog
    missed: int = field(default=0, init=False)
    """Frames that were to be recorded, but left a ring before the recorder looked."""
    _began_at: float = field(factory=trio.current_time, init=False)
    _looks: int = field(default=0, init=False)
    _recordings: dict[str, _Recording] = field(factory=dict, init=False, repr=False)
    _viewer: HubViewer | None = field(default=None, init=False, repr=False)
    """Requests what is recorded between events."""
    _event_viewer: HubViewer | None = field(default=None, init=False, repr=False)
    """Requests what is recorded around events, of the cameras at which one lasts."""

    async def run(self, health: Health) -> None:
        """Record for ever; report in ``health`` why recording is paused."""
        with self._watch() as viewer, self._watch() as event_viewer:
            self._viewer, self._event_viewer = viewer, event_viewer
            demand = self._rules.default.demand(around_event=False)
            if self._rules.are_alike and demand is not None:
                self._hub.subscribe(viewer, None, demand)
            self._events.changed = self._note_event
            self._hub.mirrored.on_leaving = self._take_last
            try:
                while True:
                    await self.look()
                    self._report(health)
                    await trio.sleep(_INTERVAL)
            finally:
                self._viewer = self._event_viewer = None
                # The frames of the last moment; the thread writes them before it stops.
                for camera in list(self._hub.cameras):
                    self._take(camera, is_last=True)

    def _watch(self) -> AbstractContextManager[HubViewer]:
        # The cameras of other servers are recorded there.
        return self._hub.watch(own_only=True, takes_frames=False)

    async def look(self) -> None:
        """Hand over the frames that are due, and ask cameras for no more than is needed now."""
        cameras, self._looks = list(self._hub.cameras), self._looks + 1
        self._events.expire(max(rule.hold + rule.post_roll for rule in self._rules.every()) + _REMEMBERED)
        if not self._rules.are_alike:
            self._subscribe_to_new(cameras)
        self._leave_after_events()
        for number, camera in enumerate(cameras, 1):
            self._take(camera)
            if number % _BATCH_OF_CAMERAS == 0:
                await trio.lowlevel.checkpoint()
        if len(self._recordings) > len(cameras):
            known = {camera.id for camera in cameras}
            for camera_id in self._recordings.keys() - known:
                self._hand_over(self._recordings.pop(camera_id), is_last=True)

    def _take(self, camera: HubCamera, *, is_last: bool = False) -> None:
        if camera.is_elsewhere:
            return
        newest = camera.ring.newest
        recording = self._recordings.get(camera.id)
        if newest is None or (recording is not None and recording.sequence == newest.sequence):
            return
        if recording is None or recording.camera is not camera:
            if recording is not None:
                self._hand_over(recording, is_last=True)
            rule = self._rules.of(camera.id)
            if rule.mode is RecordingMode.OFF:
                return
            recording = self._recordings[camera.id] = self._begin(camera, rule, newest)
        if is_last or recording.is_due(newest, self._looks):
            self._hand_over(recording, is_last=is_last)

    def _take_last(self, camera: HubCamera) -> None:
        """Hand over the last frames of a camera that goes to another server, which may count from 1 again."""
        if (recording := self._recordings.pop(camera.id, None)) is not None:
            self._hand_over(recording, is_last=True)

    def _begin(self, camera: HubCamera, rule: RecordingRule, newest: JpegFrame) -> _Recording:
        epoch, turn = self._writer.next_epoch(camera.id), len(self._recordings) % _TURN
        has_lease = camera.session is not None and camera.session.lease.epoch > 0
        if camera.met >= self._began_at and not has_lease:
            return _Recording(camera, epoch, rule, 0, turn=turn)
        # Of a camera that was here before, what its ring holds is recorded; the earlier frames are not missed. In a
        # cluster, they may have been at another server.
        oldest = camera.ring.oldest or newest
        return _Recording(camera, epoch, rule, oldest.sequence - 1, turn=turn)

    def _hand_over(self, recording: _Recording, *, is_last: bool) -> None:
        frames = self._choose(recording, is_last=is_last)
        if frames:
            self._writer.offer(recording.camera.id, recording.epoch, frames)

    def _choose(self, recording: _Recording, *, is_last: bool) -> list[JpegFrame]:
        """Return the frames to record among those that are due, and note them as looked at."""
        ring, frames = recording.camera.ring, list[JpegFrame]()
        due = float("inf") if is_last else recording.due_until(trio.current_time())
        spans = self._event_spans(recording.camera.id, recording.rule)
        for frame in ring.frames_after(recording.sequence):
            if frame.arrived > due:
                break
            is_around = bool(spans) and any(begin <= frame.arrived <= end for begin, end in spans)
            limiter = recording.around if is_around else recording.between
            is_wanted = is_around or recording.rule.mode is RecordingMode.CONTINUOUS
            if is_wanted and limiter is None:
                self.missed += frame.sequence - recording.sequence - 1
            recording.sequence = frame.sequence
            is_new = not (frame.repeats and frame.jpeg is recording.jpeg)
            if is_wanted and is_new and (limiter is None or limiter.admit(frame.arrived)):
                recording.jpeg = frame.jpeg
                frames.append(frame)
        return frames

    def _event_spans(self, camera_id: str, rule: RecordingRule) -> list[tuple[float, float]]:
        """Return from when until when frames belong to events, in seconds of the monotonic clock."""
        return [
            (one.begin - rule.pre_roll, float("inf") if one.end is None else one.end + rule.post_roll)
            for one in self._events.current(camera_id)
        ]

    # Demand

    def _note_event(self, camera_id: str) -> None:
        """Request the frames around an event as soon as it begins."""
        viewer, rule = self._event_viewer, self._rules.of(camera_id)
        if viewer is None or viewer.follows(camera_id) or not rule.depends_on_events:
            return
        demand = rule.demand(around_event=True)
        if demand is not None and self._lasts(camera_id, rule):
            self._hub.subscribe(viewer, [camera_id], demand)

    def _leave_after_events(self) -> None:
        viewer = self._event_viewer
        if viewer is not None and viewer.named:
            over = [camera_id for camera_id in viewer.named if not self._lasts(camera_id, self._rules.of(camera_id))]
            if over:
                self._hub.unsubscribe(viewer, over)

    def _lasts(self, camera_id: str, rule: RecordingRule) -> bool:
        return any(end >= trio.current_time() for _, end in self._event_spans(camera_id, rule))

    def _subscribe_to_new(self, cameras: list[HubCamera]) -> None:
        """Request of each camera what its rule says, and forget cameras that are gone."""
        viewer = self._viewer
        if viewer is None:
            return
        known = {camera.id for camera in cameras}
        if gone := viewer.named - known:
            self._hub.unsubscribe(viewer, gone)
        by_demand: dict[Limits, list[str]] = {}
        for camera_id in known - viewer.named:
            demand = self._rules.of(camera_id).demand(around_event=False)
            if demand is not None:
                by_demand.setdefault(demand, []).append(camera_id)
        for demand, camera_ids in by_demand.items():
            self._hub.subscribe(viewer, camera_ids, demand)

    def _report(self, health: Health) -> None:
        trouble = self._writer.current_trouble()
        if trouble is not None:
            health.failing[SERVICE] = f"recording is paused: {trouble}"
        else:
            health.failing.pop(SERVICE, None)
