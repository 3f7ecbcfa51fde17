"""Carries out a viewer's playback commands, shows it the frames when they are due, and reports where it is."""

from __future__ import annotations

import math

import trio
from attrs import define, field

from skysentry_trio.server.relay.playback_session import PlaybackSession
from skysentry_trio.server.websocket.peer import Peer
from skysentry_trio.wire.messages import encode_message, to_milliseconds
from skysentry_trio.wire.viewer import GoLive, PlaybackState, Seek


@define(eq=False)
class PlaybackController:
    """The timer and the messages of one viewer's playbacks; its one task starts with the first seek."""

    _peer: Peer
    _session: PlaybackSession
    _supports_notices: bool
    """Whether the viewer understands messages other than frames."""
    _nursery: trio.Nursery
    """Of the viewer's connection."""
    _sleep: trio.CancelScope | None = field(default=None, init=False)
    """Ends when the next frame is due; None before the task has started."""

    async def handle(self, message: Seek | GoLive) -> None:
        """Carry out a command, and report what the viewer sees now."""
        match message:
            case Seek():
                self._session.seek(
                    message.camera_id, message.speed, at=message.at, back=message.back, sequence=message.sequence
                )
            case GoLive():
                self._session.go_live(message.camera_id)
        self._reschedule()
        await self._report(message.camera_id)

    def resume(self) -> None:
        """Go on after the viewer was paused."""
        self._session.resume()
        self._reschedule()

    def _reschedule(self) -> None:
        """Let the task wake up when the next frame is due, which may have changed."""
        if self._sleep is not None:
            self._sleep.deadline = self._session.due
        elif math.isfinite(self._session.due):
            self._sleep = trio.CancelScope()
            self._nursery.start_soon(self._play)

    async def _play(self) -> None:
        while True:
            with trio.CancelScope(deadline=self._session.due) as self._sleep:
                await trio.sleep_forever()
            for camera_id in self._session.advance():
                await self._report(camera_id)

    async def _report(self, camera_id: str) -> None:
        if self._supports_notices:
            await self._peer.send(encode_message(self._describe(camera_id)))

    def _describe(self, camera_id: str) -> PlaybackState:
        status = self._session.state_of(camera_id)
        return PlaybackState(
            camera_id,
            status.live,
            status.speed,
            status.sequence,
            to_milliseconds(status.received_at),
            to_milliseconds(status.oldest_at),
            to_milliseconds(status.newest_at),
        )
