"""Shows one viewer frames of the past when they are due, and tells it where it is."""

from __future__ import annotations

import math

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import PeerGone
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.relay.playback import PlaybackCursor
from skysentry_trio.server.relay.playback_session import PlaybackSession
from skysentry_trio.server.websocket.peer import Peer
from skysentry_trio.wire.messages import encode_message
from skysentry_trio.wire.viewer import GoLive, PlaybackState, Seek


@define(eq=False)
class PlaybackController:
    """Serves a viewer's wishes to look back; its one task begins with the first of them."""

    peer: Peer
    rewind: PlaybackSession
    supports_notices: bool
    """Whether the viewer knows messages other than frames."""
    _nursery: trio.Nursery
    """Of the viewer's connection."""
    _nap: trio.CancelScope | None = field(default=None, init=False)
    """In which the task waits for the next frame to be due."""

    async def handle(self, message: Seek | GoLive) -> None:
        """Do what the viewer wants, and say what it sees now."""
        match message:
            case Seek(camera_id=camera_id, speed=speed, at=at, back=back, sequence=sequence):
                at = None if at is None else at / 1000
                self.rewind.seek(camera_id, speed, at=at, back=back, sequence=sequence)
            case GoLive(camera_id=camera_id):
                self.rewind.go_live(camera_id)
        self.reschedule()
        await self._tell(camera_id)

    def resume(self) -> None:
        """Go on after the viewer was paused."""
        self.rewind.resume()
        self.reschedule()

    def reschedule(self) -> None:
        """Look anew when the next frame is due."""
        if self._nap is not None:
            self._nap.deadline = self.rewind.due
        elif math.isfinite(self.rewind.due):
            self._nap = trio.CancelScope()
            self._nursery.start_soon(self._play)

    async def _play(self) -> None:
        try:
            while True:
                with trio.CancelScope(deadline=self.rewind.due) as self._nap:
                    await trio.sleep_forever()
                for camera_id in self.rewind.advance():
                    await self._tell(camera_id)
        except PeerGone:
            # Whoever reads or sends for this viewer finds out too, and ends the connection.
            return

    async def _tell(self, camera_id: str) -> None:
        if self.supports_notices:
            await self.peer.send(encode_message(self._describe(camera_id)))

    def _describe(self, camera_id: str) -> PlaybackState:
        camera = self.rewind.hub.camera(camera_id)
        oldest, newest = (None, None) if camera is None else (camera.ring.oldest, camera.ring.newest)
        shown = self.rewind.viewer.playbacks.get(camera_id) or newest
        return PlaybackState(
            camera_id,
            live=not isinstance(shown, PlaybackCursor),
            speed=shown.speed if isinstance(shown, PlaybackCursor) else 1.0,
            sequence=None if shown is None else shown.sequence,
            at=_milliseconds(shown),
            oldest_at=_milliseconds(oldest),
            newest_at=_milliseconds(newest),
        )


def _milliseconds(shown: JpegFrame | PlaybackCursor | None) -> float | None:
    return None if shown is None else shown.received_at * 1000
