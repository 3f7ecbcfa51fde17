"""A camera without a browser: registers at a server and sends the newest frames of its source."""

from __future__ import annotations

import math

import trio
from attrs import define, field, frozen

from skysentry_trio.base.backoff import Backoff, keep_trying
from skysentry_trio.base.exceptions import CloseCode
from skysentry_trio.client.engine.access import Token, TokenHolder
from skysentry_trio.client.engine.addresses import ServerAddress
from skysentry_trio.client.engine.camera_session import CameraConnection, decode
from skysentry_trio.client.engine.connection import (
    ACCESS_CODES,
    AccessRefused,
    Connection,
    ConnectionLost,
    Refused,
    open_connection,
)
from skysentry_trio.client.engine.frame_size import DEFAULT_LIMIT
from skysentry_trio.client.engine.rate_controller import RateController
from skysentry_trio.client.engine.still_filter import StillFilter
from skysentry_trio.client.engine.throughput import Throughput
from skysentry_trio.client.engine.uplink_controller import NO_REDUCTION, Reduction
from skysentry_trio.sources.frames import FrameSlot
from skysentry_trio.wire.capture import Demand, Goodbye, RegistrationError, RegistrationSuccess, encode_registration
from skysentry_trio.wire.messages import encode_message

PATH = "/ws"
REGISTRATION_TIMEOUT = 10.0
"""Seconds for the answer to the registration."""
CAPABILITIES = ("demand", "envelope", "clock")
_MAX_SERVER_MESSAGE = 64 * 1024


@frozen
class CameraReport:
    """The figures of a camera client at one moment."""

    camera_id: str
    state: str
    """``connecting``, ``live``, ``waiting`` or ``ended``."""
    trouble: str | None
    """Why the camera is not live, or why its source has no frames."""
    frames: int
    """Frames sent."""
    nbytes: int
    """JPEG bytes sent."""
    fps: float
    bytes_per_second: float
    dropped: dict[str, int]
    """Number of frames that were never sent, by cause: ``behind`` (the network is slow), ``rate`` (above the user's
    rate), ``demand`` or ``uplink`` (above the rate that these allow), ``bad`` (not a readable picture), ``lost``
    (sending failed), ``too-large`` (the server refuses frames of this size), ``still`` (the picture looks like the last
    one that was sent)."""
    connections: int
    """Number of accepted registrations."""
    demand: Demand | None = None
    """The demand; None if the server does not send any."""
    reduction: Reduction = NO_REDUCTION
    """The factors that reduce quality, width and rate for a slow uplink."""
    source_trouble: str | None = None
    """Why the source has no frames."""


