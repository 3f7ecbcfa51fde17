"""Carries out a viewer's playback commands, shows the frames at the right times, and reports the state of playbacks."""

from __future__ import annotations

import math

import trio
from attrs import define, field
from msgspec import UNSET

from skysentry_trio.server.relay.playback_session import PlaybackSession
from skysentry_trio.server.websocket.peer import Peer
from skysentry_trio.wire.messages import encode_message, to_milliseconds
from skysentry_trio.wire.viewer import DescribePlayback, GoLive, PlaybackState, Seek


@define(eq=False)
class PlaybackController:
    """The timer and the messages of one viewer's playbacks; the task of the timer starts with the first playback."""

    _peer: Peer
    _session: PlaybackSession
    _supports_notices: bool
    """Whether the viewer understands messages other than frames."""
    _nursery: trio.Nursery
    """The nursery of the viewer's connection."""
    _sleep: trio.CancelScope | None = field(default=None, init=False)
    """The scope in which the task sleeps until the next frame is to be shown; None before the task has started."""

    async def handle(self, message: Seek | GoLive | DescribePlayback) -> None:
        """Carry out a command, and report what the viewer sees now."""
        camera_ids = message.camera_ids
        for camera_id in camera_ids:
            match message:
                case Seek():
                    self._session.seek(
                        camera_id,
                        message.speed,
                        at=message.at,
                        back=message.back,
                        sequence=message.sequence,
                        in_step=bool(message.clients),
                    )
                case GoLive():
                    self._session.go_live(camera_id)
                case DescribePlayback():
                    pass
        self._reschedule()
        for camera_id in camera_ids:
            await self._report(camera_id, with_results=not isinstance(message, Seek))

    def resume(self) -> None:
        """Continue the playbacks after the viewer was paused."""
        self._session.resume()
        self._reschedule()

    def _reschedule(self) -> None:
        """Set when the task wakes up to show the next frame, and start the task if necessary."""
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

    async def _report(self, camera_id: str, *, with_results: bool = False) -> None:
        if self._supports_notices:
            await self._peer.send(encode_message(self._describe(camera_id, with_results=with_results)))

    def _describe(self, camera_id: str, *, with_results: bool) -> PlaybackState:
        status = self._session.state_of(camera_id)
        results = [(first * 1000, last * 1000) for first, last in status.results]
        return PlaybackState(
            camera_id,
            status.live,
            status.speed,
            status.sequence,
            to_milliseconds(status.received_at),
            to_milliseconds(status.oldest_at),
            to_milliseconds(status.newest_at),
            results if results and with_results else UNSET,
        )
