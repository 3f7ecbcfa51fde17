"""Serve one camera: the camera registers, and the hub publishes every valid JPEG that the camera sends."""

from __future__ import annotations

import time

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import CloseCode, MessageSkipped, NotAMessage, PeerGone, ProtocolViolation
from skysentry_trio.base.logs import get_logger
from skysentry_trio.base.nurseries import single_error
from skysentry_trio.base.principal import Action
from skysentry_trio.base.rate_limit import RateLimiter
from skysentry_trio.base.wall_clock import WallClock
from skysentry_trio.server.access.admission import Admission
from skysentry_trio.server.relay.camera import CameraSession, HubCamera, SessionReplaced, flood_limit
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.websocket.demand_notifier import DemandNotifier
from skysentry_trio.server.websocket.peer import Peer
from skysentry_trio.wire.capture import (
    Goodbye,
    Registration,
    RegistrationError,
    RegistrationSuccess,
    Same,
    decode_camera_message,
    decode_jpeg,
    read_measure,
)
from skysentry_trio.wire.envelope import MAX_HEADER_LENGTH
from skysentry_trio.wire.identity import clean_label
from skysentry_trio.wire.messages import (
    Authenticate,
    Clock,
    ErrorNotice,
    encode_authenticated,
    encode_message,
    read_text,
    rfc3339,
    to_seconds,
)

log = get_logger(__name__)

_MESSAGES_BEFORE_REGISTRATION = 100
"""Close the connection after this many texts without a registration; a camera may ask for the clock first."""
_BAD_FRAMES_IN_A_ROW = 60
"""Close the connection after this many consecutive invalid frames."""
_TEXTS_PER_SECOND = 50.0
_TEXT_BURST = 2.0
"""Seconds by which texts may come too early. A camera asks for the clock a few times a minute."""
_ENVELOPE = MAX_HEADER_LENGTH + 2
"""Most bytes of a message around its picture; more are other pictures, or padding."""
_REPORTS_PER_SECOND = 1.0
"""Most error messages a second to one camera about refused frames."""


async def serve_capture(peer: Peer, hub: ScopedHub, admission: Admission | None = None) -> None:
    """Serve one camera until the camera leaves or breaks the protocol, or until the server ends the session.

    Args:
        peer: the connection.
        hub: the hub for the principal of the camera.
        admission: the access of the connection; None if everybody has access.
    """
    admission = admission or Admission(principal=hub.principal)
    camera_id = None
    try:
        clock = _CameraClock(peer, hub.wall_clock)
        registration = await _receive_registration(peer, clock, hub, admission)
        camera_id, label = registration.camera_id, clean_label(registration.name)
        if registration.token:
            hub.principal = await admission.prove(registration.token)
        notifier = DemandNotifier(peer)
        lease = await hub.claim(camera_id, label)
        with (
            trio.CancelScope() as scope,
            hub.register(camera_id, name=label, on_end=scope.cancel, on_demand=notifier.wake, lease=lease) as session,
            admission.attend("camera", scope.cancel, camera_id),
        ):
            admission.log_beginning(log, "camera registered", camera=camera_id)
            await peer.send(_encode_success(camera_id, hub))
            conversation = _Conversation(peer, clock, hub, session, admission, registration.supports("envelope"))
            await _converse(conversation, notifier if registration.supports("demand") else None, hub)
        if (ended := admission.ended) is not None:
            raise ended
        if session.is_replaced:
            log.info("camera ended", camera=camera_id, reason="replaced")
            hub.count_refusal("camera", "replaced")
            await peer.close(CloseCode.REPLACED, "replaced: another connection registered this client id")
    except PeerGone as gone:
        log.info("camera left", camera=camera_id, reason=str(gone))
    except ProtocolViolation as violation:
        log.warning("camera refused", camera=camera_id, code=violation.code, error=str(violation))
        hub.count_refusal("camera", violation.code)
        try:
            await peer.send(encode_message(RegistrationError(camera_id, str(violation), violation.code)))
        except PeerGone:
            return
        await peer.close(violation.close_code, str(violation))


async def _converse(conversation: _Conversation, notifier: DemandNotifier | None, hub: ScopedHub) -> None:
    """Exchange messages with a registered camera; never returns.

    Raises:
        PeerGone: the camera left.
        ProtocolViolation: the camera broke the protocol.
    """
    with single_error():
        async with trio.open_nursery() as nursery:
            # The conversation gets a task of its own even if that is the only task here. Python resumes a task through
            # all of its pending calls, and this task is resumed for every frame, so it should have few pending calls.
            nursery.start_soon(conversation.run)
            if notifier is not None:
                nursery.start_soon(notifier.run, hub, conversation.camera)


