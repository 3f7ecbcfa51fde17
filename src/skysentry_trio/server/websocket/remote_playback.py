"""Plays a camera that another server has: that server plays, over a connection of its own, and this one passes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Final, Protocol

import msgspec
import trio
from attrs import define, field

from skysentry_trio.base.demand import NO_LIVE_FRAMES, Limits
from skysentry_trio.base.exceptions import ProtocolViolation, SkySentryError
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.logs import get_logger
from skysentry_trio.base.nurseries import single_error
from skysentry_trio.base.principal import Principal
from skysentry_trio.server.relay.playback_session import MAX_PLAYBACKS, PlaybackSession, RecordedPlace
from skysentry_trio.wire.jpeg import inspect_jpeg
from skysentry_trio.wire.messages import ErrorNotice, encode_message
from skysentry_trio.wire.viewer import (
    Ack,
    DescribePlayback,
    GoLive,
    Pause,
    PlaybackState,
    Resume,
    Seek,
    Subscribe,
    decode_notice,
)
from skysentry_trio.wire.viewer_frames import decode_envelope

log = get_logger(__name__)

_KEPT_IDLE: Final = 20.0
"""Seconds for which the connection is kept after the last command, if nothing is played."""
_SUPERSEDED: Final[Mapping[type[msgspec.Struct], tuple[type[msgspec.Struct], ...]]] = {
    Seek: (Seek, GoLive),
    GoLive: (Seek, GoLive),
    DescribePlayback: (DescribePlayback,),
    Subscribe: (Subscribe, Seek, GoLive),
    Pause: (Pause, Resume),
    Resume: (Pause, Resume),
}
"""For each command, those that need not be sent any more if they still wait. So at most one of each kind waits."""
_ANSWERED: Final = (Seek, GoLive, DescribePlayback)


class RemoteConnection(Protocol):
    """A connection to the other server, as a viewer; both methods raise `SkySentryError` when it has ended."""

    async def send(self, message: str) -> None:
        """Send a text message."""
        ...

    async def receive(self) -> str | bytes:
        """Return the next message."""
        ...


class Elsewhere(Protocol):
    """The cameras of other servers."""

    async def has(self, camera_id: str) -> bool:
        """Return whether another server has a camera, or the recordings of one that no server knows any more."""
        ...

    def open_viewer(
        self, camera_id: str, limits: Limits, principal: Principal
    ) -> AbstractAsyncContextManager[RemoteConnection]:
        """Connect to the server that has a camera or its recordings, as a viewer of this camera for a principal."""
        ...


@define(eq=False)
class RemotePlayback:
    """One viewer's playback of one camera of another server."""

    _elsewhere: Elsewhere
    _session: PlaybackSession
    _camera_id: str
    _principal: Principal
    _send: Callable[[str], Awaitable[None]]
    """Sends a text message to the viewer."""
    place: RecordedPlace | None = field(default=None, init=False)
    """What the viewer is shown; None while the camera is live."""
    _commands: list[msgspec.Struct] = field(factory=list, init=False, repr=False)
    """Those that wait to be sent, in order."""
    _wake: trio.Event = field(factory=trio.Event, init=False, repr=False)
    _unanswered: int = field(default=0, init=False)
    """Commands that the other server was sent and has to answer, and those that wait to be sent."""
    _is_paused: bool = field(default=False, init=False)
    _used_at: float = field(factory=trio.current_time, init=False)

    def take(self, message: Seek | GoLive | DescribePlayback, limits: Limits) -> bool:
        """Pass a command on; return False if it has no effect, because the viewer does not follow the camera.

        Args:
            message: the command, which may be about other cameras too.
            limits: of the viewer, for this camera.
        """
        camera_id = self._camera_id
        if isinstance(message, Seek):
            place = RecordedPlace(message.speed)
            if not self._session.begin_recorded(camera_id, place):
                return False
            self.place = place
            self._queue(Subscribe([camera_id], limits.max_fps, limits.max_width, limits.quality))
        elif isinstance(message, GoLive):
            self.go_live()
        in_step = isinstance(message, Seek) and bool(message.clients)
        own = {"camera_id": "", "clients": [camera_id]} if in_step else {"camera_id": camera_id, "clients": []}
        self._queue(msgspec.structs.replace(message, **own))
        self._used_at = trio.current_time()
        return True

    def resume(self) -> None:
        """Go on after the viewer was paused."""
        if self._is_paused:
            self._is_paused = False
            self._queue(Resume())

    def _queue(self, message: msgspec.Struct) -> None:
        superseded = _SUPERSEDED[type(message)]
        self._unanswered -= sum(isinstance(one, superseded) and isinstance(one, _ANSWERED) for one in self._commands)
        self._commands = [one for one in self._commands if not isinstance(one, superseded)]
        self._commands.append(message)
        self._unanswered += isinstance(message, _ANSWERED)
        self._wake.set()

    def go_live(self) -> None:
        """Show the viewer live frames again."""
        if self.place is not None:
            self.place = None
            self._session.go_live(self._camera_id)
            # The live frames come over the link, for all viewers together.
            self._queue(Subscribe([self._camera_id], NO_LIVE_FRAMES.max_fps))

    @property
    def _plays(self) -> bool:
        return self.place is not None and self._session.shows(self._camera_id, self.place)

    async def run(self) -> None:
        """Play until nothing has been played for a while; if the connection breaks, the camera is live again."""
        try:
            async with self._elsewhere.open_viewer(self._camera_id, NO_LIVE_FRAMES, self._principal) as connection:
                with single_error():
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(self._receive, connection)
                        await self._speak(connection)
                        nursery.cancel_scope.cancel()
        except SkySentryError as error:
            log.info("playback ended", camera=self._camera_id, error=str(error))
            was_playing = self._plays
            self.go_live()
            if was_playing or self._unanswered:
                await self._send(encode_message(ErrorNotice(f"the playback has ended: {error}", "node-unreachable")))
                await self._send(encode_message(self._describe_nothing()))

    async def _speak(self, connection: RemoteConnection) -> None:
        while self._plays or trio.current_time() < self._used_at + _KEPT_IDLE:
            self._wake = trio.Event()
            while self._commands:
                await connection.send(encode_message(self._commands.pop(0)))
            with trio.move_on_after(_KEPT_IDLE):
                await self._wake.wait()

    async def _receive(self, connection: RemoteConnection) -> None:
        while True:
            message = await connection.receive()
            if isinstance(message, bytes):
                await self._take_frame(connection, message)
            else:
                await self._take_notice(message)

    async def _take_frame(self, connection: RemoteConnection, message: bytes) -> None:
        header, jpeg = decode_envelope(message)
        if not header.live and self.place is not None and self._session.shows(self._camera_id, self.place):
            if self._session.is_paused and not self._is_paused:
                self._is_paused = True
                self._queue(Pause())
            size, received_at = inspect_jpeg(jpeg), datetime.fromisoformat(header.timestamp).timestamp()
            frame = JpegFrame(
                header.sequence, received_at, header.captured_at, jpeg, *size, arrived=trio.current_time()
            )
            self._session.show_recorded(self._camera_id, self.place, frame)
        await connection.send(encode_message(Ack(header.camera_id, header.sequence)))

    async def _take_notice(self, text: str) -> None:
        notice = decode_notice(text)
        if isinstance(notice, PlaybackState):
            self._unanswered = max(0, self._unanswered - 1)
            if notice.live and not self._unanswered:
                self.go_live()
            await self._send(text)
        elif isinstance(notice, ErrorNotice):
            await self._send(text)
            if notice.code in {"access-ended", "unauthenticated"}:
                raise ProtocolViolation(notice.error, notice.code)

    def _describe_nothing(self) -> PlaybackState:
        state = self._session.state_of(self._camera_id)
        return PlaybackState(
            self._camera_id,
            live=True,
            speed=1.0,
            sequence=state.sequence,
            at_ms=None,
            oldest_at_ms=None,
            newest_at_ms=None,
        )


