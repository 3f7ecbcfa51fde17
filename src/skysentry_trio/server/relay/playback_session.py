"""Lets one viewer play back the timelines of cameras instead of seeing their live frames.

No method awaits. A task of the viewer's connection calls `PlaybackSession.advance` when the next frame is to be shown.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Final

import trio
from attrs import define, field, frozen

from skysentry_trio.base.demand import Limits
from skysentry_trio.base.frames import NO_STATISTICS, JpegFrame
from skysentry_trio.base.principal import Action
from skysentry_trio.base.timeline import LaterFrames, Timeline
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.delivery import Delivery
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.playback import PlaybackCursor, find_start
from skysentry_trio.server.relay.viewer import HubViewer

MAX_PLAYBACKS: Final = 16
"""Cameras that one viewer may play back at the same time."""


@define(eq=False)
class RecordedPlace:
    """The place of a playback in the recordings of a camera; `show_recorded` is called with the frames."""

    speed: float
    sequence: int | None = None
    """Sequence of the frame that is shown, or that will be shown first; None if it is not known yet."""
    received_at: float | None = None
    """When the server had that frame: seconds since the epoch."""


@frozen
class PlaybackStatus:
    """What a viewer sees of one camera; times are seconds since the epoch, or None if the camera has no frame."""

    live: bool
    """Whether the viewer gets the live frames."""
    speed: float
    """Speed of the playback as in `PlaybackCursor`; 1 while the camera is live."""
    sequence: int | None
    """Sequence of the frame that the viewer is shown."""
    received_at: float | None
    """When the server had the frame that the viewer is shown."""
    oldest_at: float | None
    """When the server had the oldest frame of the timeline."""
    newest_at: float | None
    """When the server had the newest frame of the timeline."""
    results: list[tuple[float, float]]
    """When programs found something in the frames: first and last times, oldest first."""


@define(eq=False)
class PlaybackSession:
    """The playbacks of one viewer.

    A playback ends when the viewer's subscription to the camera ends, or when the hub forgets the camera.
    """

    _hub: Hub
    _viewer: HubViewer
    _cursors: dict[str, PlaybackCursor] = field(factory=dict, init=False)
    """By camera id; a camera without a cursor is live, unless its recordings are shown."""
    _recorded: dict[str, RecordedPlace] = field(factory=dict, init=False)
    """By camera id: the place in the recordings of a camera whose frames come from disk."""

    def __attrs_post_init__(self) -> None:
        # The viewer asks the session which live frames to leave out.
        self._viewer.playback = self

    def is_active(self, camera_id: str | None = None) -> bool:
        """Return whether the viewer plays back this camera; for None, whether it plays back any camera."""
        if camera_id is None:
            return bool(self._cursors or self._recorded)
        return camera_id in self._cursors or camera_id in self._recorded

    def state_of(self, camera_id: str) -> PlaybackStatus:
        """Return what the viewer sees of a camera; a camera that it may not see looks like one that does not exist."""
        camera = self._hub.camera(camera_id) if self._viewer.principal.may_see(camera_id) else None
        oldest, newest = self.oldest_in_ring(camera_id), None if camera is None else camera.ring.newest
        cursor = self._cursors.get(camera_id)
        recorded = self._recorded.get(camera_id)
        shown: PlaybackCursor | RecordedPlace | JpegFrame | None = recorded or cursor or newest
        if camera is not None and cursor is not None:
            frame = camera.ring.up_to(cursor.sequence)
            if frame is not None and frame.sequence == cursor.sequence:
                # The frame has the time by the clock as it is set now; the cursor may have an earlier one.
                shown = frame
        return PlaybackStatus(
            live=cursor is None and recorded is None,
            speed=next((one.speed for one in (recorded, cursor) if one is not None), 1.0),
            sequence=None if shown is None else shown.sequence,
            received_at=None if shown is None else shown.received_at,
            oldest_at=None if oldest is None else oldest.received_at,
            newest_at=None if newest is None else newest.received_at,
            results=[] if camera is None else self._results(camera),
        )

    def seek(
        self,
        camera_id: str,
        speed: float,
        *,
        at: float | None = None,
        back: float | None = None,
        sequence: int | None = None,
        in_step: bool = False,
    ) -> None:
        """Play a camera back from some moment on.

        At most one of `at`, `back` and `sequence` says where to begin; without any of them, the playback begins at the
        newest frame. If the playback would begin at the newest frame and run forwards, the camera becomes live instead.

        Nothing happens if the viewer does not subscribe to the camera, if the camera has no frames, or if the viewer
        already plays back `MAX_PLAYBACKS` other cameras.

        Args:
            camera_id: id of the camera.
            speed: speed of the playback as in `PlaybackCursor`.
            at: where to begin, in seconds since the epoch.
            back: where to begin, in seconds before now.
            sequence: where to begin, as the sequence of a frame.
            in_step: whether other cameras are played from the same moment. Each then shows what it showed at the time
                that is played, also if its own frames begin later or have a gap there.
        """
        now = trio.current_time()
        camera = self._hub.camera(camera_id) if self._viewer.follows(camera_id) else None
        if camera is None or not self._has_room_for(camera_id) or not self.may_play_back(camera_id):
            return
        self._recorded.pop(camera_id, None)
        timeline = self._timeline(camera)
        frame = find_start(timeline, now, at=at, back=back, sequence=sequence)
        if frame is not None:
            position = _position(frame, now, at, back) if in_step else None
            max_fps = self._viewer.limits(camera_id).max_fps
            cursor = PlaybackCursor.start(timeline, frame, speed, now, max_fps, position=position)
            self._hub.history_audit.note(self._viewer.principal, camera_id, "playback")
            self._show(camera, cursor, frame)

    def go_live(self, camera_id: str) -> None:
        """End the playback of a camera; show the newest frame now, and the live frames from then on."""
        if self._cursors.pop(camera_id, None) is None and self._recorded.pop(camera_id, None) is None:
            return
        self._hub.note_playback(self._viewer, camera_id)
        camera = self._hub.camera(camera_id)
        if camera is not None and camera.ring.newest is not None:
            self._deliver(camera, camera.ring.newest, live=True)

    def resume(self) -> None:
        """Continue all playbacks after the viewer was paused, each from the frame that it showed last."""
        for camera_id, cursor in list(self._cursors.items()):
            if (camera := self._hub.camera(camera_id)) is not None:
                self._show(camera, cursor, cursor.resume(self._timeline(camera), trio.current_time()))

    @property
    def due(self) -> float:
        """When to call `advance`, by Trio's clock; infinite if no playback has a next frame or the viewer is paused."""
        if self._viewer.paused:
            return math.inf
        return min((cursor.due for cursor in self._cursors.values()), default=math.inf)

    def advance(self) -> list[str]:
        """Show the next frame of each playback whose time for that frame has come.

        Returns:
            The ids of the cameras whose playback has become live, or has stopped at the oldest frame.
        """
        now, ended = trio.current_time(), list[str]()
        if self._viewer.paused:
            return ended
        for camera_id, cursor in list(self._cursors.items()):
            camera = self._hub.camera(camera_id)
            if camera is not None and cursor.due <= now:
                cursor.limit(self._viewer.limits(camera_id).max_fps)
                self._show(camera, cursor, cursor.step(self._timeline(camera), now))
                if cursor.due == math.inf:
                    ended.append(camera_id)
        return ended

    def forget(self, camera_id: str) -> None:
        """End the playback of a camera that the viewer no longer gets."""
        self._cursors.pop(camera_id, None)
        self._recorded.pop(camera_id, None)

    def forget_all(self, *, except_of: Collection[str] = ()) -> None:
        """End the playbacks of all cameras except these."""
        for places in (self._cursors, self._recorded):
            for camera_id in places.keys() - set(except_of):
                del places[camera_id]

    def begin_recorded(self, camera_id: str, place: RecordedPlace) -> bool:
        """Let a camera's frames come from its recordings from now on, if the viewer follows the camera.

        Args:
            camera_id: id of the camera, which the hub need not know.
            place: where the playback is.

        Returns:
            Whether the playback has begun.
        """
        if not self._viewer.follows(camera_id) or not self._has_room_for(camera_id):
            return False
        self._hub.history_audit.note(self._viewer.principal, camera_id, "playback")
        self._cursors.pop(camera_id, None)
        self._recorded[camera_id] = place
        self._hub.note_playback(self._viewer, camera_id)
        return True

    def show_recorded(self, camera_id: str, place: RecordedPlace, frame: JpegFrame) -> None:
        """Show a recorded frame; nothing happens if the playback has ended, or another one has begun."""
        if not self.shows(camera_id, place):
            return
        place.sequence, place.received_at = frame.sequence, frame.received_at
        camera, now = self._hub.camera(camera_id), trio.current_time()
        statistics = NO_STATISTICS if camera is None else camera.statistics(now)
        self._viewer.show(Delivery(camera_id, frame, statistics, live=False, fresh=False), now)

    def shows(self, camera_id: str, place: RecordedPlace) -> bool:
        """Return whether this playback of recordings goes on."""
        return self._recorded.get(camera_id) is place

    def recorded(self, camera_id: str) -> RecordedPlace | None:
        """Return where the playback of a camera's recordings is; None if they are not shown."""
        return self._recorded.get(camera_id)

    @property
    def is_paused(self) -> bool:
        """Whether the viewer wants no frames now."""
        return self._viewer.paused

    def limits(self, camera_id: str) -> Limits:
        """Return the most that the viewer needs of a camera."""
        return self._viewer.limits(camera_id)

    def max_fps(self, camera_id: str) -> float | None:
        """Return the most frames a second that the viewer wants of a camera; None for no limit."""
        return self._viewer.limits(camera_id).max_fps

    def oldest_in_ring(self, camera_id: str) -> JpegFrame | None:
        """Return the oldest frame in memory that the viewer may play back; None if there is none."""
        camera = self._hub.camera(camera_id) if self.may_play_back(camera_id) else None
        return None if camera is None else self._timeline(camera).oldest

    def may_play_back(self, camera_id: str) -> bool:
        """Return whether the viewer may see old frames of a camera."""
        principal = self._viewer.principal
        return principal.may_see(camera_id) and principal.rights.allow(Action.HISTORY, camera_id)

    def history_begin(self, camera_id: str) -> float:
        """Return from when on the viewer may see old frames of a camera, if it may: seconds since the epoch."""
        return self._viewer.principal.rights.history_begin(camera_id)

    @property
    def active(self) -> list[str]:
        """The ids of the cameras that the viewer plays back."""
        return [*self._cursors, *self._recorded]

    def _timeline(self, camera: HubCamera) -> Timeline[JpegFrame]:
        begin = self.history_begin(camera.id)
        return LaterFrames(camera.ring, begin) if begin else camera.ring

    def _results(self, camera: HubCamera) -> list[tuple[float, float]]:
        if not self.may_play_back(camera.id):
            return []
        return [(first, last) for first, last in camera.results() if first >= self.history_begin(camera.id)]

    def _has_room_for(self, camera_id: str) -> bool:
        return self.is_active(camera_id) or len(self._cursors) + len(self._recorded) < MAX_PLAYBACKS

    def _show(self, camera: HubCamera, cursor: PlaybackCursor, frame: JpegFrame | None) -> None:
        """Store a cursor, or drop the cursor if it is live; then show the viewer a frame, if there is one."""
        if cursor.live:
            self._cursors.pop(camera.id, None)
        else:
            self._cursors[camera.id] = cursor
        self._hub.note_playback(self._viewer, camera.id)
        if frame is not None:
            self._deliver(camera, frame, live=cursor.live)

    def _deliver(self, camera: HubCamera, frame: JpegFrame, *, live: bool) -> None:
        now = trio.current_time()
        self._viewer.show(Delivery(camera.id, frame, camera.statistics(now), live=live, fresh=False), now)


def _position(frame: JpegFrame, now: float, at: float | None, back: float | None) -> float | None:
    """Return a moment in seconds of the monotonic clock; None without a moment."""
    if at is not None:
        return frame.arrived + (at - frame.received_at)
    return None if back is None else now - back
