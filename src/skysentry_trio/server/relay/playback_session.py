"""Lets one viewer leave the live pictures of cameras and look at what their rings hold.

Nothing in here awaits, as in the hub; whoever serves the viewer calls `PlaybackSession.advance` when something is due.
"""

from __future__ import annotations

import math
from typing import Final

import trio
from attrs import define

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.outbox import Delivery
from skysentry_trio.server.relay.playback import PlaybackCursor, find_start
from skysentry_trio.server.relay.viewer import HubViewer

MAX_PLAYBACKS: Final = 16
"""Cameras that one viewer may look back on at the same time."""


@define(eq=False)
class PlaybackSession:
    """The playbacks of one viewer; they end with its choice of the camera, and with the camera."""

    hub: Hub
    viewer: HubViewer

    def seek(
        self,
        camera_id: str,
        speed: float,
        *,
        at: float | None = None,
        back: float | None = None,
        sequence: int | None = None,
    ) -> None:
        """Show a camera from some moment on; without effect if the viewer does not follow it or it has no frames.

        No more than `MAX_PLAYBACKS` are begun. One that begins at the newest frame is live at once.

        Args:
            camera_id: of the camera.
            speed: as of `PlaybackCursor`.
            at: where to begin, in seconds since the epoch;
            back: or in seconds before now;
            sequence: or as the sequence of a frame.
        """
        viewer, now = self.viewer, trio.current_time()
        camera = self.hub.camera(camera_id) if viewer.follows(camera_id) else None
        if camera is None or (camera_id not in viewer.playbacks and len(viewer.playbacks) >= MAX_PLAYBACKS):
            return
        frame = find_start(camera.ring, now, at=at, back=back, sequence=sequence)
        if frame is None:
            return
        playback = PlaybackCursor.start(camera.ring, frame, speed, now, viewer.limits(camera_id).max_fps)
        self.hub.begin_playback(viewer, camera_id, playback)
        self._show(camera, playback, frame)

    def go_live(self, camera_id: str) -> None:
        """Show the live picture again, the newest frame first."""
        camera = self.hub.camera(camera_id)
        if self.hub.end_playback(self.viewer, camera_id) and camera is not None:
            newest = camera.ring.newest
            if newest is not None:
                now = trio.current_time()
                self.viewer.show(Delivery(camera_id, newest, camera.statistics(now), fresh=False), now)

    def resume(self) -> None:
        """Go on after the viewer was paused: each playback from the frame at which it was."""
        for camera_id, playback in list(self.viewer.playbacks.items()):
            if (camera := self.hub.camera(camera_id)) is not None:
                self._show(camera, playback, playback.resume(camera.ring, trio.current_time()))

    @property
    def due(self) -> float:
        """When to call `advance`, by Trio's clock; infinite if nothing moves."""
        if self.viewer.paused:
            return math.inf
        return min((playback.due for playback in self.viewer.playbacks.values()), default=math.inf)

    def advance(self) -> list[str]:
        """Show the frames that are due.

        Returns:
            The ids of cameras whose playback has become live, or stopped at the oldest frame.
        """
        now, ended = trio.current_time(), list[str]()
        if self.viewer.paused:
            return ended
        for camera_id, playback in list(self.viewer.playbacks.items()):
            camera = self.hub.camera(camera_id)
            if camera is not None and playback.due <= now:
                playback.limit(self.viewer.limits(camera_id).max_fps)
                self._show(camera, playback, playback.step(camera.ring, now))
                if playback.due == math.inf:
                    ended.append(camera_id)
        return ended

    def _show(self, camera: HubCamera, playback: PlaybackCursor, frame: JpegFrame | None) -> None:
        if playback.live:
            self.hub.end_playback(self.viewer, camera.id)
        if frame is not None:
            now = trio.current_time()
            delivery = Delivery(camera.id, frame, camera.statistics(now), live=playback.live, fresh=False)
            self.viewer.show(delivery, now)