async def _receive_registration(peer: Peer, clock: _CameraClock, hub: ScopedHub, admission: Admission) -> Registration:
    """Return the registration, which is the first message that counts.

    Frames and messages before it are ignored: a camera may take the connection for open before it has registered. But
    a camera may prove who it is before it registers, as viewers do.

    Raises:
        PeerGone: the camera left.
        ProtocolViolation: the registration or a token is invalid, the registration does not come in time, or too many
            messages come before it.
    """
    seconds, problem = hub.settings.registration_timeout, ""
    floods, reports = flood_limit(hub.settings.max_fps), RateLimiter(_REPORTS_PER_SECOND, burst=0.0)
    with trio.move_on_after(seconds):
        texts = 0
        while texts < _MESSAGES_BEFORE_REGISTRATION:
            try:
                message = await peer.receive()
                text, size = message if isinstance(message, str) else read_text(message), len(message)
            except MessageSkipped as skipped:
                text, size = None, skipped.size
            if text is None:
                hub.count_ignored("camera")
                if not floods.admit(trio.current_time()):
                    raise ProtocolViolation("too many messages", "flood")
                if reports.admit(trio.current_time()):
                    words = f"expected client-registration first, got a binary message of {size} bytes"
                    await peer.send(encode_message(ErrorNotice(words, "not-registered")))
                continue
            texts += 1
            try:
                decoded = decode_camera_message(text)
            except NotAMessage as stray:
                problem, decoded = f"; a text was ignored: {stray}", None
            if isinstance(decoded, Registration):
                return decoded
            if isinstance(decoded, Clock):
                await clock.answer(decoded)
            elif isinstance(decoded, Authenticate):
                principal = hub.principal = await admission.prove(decoded.token)
                await peer.send(encode_authenticated(principal.name, principal.expires_at))
            else:
                hub.count_ignored("camera")
        raise ProtocolViolation(
            f"expected client-registration, got {_MESSAGES_BEFORE_REGISTRATION} other messages{problem}", "flood"
        )
    raise ProtocolViolation(f"expected client-registration within {seconds:g} s{problem}", "registration-timeout")


def _encode_success(camera_id: str, hub: ScopedHub) -> str:
    capabilities = ("same", "change", "motion") if hub.wants_change(camera_id) else ("same", "change")
    now = rfc3339(time.time())
    return encode_message(RegistrationSuccess(camera_id, now, hub.settings.max_frame_size, capabilities))


@define(eq=False)
class _CameraClock:
    """Answers a camera's questions for the time, and corrects the times that the camera computes from the answers."""

    _peer: Peer
    _wall_clock: WallClock
    _shift: float | None = field(default=None, init=False)
    """`WallClock.shift` of the last answer; None if the camera has not asked, so its times are from a clock of its own.
    """

    async def answer(self, asked: Clock) -> None:
        answer = asked.reply(self._wall_clock.now())
        self._shift = self._wall_clock.shift
        await self._peer.send(encode_message(answer))

    def correct(self, captured_at: float) -> float:
        """Return a time of capture by the server's clock as it is set now, which the camera may not know yet."""
        if self._shift is None:
            return captured_at
        self._wall_clock.now()
        return captured_at + self._wall_clock.shift - self._shift


