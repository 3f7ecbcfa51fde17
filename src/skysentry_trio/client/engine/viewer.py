"""A viewer without a browser: subscribes to cameras, passes every frame on, and counts the frames."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable

import trio
from attrs import define, field, frozen

from skysentry_trio.base.backoff import Backoff, keep_trying
from skysentry_trio.base.demand import NO_LIMITS, Limits
from skysentry_trio.base.exceptions import CloseCode, ProtocolViolation
from skysentry_trio.base.nurseries import single_error
from skysentry_trio.client.engine.access import Token, TokenHolder
from skysentry_trio.client.engine.addresses import ServerAddress
from skysentry_trio.client.engine.camera_watch import CameraView, CameraWatch, parse_timestamp
from skysentry_trio.client.engine.connection import (
    ACCESS_CODES,
    AccessRefused,
    Connection,
    ConnectionLost,
    Refused,
    open_connection,
)
from skysentry_trio.client.engine.server_clock import ServerClock, keep_asking
from skysentry_trio.wire.identity import check_camera_id
from skysentry_trio.wire.messages import (
    Authenticate,
    Authenticated,
    ClockReply,
    ErrorNotice,
    encode_message,
    to_milliseconds,
)
from skysentry_trio.wire.viewer import (
    SUBPROTOCOL,
    Ack,
    ClientConnected,
    ClientDisconnected,
    Clients,
    Latency,
    decode_notice,
)
from skysentry_trio.wire.viewer_frames import FrameHeader, decode_envelope

PATH = "/stream/ws"
_MAX_OUTGOING = 64
"""Maximum number of messages that wait for a connection."""
_MAX_EXPLAINED = 8
"""Maximum number of cameras in an explanation."""


def limits_query(limits: Limits) -> list[tuple[str, str]]:
    """Return the names and values that the query of a viewer's address has for these limits."""
    named = ("maxFps", limits.max_fps), ("maxWidth", limits.max_width), ("quality", limits.quality)
    return [(name, f"{limit:g}") for name, limit in named if limit is not None]


FrameTaker = Callable[[FrameHeader, bytes], Awaitable[None]]


@frozen
class ViewerReport:
    """The figures of a viewer client at one moment."""

    server: str
    state: str
    """``connecting``, ``live`` once the server has sent a frame or its list of cameras, or ``waiting``."""
    trouble: str | None
    cameras: tuple[CameraView, ...]
    """The figures of each camera, by id."""
    connections: int


