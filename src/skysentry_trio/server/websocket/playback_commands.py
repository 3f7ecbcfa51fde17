"""Carries out a viewer's playback commands, shows the frames at the right times, and reports the state of playbacks."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Final

import trio
from attrs import define, field
from msgspec import UNSET

from skysentry_trio.base.principal import ANYONE, Principal
from skysentry_trio.server.relay.playback_session import PlaybackSession, RecordedPlace
from skysentry_trio.server.websocket.peer import Peer
from skysentry_trio.server.websocket.recorded_playback import Archive, RecordedPlayback
from skysentry_trio.server.websocket.remote_playback import Elsewhere, RemotePlaybacks
from skysentry_trio.wire.messages import encode_message, to_milliseconds
from skysentry_trio.wire.viewer import DescribePlayback, GoLive, PlaybackState, Seek

_BELIEVED: Final = 10.0
"""Seconds."""
_TICK: Final = 0.001
"""Seconds: the index of recordings has times in milliseconds."""


@define(eq=False)
class PlaybackCommands:
    """Carries out the playback commands of one viewer; the task of its timer starts with the first playback."""

    _peer: Peer
    _session: PlaybackSession
    _supports_notices: bool
    """Whether the viewer understands messages other than frames."""
    _nursery: trio.Nursery
    """The nursery of the viewer's connection."""
    _archive: Archive = field(factory=Archive)
    """The recordings."""
    _elsewhere: Elsewhere | None = None
    """The cameras of other servers; None for a server alone."""
    _principal: Callable[[], Principal] = lambda: ANYONE
    """Returns who views."""
    _remote: RemotePlaybacks | None = field(init=False)
    """The playbacks of cameras of other servers; None for a server alone."""
    _tapes: dict[str, tuple[RecordedPlayback, trio.CancelScope]] = field(factory=dict, init=False)
    """The playbacks of recordings, by camera id, each with the scope of its task."""
    _extents: dict[str, tuple[float, tuple[float, float] | None]] = field(factory=dict, init=False)
    """By camera id: until when to believe the extent of the recordings, and this extent."""
    _backwards: dict[str, Seek] = field(factory=dict, init=False)
    """By camera id: the command by which the ring is played backwards."""
    _sleep: trio.CancelScope | None = field(default=None, init=False)
    """The scope in which the task sleeps until the next frame is to be shown; None before the task has started."""

    @_remote.default
    def _prepare_remote(self) -> RemotePlaybacks | None:
        if self._elsewhere is None or not self._supports_notices:
            return None
        return RemotePlaybacks(self._elsewhere, self._session, self._principal, self._peer.send, self._nursery)

    async def handle(self, message: Seek | GoLive | DescribePlayback) -> None:
        """Carry out a command, and report what the viewer sees now."""
        camera_ids = [one for one in message.camera_ids if not await self._play_elsewhere(one, message)]
        for camera_id in camera_ids:
            match message:
                case Seek():
                    await self._seek(camera_id, message)
                case GoLive():
                    self._backwards.pop(camera_id, None)
                    self._session.go_live(camera_id)
                    self._end_tape(camera_id)
                case DescribePlayback():
                    pass
        self._reschedule()
        for camera_id in camera_ids:
            await self._report(camera_id, with_results=not isinstance(message, Seek))

    async def _play_elsewhere(self, camera_id: str, message: Seek | GoLive | DescribePlayback) -> bool:
        """Let the server that has a camera carry out a command; return False if this server has to."""
        # A viewer that may not play a camera back does not learn whether another server has the camera.
        if self._remote is None or not self._session.may_play_back(camera_id):
            return False
        return await self._remote.take(camera_id, message)

    async def _seek(self, camera_id: str, message: Seek) -> None:
        """Play the recordings of a camera if the moment is before the frames in memory, otherwise its ring."""
        recorded = await self._find_recorded(camera_id, message)
        self._end_tape(camera_id)
        self._backwards.pop(camera_id, None)
        if recorded is not None and self._begin_tape(camera_id, recorded):
            return
        self._session.seek(
            camera_id,
            message.speed,
            at=message.at,
            back=message.back,
            sequence=message.sequence,
            in_step=bool(message.clients),
        )
        if message.speed < 0:
            self._backwards[camera_id] = message
            await self._go_on_before_ring(camera_id)

    async def _go_on_before_ring(self, camera_id: str) -> None:
        """Play the recordings backwards from the oldest frame in memory, if a playback has stopped there."""
        message, oldest = self._backwards.get(camera_id), self._session.oldest_in_ring(camera_id)
        if message is None or oldest is None or self._archive.reader is None:
            return
        status = self._session.state_of(camera_id)
        if status.live or status.speed or status.sequence is None or status.received_at is None:
            return
        if status.sequence > oldest.sequence:
            return
        del self._backwards[camera_id]
        moment = status.received_at - _TICK
        tape = await self._archive.tape_at(camera_id, moment, self._session.history_begin(camera_id))
        if tape is None or tape.received_at > moment:
            return
        place, in_step = RecordedPlace(message.speed), status.received_at if message.clients else None
        recorded = RecordedPlayback(self._archive, self._session, camera_id, tape, place, in_step)
        self._begin_tape(camera_id, recorded)

    def _begin_tape(self, camera_id: str, recorded: RecordedPlayback) -> bool:
        """Let the frames of a camera come from its recordings; return whether the viewer gets them."""
        if not self._session.begin_recorded(camera_id, recorded.place):
            return False
        scope = trio.CancelScope()
        self._tapes[camera_id] = recorded, scope
        self._nursery.start_soon(self._play_tape, camera_id, recorded, scope)
        return True

    async def _find_recorded(self, camera_id: str, message: Seek) -> RecordedPlayback | None:
        if not self._session.may_play_back(camera_id):
            return None
        place, moment = RecordedPlace(message.speed), self._moment_of(message)
        if moment is None:
            # One frame further, of a camera whose recordings are shown.
            current = self._tapes.get(camera_id)
            if current is None or self._session.recorded(camera_id) is None or message.sequence is None:
                return None
            tape = current[0].tape
            await self._archive.run(partial(tape.step_to, message.sequence))
        else:
            oldest = self._session.oldest_in_ring(camera_id)
            if oldest is not None and moment >= oldest.received_at:
                return None
            found = await self._archive.tape_at(camera_id, moment, self._session.history_begin(camera_id))
            if found is None or (oldest is not None and found.received_at >= oldest.received_at):
                return None
            tape = found
        # The first frame is read later, and the viewer is told before that where the playback is.
        place.sequence, place.received_at = tape.sequence, tape.received_at
        in_step = moment if message.clients else None
        return RecordedPlayback(self._archive, self._session, camera_id, tape, place, in_step)

    def _moment_of(self, message: Seek) -> float | None:
        if self._archive.reader is None:
            return None
        if message.back is not None:
            return trio.current_time() + self._archive.clock_offset() - message.back
        return message.at

    async def _play_tape(self, camera_id: str, recorded: RecordedPlayback, scope: trio.CancelScope) -> None:
        with scope:
            speed = recorded.place.speed
            moment = await recorded.run()
            if moment is not None:
                self._session.seek(camera_id, speed, at=moment + _TICK, in_step=recorded.in_step)
                self._reschedule()
            if recorded.place.speed != speed or not self._session.shows(camera_id, recorded.place):
                await self._report(camera_id)

    def _end_tape(self, camera_id: str) -> None:
        if (tape := self._tapes.pop(camera_id, None)) is not None:
            tape[1].cancel()

    async def _extent(self, camera_id: str) -> tuple[float, float] | None:
        """Return when the oldest and the newest recorded frame of a camera arrived; looked up once in a while."""
        now = trio.current_time()
        if (known := self._extents.get(camera_id)) is None or known[0] < now:
            extent = await self._archive.extent(camera_id, self._session.history_begin(camera_id))
            known = self._extents[camera_id] = now + _BELIEVED, extent
        return known[1]

    async def adapt_to_rights(self) -> None:
        """End all playbacks after the viewer has got other rights; it may begin those again that it may still see."""
        self._extents.clear()
        self._backwards.clear()
        if self._remote is not None:
            self._remote.end_all()
        for camera_id in self._session.active:
            self._session.go_live(camera_id)
            self._end_tape(camera_id)
            await self._report(camera_id)
        self._reschedule()

    def resume(self) -> None:
        """Continue the playbacks after the viewer was paused."""
        self._session.resume()
        if self._remote is not None:
            self._remote.resume()
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
                await self._go_on_before_ring(camera_id)
                await self._report(camera_id)

    async def _report(self, camera_id: str, *, with_results: bool = False) -> None:
        if self._supports_notices:
            # A viewer that may not play a camera back does not learn whether the camera was recorded.
            is_told = self._archive.reader is not None and self._session.may_play_back(camera_id)
            recorded = await self._extent(camera_id) if is_told else None
            state = self._describe(camera_id, recorded, with_results=with_results)
            await self._peer.send(encode_message(state))

    def _describe(self, camera_id: str, recorded: tuple[float, float] | None, *, with_results: bool) -> PlaybackState:
        status = self._session.state_of(camera_id)
        oldest, newest = status.oldest_at, status.newest_at
        if recorded is not None:
            # A camera that the hub has forgotten has only its recordings.
            oldest = recorded[0] if oldest is None else min(oldest, recorded[0])
            newest = recorded[1] if newest is None else newest
        results = [(first * 1000, last * 1000) for first, last in status.results]
        return PlaybackState(
            camera_id,
            status.live,
            status.speed,
            status.sequence,
            to_milliseconds(status.received_at),
            to_milliseconds(oldest),
            to_milliseconds(newest),
            UNSET if recorded is None else to_milliseconds(status.oldest_at),
            results if results and with_results else UNSET,
        )