@define(eq=False)
class _Conversation:
    """The messages of one camera after its registration."""

    _peer: Peer
    _clock: _CameraClock
    _hub: ScopedHub
    _session: CameraSession
    _admission: Admission
    _envelope: bool
    _max_frame_size: int = field(init=False)
    _surely_single: int = field(default=0, init=False)
    """A message with two pictures is longer than this, because pictures of a camera that follow each other have similar
    sizes."""
    _bad_in_a_row: int = field(default=0, init=False)
    _reports: RateLimiter = field(factory=lambda: RateLimiter(_REPORTS_PER_SECOND, burst=0.0), init=False)
    _messages: RateLimiter = field(init=False)
    _texts: RateLimiter = field(factory=lambda: RateLimiter(_TEXTS_PER_SECOND, _TEXT_BURST), init=False)
    _logged: set[str] = field(factory=set, init=False)
    """Codes of the refusals that have been logged: only the first refusal with each code is logged."""

    def __attrs_post_init__(self) -> None:
        settings = self._hub.settings
        self._max_frame_size, self._messages = settings.max_frame_size, flood_limit(settings.max_fps)

    @property
    def camera(self) -> HubCamera:
        return self._session.camera

    async def run(self) -> None:
        while True:
            try:
                message = await self._peer.receive()
            except MessageSkipped as skipped:
                await self._refuse(self._too_large(skipped.size))
                continue
            if isinstance(message, str):
                self._count_message(self._texts)
                await self._handle_text(message)
            else:
                await self._take_frame(message)

    async def _take_frame(self, message: bytes) -> None:
        """Publish a frame, or report to the camera why the server refuses it.

        Raises:
            ProtocolViolation: too many invalid frames came in succession, or too many messages a second.
        """
        session = self._session
        try:
            jpeg, size, captured_at, measure = decode_jpeg(
                message,
                max_size=self._max_frame_size,
                envelope=self._envelope,
                surely_single=self._surely_single,
            )
        except ProtocolViolation as violation:
            text = read_text(message)
            if text is None:
                await self._refuse(violation)
            else:
                self._count_message(self._texts)
                await self._handle_text(text)
            return
        self._bad_in_a_row = 0
        had_more = len(message) - len(jpeg) > _ENVELOPE
        self._surely_single = 0 if had_more else len(jpeg) * 5 // 4
        if captured_at is not None:
            captured_at = self._clock.correct(captured_at)
        try:
            await self._hub.publish(session, jpeg, width=size.width, height=size.height, captured_at=captured_at)
        except SessionReplaced:
            return  # the server has ended the session and cancelled this task; the task ends at its next checkpoint
        except ProtocolViolation as violation:
            await self._report_dropped(violation)
        if measure is not None:
            self._hub.note_measure(self.camera, measure)

    async def _take_same(self, same: Same) -> None:
        """Publish the last frame again, because the camera says that its picture still looks like this."""
        captured_at = to_seconds(same.captured_at)
        if captured_at is not None:
            captured_at = self._clock.correct(captured_at)
        try:
            await self._hub.publish_same(self._session, captured_at)
        except SessionReplaced:
            return
        except ProtocolViolation as violation:
            await self._report_dropped(violation)
        if (measure := read_measure(same)) is not None:
            self._hub.note_measure(self.camera, measure)

    async def _report_dropped(self, violation: ProtocolViolation) -> None:
        """Count a frame that the hub has refused, and tell the camera.

        Raises:
            ProtocolViolation: too many messages came in a second.
        """
        self._count_message(self._messages)
        await self._report(violation)

    async def _refuse(self, violation: ProtocolViolation) -> None:
        """Count a frame as refused, and tell the camera.

        Raises:
            ProtocolViolation: this is one of too many invalid frames in succession.
        """
        self._count_message(self._messages)
        self._session.refuse(violation)
        # A frame that is too large is a picture, and the camera may send smaller ones.
        self._bad_in_a_row = 0 if violation.code == "frame-too-large" else self._bad_in_a_row + 1
        if self._bad_in_a_row == _BAD_FRAMES_IN_A_ROW:
            raise violation
        await self._report(violation)

    def _too_large(self, size: int) -> ProtocolViolation:
        limit = self._max_frame_size
        return ProtocolViolation(f"a frame may have {limit} bytes, got a message of {size} or more", "frame-too-large")

    def _count_message(self, limiter: RateLimiter) -> None:
        """Count a message that is not an accepted frame; `Hub.publish` counts the accepted frames.

        Raises:
            ProtocolViolation: with code ``flood``.
        """
        now = trio.current_time()
        if not limiter.admit(now):
            raise ProtocolViolation("too many messages", "flood")
        # Even an invalid frame shows that the camera is alive.
        self.camera.last_heard = now

    async def _report(self, violation: ProtocolViolation, event: str = "frame refused") -> None:
        """Tell the camera what was wrong, at most once a second: a broken camera sends many bad frames."""
        if violation.code not in self._logged:
            self._logged.add(violation.code)
            log.warning(event, camera=self.camera.id, code=violation.code, error=str(violation))
        if self._reports.admit(trio.current_time()):
            await self._peer.send(encode_message(ErrorNotice(str(violation), violation.code)))

    async def _handle_text(self, message: str) -> None:
        camera = self.camera
        try:
            decoded = decode_camera_message(message)
        except NotAMessage:
            decoded = None
        except ProtocolViolation as violation:
            self._hub.count_ignored("camera")
            await self._report(violation, "message ignored")
            return
        if isinstance(decoded, Clock):
            await self._clock.answer(decoded)
        elif isinstance(decoded, Same):
            await self._take_same(decoded)
        elif isinstance(decoded, Goodbye):
            self._session.said_goodbye = True
        elif isinstance(decoded, Authenticate):
            await self._renew_access(decoded.token)
        elif decoded is None:
            self._hub.count_ignored("camera")
        elif decoded.camera_id == camera.id:
            await self._peer.send(_encode_success(camera.id, self._hub))
        else:
            self._hub.count_ignored("camera")
            words = f"this connection sends for {camera.id}; another camera needs a connection of its own"
            await self._report(ProtocolViolation(words, "already-registered"), "message ignored")

    async def _renew_access(self, token: str) -> None:
        """Let the camera go on with another token.

        Raises:
            ProtocolViolation: the token is invalid, or does not allow to send for this camera.
        """
        principal = await self._admission.prove(token)
        self._hub.principal = self._session.principal = principal
        self._hub.require(Action.PUBLISH, self.camera.id)
        await self._peer.send(encode_authenticated(principal.name, principal.expires_at))