@define(eq=False)
class ViewerClient:
    """One viewer: the cameras it subscribes to, and what it does with their frames."""

    server: ServerAddress
    camera_ids: tuple[str, ...]
    """Cameras to subscribe to; empty for all."""
    take_frame: FrameTaker
    """Called with each frame. The next frame is read only after the call has returned, so the server sends no faster
    than, for example, a slow disk can store."""
    limits: Limits = NO_LIMITS
    """The most that this viewer needs of each camera."""
    acknowledges: bool = True
    """Whether to acknowledge each frame that was passed on. If so, the server sends the newest frame at the pace of the
    acknowledgements. If not, the server sends all frames that fit into the network's buffers: fewer frames are skipped,
    but they may be late."""
    clock: Callable[[], float] = time.time
    token: Token = field(default=None, repr=False)
    """Presented to the server."""
    state: str = field(default="connecting", init=False)
    trouble: str | None = field(default=None, init=False)
    """Why there is no connection, for people."""
    _watches: dict[str, CameraWatch] = field(factory=dict, init=False)
    _connections: int = field(default=0, init=False)
    _server_clock: ServerClock = field(factory=ServerClock, init=False, repr=False)
    _worked: bool = field(default=False, init=False)
    """Whether the server has ever sent a frame or its list of cameras."""
    _has_list: bool = field(default=False, init=False)
    """Whether the server has sent its list of cameras over this connection."""
    _backoff: Backoff | None = field(default=None, init=False, repr=False)
    messages_dropped: int = field(default=0, init=False)
    """Number of messages dropped because too many waited for a connection."""
    _outgoing: deque[str] = field(factory=lambda: deque(maxlen=_MAX_OUTGOING), init=False, repr=False)
    _has_to_say: trio.Event = field(factory=trio.Event, init=False, repr=False)
    _access: TokenHolder = field(init=False, repr=False)
    _refusal: str | None = field(default=None, init=False)
    """Why the server refuses access on this connection, in its words."""

    def __attrs_post_init__(self) -> None:
        self._access = TokenHolder(self.server, self.token)

    async def run(self, backoff: Backoff) -> None:
        """Watch until cancelled; reconnect when the connection is lost.

        A refusal is final only at the start, while the server has sent nothing that a viewer expects: later it may come
        from a proxy whose server restarts. A frame starts the back-off again.

        Raises:
            Refused: the server does not want this viewer.
            ConfigurationError: the function for the token returned something that cannot be a token.
        """
        self._backoff = backoff
        await keep_trying(self._watch, ConnectionLost, backoff, self._report_loss, lambda lost: lost.wait)

    def report(self, now: float) -> ViewerReport:
        """Return the figures; ``now`` is in seconds of Trio's clock."""
        return ViewerReport(
            server=str(self.server),
            state=self.state,
            trouble=self.trouble,
            cameras=tuple(watch.view(now) for _, watch in sorted(self._watches.items())),
            connections=self._connections,
        )

    def unknown_cameras(self) -> tuple[str, ...]:
        """Return the cameras to which this viewer subscribes, and which the server does not know, as far as it said."""
        if self.state != "live" or not self._has_list:
            return ()
        return tuple(dict.fromkeys(camera_id for camera_id in self.camera_ids if camera_id not in self._watches))

    def explain_silence(self) -> str:
        """Return for people why no frame comes; any thread may call this."""
        if self.trouble is not None:
            return self.trouble
        if self.state != "live":
            return f"there is no connection to {self.server} yet"
        online = {camera_id: watch.online for camera_id, watch in list(self._watches.items())}
        camera_ids = self.camera_ids or tuple(sorted(online))
        if not camera_ids:
            return f"{self.server} knows no camera"
        words = {True: "is connected", False: "is offline", None: "is unknown to the server"}
        causes = [f"camera {camera_id} {words[online.get(camera_id)]}" for camera_id in camera_ids[:_MAX_EXPLAINED]]
        if len(camera_ids) > _MAX_EXPLAINED:
            causes.append(f"and {len(camera_ids) - _MAX_EXPLAINED} more")
        return ", ".join(causes)

    async def _watch(self) -> None:
        self.state, self._refusal = "connecting", None
        query = [("client", camera_id) for camera_id in self.camera_ids]
        query += limits_query(self.limits)
        try:
            token = await self._access.token()
            async with open_connection(
                self.server, PATH, query=query, subprotocols=(SUBPROTOCOL,), token=token
            ) as connection:
                if token is not None:
                    await connection.send(encode_message(Authenticate(token)))
                self._has_list = False
                self._connections += 1
                self._server_clock = ServerClock()
                with single_error():
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(keep_asking, self._server_clock, connection.send)
                        nursery.start_soon(self._speak, connection)
                        nursery.start_soon(self._access.keep_renewed, connection.send, self.server_time)
                        await self._receive(connection)
        except Refused as refused:
            if not self._worked:
                raise
            raise ConnectionLost(str(refused)) from refused
        except AccessRefused as refused:
            raise await self._access.after_refusal(self._reason_of(refused), is_final=not self._worked) from refused
        except ConnectionLost as lost:
            if lost.code == CloseCode.POLICY_VIOLATION and not self._worked:
                raise Refused(str(lost)) from lost
            raise

    def _reason_of(self, refused: AccessRefused) -> str:
        """Return why the server refuses access; a notice says more than the close code after it."""
        return str(refused) if self._refusal is None else f"{self.server} refuses access: {self._refusal}"

    def send(self, message: str) -> None:
        """Queue a message for the connection; if too many wait, the oldest is dropped."""
        self.messages_dropped += len(self._outgoing) == _MAX_OUTGOING
        self._outgoing.append(message)
        self._has_to_say.set()

    def server_time(self) -> float:
        """Return seconds since the epoch by the server's clock, or by our clock while the server's is unknown."""
        return self._server_clock.epoch(trio.current_time()) or self.clock()

    async def _speak(self, connection: Connection) -> None:
        while True:
            await self._has_to_say.wait()
            self._has_to_say = trio.Event()
            while self._outgoing:
                await connection.send(self._outgoing.popleft())

    async def _receive(self, connection: Connection) -> None:
        while True:
            message = await connection.receive()
            try:
                if isinstance(message, bytes):
                    await self._take_frame(connection, message)
                else:
                    self._take_notice(message)
            except ProtocolViolation as violation:
                raise ConnectionLost(f"{self.server} does not speak our protocol: {violation}") from violation

    async def _take_frame(self, connection: Connection, message: bytes) -> None:
        header, jpeg = decode_envelope(message)
        # A program may use the id as a file name.
        if not self._wants(check_camera_id(header.camera_id)):
            return
        if header.live:
            self._server_clock.check(header.camera_id, parse_timestamp(header.timestamp), trio.current_time())
        self._note_acceptance()
        if self._backoff is not None:
            self._backoff.note_success()
        watch = self._watch_of(header.camera_id)
        if watch.take(header, jpeg, trio.current_time(), self.server_time()):
            await self.take_frame(header, jpeg)
        if self.acknowledges:
            painted_at = self._server_clock.epoch(trio.current_time())
            ack = Ack(header.camera_id, header.sequence, to_milliseconds(painted_at))
            await connection.send(encode_message(ack))

    def _take_notice(self, text: str) -> None:
        notice = decode_notice(text)
        if isinstance(notice, ClockReply):
            self._take_time(notice)
        elif isinstance(notice, Latency):
            for camera in notice.cameras:
                if camera.camera_id in self._watches:
                    self._watches[camera.camera_id].latency = camera
        elif isinstance(notice, Clients):
            self._has_list = True
            self._note_acceptance()
            listed = {client.camera_id: client for client in notice.clients if self._wants(client.camera_id)}
            for camera_id in self._watches.keys() - listed.keys():
                del self._watches[camera_id]
            for client in listed.values():
                self._note_state(client.camera_id, online=client.online, condition=client.condition or None)
        elif isinstance(notice, Authenticated):
            self._access.take_answer(notice)
        elif isinstance(notice, ErrorNotice) and notice.code in ACCESS_CODES:
            # The server closes the connection next.
            self._refusal = notice.error
        elif isinstance(notice, ClientDisconnected) and notice.removed:
            self._watches.pop(notice.camera_id, None)
        elif isinstance(notice, ClientConnected) and self._wants(notice.camera_id):
            self._note_state(notice.camera_id, online=True, condition=notice.condition or None)
        elif isinstance(notice, ClientDisconnected) and self._wants(notice.camera_id):
            self._note_state(notice.camera_id, online=False, condition=None)

    def _take_time(self, answer: ClockReply) -> None:
        if self.state == "connecting":
            # An accepted viewer gets the list of cameras first. The server would close the connection only later.
            raise AccessRefused(f"{self.server} refuses access: expected a key, or a user and a password")
        self._server_clock.take_answer(answer, trio.current_time())

    def _note_state(self, camera_id: str, *, online: bool, condition: str | None) -> None:
        watch = self._watch_of(camera_id)
        watch.online, watch.condition = online, condition

    def _note_acceptance(self) -> None:
        # Not before: a server that wants a key answers only questions for its clock until it has one.
        self.state, self.trouble = "live", None
        self._worked = True
        self._access.note_success()

    def _wants(self, camera_id: str) -> bool:
        return not self.camera_ids or camera_id in self.camera_ids

    def _watch_of(self, camera_id: str) -> CameraWatch:
        return self._watches.setdefault(camera_id, CameraWatch(camera_id))

    def _report_loss(self, error: Exception, delay: float) -> None:
        for watch in self._watches.values():
            watch.online = watch.latency = None
        self.state = "waiting"
        self.trouble = f"{error}; trying again in {delay:.1f} s"