@define(eq=False)
class CameraClient:
    """One camera: its source, and its state at the server."""

    server: ServerAddress
    camera_id: str
    slot: FrameSlot
    name: str | None = None
    obeys: bool = True
    """Whether the camera follows the demand; the registration tells the server."""
    adapts: bool = True
    """Whether the camera sends less when the uplink is too slow."""
    skips_still: bool = False
    """Whether the camera leaves out pictures that look like the last one that it sent."""
    token: Token = field(default=None, repr=False)
    """Presented to the server."""
    state: str = field(default="connecting", init=False)
    trouble: str | None = field(default=None, init=False)
    """Why there is no connection, for people."""
    _sent: Throughput = field(factory=Throughput, init=False, repr=False)
    _connections: int = field(default=0, init=False)
    _rate_controller: RateController = field(init=False, repr=False)
    _learned_limit: float = field(default=math.inf, init=False)
    """Half of the smallest frame that was the largest on a connection that ended with 1009."""
    _session: CameraConnection | None = field(default=None, init=False, repr=False)
    _backoff: Backoff | None = field(default=None, init=False, repr=False)
    _access: TokenHolder = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._access = TokenHolder(self.server, self.token)
        self._rate_controller = RateController(self.slot, self.obeys)

    async def run(self, backoff: Backoff) -> None:
        """Send until the source has ended; reconnect when the connection is lost.

        A refusal is final only while the server has never accepted this camera: later it may come from a proxy whose
        server restarts. A frame that was sent starts the back-off again.

        Raises:
            Refused: the server does not want this camera, or another camera took over its id.
            ConfigurationError: the function for the token returned something that cannot be a token.
        """
        self._backoff = backoff
        await keep_trying(self._talk, ConnectionLost, backoff, self._report_loss, lambda lost: lost.wait)
        self.state = "ended"

    @property
    def demand(self) -> Demand | None:
        """The demand; None if the server does not send any."""
        return self._rate_controller.demand

    def report(self, now: float) -> CameraReport:
        """Return the figures; ``now`` is in seconds of Trio's clock."""
        return CameraReport(
            camera_id=self.camera_id,
            state=self.state,
            trouble=self.trouble or self._frame_trouble() or self.slot.trouble,
            frames=self._sent.frames,
            nbytes=self._sent.nbytes,
            fps=self._sent.fps(now),
            bytes_per_second=self._sent.bytes_per_second(now),
            dropped=dict(self.slot.dropped),
            connections=self._connections,
            demand=self._rate_controller.demand,
            reduction=self._rate_controller.reduction,
            source_trouble=self.slot.trouble,
        )

    def _frame_trouble(self) -> str | None:
        return self._session.refusal if self._session is not None else None

    async def _talk(self) -> None:
        """Connect once, and send until the source has ended."""
        self.state = "connecting"
        self._session = session = None
        try:
            token = await self._access.token()
            async with open_connection(
                self.server, PATH, max_message_size=_MAX_SERVER_MESSAGE, token=token
            ) as connection:
                answer = await self._register(connection, token)
                # From here on, the end of this block is on purpose, unless the connection is lost.
                connection.goodbye = encode_message(Goodbye())
                still = StillFilter(answer.capabilities, self.skips_still)
                session = CameraConnection(
                    connection, self._rate_controller, self._sent, self._access, self.adapts, still
                )
                self._session = session
                await session.run()
        except Refused as refused:
            if self._connections == 0:
                raise
            raise ConnectionLost(str(refused)) from refused
        except AccessRefused as refused:
            raise await self._access.after_refusal(str(refused), is_final=self._connections == 0) from refused
        except ConnectionLost as lost:
            if lost.code == CloseCode.REPLACED:
                raise Refused(f"another camera has registered as {self.camera_id!r}, and took over") from lost
            if session is None or session.largest == 0:
                raise
            if lost.code == CloseCode.MESSAGE_TOO_BIG:
                # Halved, because each attempt costs a connection.
                self._learned_limit = min(self._learned_limit, session.largest // 2)
                raise ConnectionLost(f"the server takes no frame of {session.largest} bytes") from lost
            if lost.code != CloseCode.POLICY_VIOLATION and self._backoff is not None:
                self._backoff.note_success()
            raise

    async def _register(self, connection: Connection, token: str | None) -> RegistrationSuccess:
        capabilities = tuple(word for word in CAPABILITIES if self.obeys or word != "demand")
        registration = encode_registration(self.camera_id, name=self.name, capabilities=capabilities, token=token)
        await connection.send(registration)
        answer = None
        with trio.move_on_after(REGISTRATION_TIMEOUT):
            answer = await _receive_answer(connection)
        if answer is None:
            raise ConnectionLost(f"the server did not answer our registration within {REGISTRATION_TIMEOUT:g} s")
        if isinstance(answer, RegistrationError):
            raise await self._refusal(connection, answer)
        stated = answer.max_frame_size or DEFAULT_LIMIT
        self._rate_controller.limit_size(int(max(1, min(stated, self._learned_limit))))
        self.state = "live"
        self.trouble = None
        self._connections += 1
        self._access.note_success()
        return answer

    async def _refusal(self, connection: Connection, answer: RegistrationError) -> Refused | ConnectionLost:
        """Return `Refused` or `ConnectionLost`; the close code after the server's refusal decides which of the two."""
        message = f"the server refused {self.camera_id!r}: {answer.error}"
        if answer.code in ACCESS_CODES:
            return AccessRefused(message)
        try:
            with trio.fail_after(REGISTRATION_TIMEOUT):
                await connection.receive()
        except (ConnectionLost, trio.TooSlowError) as end:
            code = getattr(end, "code", None)
            if code in {CloseCode.POLICY_VIOLATION, None}:
                return Refused(message)
            return ConnectionLost(message, code=code)
        return ConnectionLost(message)

    def _report_loss(self, error: Exception, delay: float) -> None:
        self.state = "waiting"
        self.trouble = f"{error}; trying again in {delay:.1f} s"


async def _receive_answer(connection: Connection) -> RegistrationSuccess | RegistrationError:
    """Return the server's answer to our registration; skip other messages."""
    while True:
        message = decode(await connection.receive())
        if isinstance(message, RegistrationSuccess | RegistrationError):
            return message