@define(eq=False)
class RemotePlaybacks:
    """One viewer's playbacks of cameras of other servers, each of which runs in a task of its own."""

    _elsewhere: Elsewhere
    _session: PlaybackSession
    _principal: Callable[[], Principal]
    """Returns who views."""
    _send: Callable[[str], Awaitable[None]]
    """Sends a text message to the viewer."""
    _nursery: trio.Nursery
    """The nursery of the viewer's connection."""
    _running: dict[str, tuple[RemotePlayback, trio.CancelScope]] = field(factory=dict, init=False)
    """By camera id, each with the scope of its task."""

    async def take(self, camera_id: str, message: Seek | GoLive | DescribePlayback) -> bool:
        """Let the server that has a camera carry out a command.

        Returns:
            False if no other server has the camera, if the viewer does not follow it, or if the viewer has too many
            playbacks.
        """
        if not await self._elsewhere.has(camera_id):
            self.end(camera_id)
            return False
        limits = self._session.limits(camera_id)
        if (running := self._running.get(camera_id)) is not None:
            return running[0].take(message, limits)
        if len(self._running) >= MAX_PLAYBACKS:
            return False
        playback = RemotePlayback(self._elsewhere, self._session, camera_id, self._principal(), self._send)
        if not playback.take(message, limits):
            return False
        scope = trio.CancelScope()
        self._running[camera_id] = playback, scope
        self._nursery.start_soon(self._run, camera_id, playback, scope)
        return True

    def resume(self) -> None:
        """Go on after the viewer was paused."""
        for playback, _ in self._running.values():
            playback.resume()

    def end(self, camera_id: str) -> None:
        """End the playback of a camera, if there is one: the viewer sees it live."""
        if (running := self._running.pop(camera_id, None)) is not None:
            running[0].go_live()
            running[1].cancel()

    def end_all(self) -> None:
        """End all playbacks."""
        for camera_id in list(self._running):
            self.end(camera_id)

    async def _run(self, camera_id: str, playback: RemotePlayback, scope: trio.CancelScope) -> None:
        try:
            with scope:
                await playback.run()
        finally:
            # After it was ended, another one may have begun.
            if self._running.get(camera_id) == (playback, scope):
                del self._running[camera_id]
