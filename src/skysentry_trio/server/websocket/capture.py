"""Serve one camera: the camera registers, and the hub publishes every valid JPEG that the camera sends."""

from __future__ import annotations

import time

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import REFUSALS, PeerGone, ProtocolViolation
from skysentry_trio.base.logs import get_logger
from skysentry_trio.base.nurseries import single_error
from skysentry_trio.base.rate_limit import RateLimiter
from skysentry_trio.server.relay.camera import CameraSession, EndReason, HubCamera, SessionEnded, flood_limit
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.websocket.demand_notifier import DemandNotifier
from skysentry_trio.server.websocket.peer import Peer
from skysentry_trio.wire.capture import (
    Registration,
    RegistrationError,
    RegistrationSuccess,
    decode_camera_message,
    decode_jpeg,
)
from skysentry_trio.wire.identity import clean_label
from skysentry_trio.wire.messages import Clock, ErrorNotice, encode_message, rfc3339

log = get_logger(__name__)

_GOODBYES = {
    EndReason.REPLACED: "replaced: another connection registered this client id",
    EndReason.SILENT: "silent: nothing came for longer than the client timeout",
}
_MESSAGES_BEFORE_REGISTRATION = 100
"""Close the connection after this many messages without a registration; a camera may ask for the clock first."""
_BAD_FRAMES_IN_A_ROW = 60
"""Close the connection after this many consecutive invalid frames."""
_REPORTS_PER_SECOND = 1.0
"""Most error messages a second to one camera about refused frames."""


async def serve_capture(peer: Peer, hub: ScopedHub) -> None:
    """Serve one camera until the camera leaves or breaks the protocol, or until the server ends the session."""
    camera_id = None
    try:
        registration = await _receive_registration(peer, hub.settings)
        camera_id, label = registration.camera_id, clean_label(registration.name)
        notifier = DemandNotifier(peer)
        with (
            trio.CancelScope() as scope,
            hub.register(camera_id, name=label, on_end=scope.cancel, on_demand=notifier.wake) as session,
        ):
            log.info("camera registered", camera=camera_id)
            await peer.send(encode_message(RegistrationSuccess(camera_id, rfc3339(time.time()))))
            conversation = _Conversation(peer, hub, session, "envelope" in registration.capabilities)
            await _converse(conversation, notifier if "demand" in registration.capabilities else None, hub)
        if session.ended is not None:
            log.info("camera ended", camera=camera_id, reason=session.ended)
            hub.count_refusal("camera", session.ended)
            await peer.close(REFUSALS[session.ended].close_code, _GOODBYES[session.ended])
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


async def _receive_registration(peer: Peer, settings: Settings) -> Registration:
    with trio.move_on_after(settings.registration_timeout):
        for _ in range(_MESSAGES_BEFORE_REGISTRATION):
            message = await peer.receive()
            if isinstance(message, bytes):
                raise ProtocolViolation(
                    f"expected client-registration first, got a binary message of {len(message)} bytes",
                    "not-registered",
                )
            decoded = decode_camera_message(message)
            if isinstance(decoded, Registration):
                return decoded
            if isinstance(decoded, Clock):
                await _send_clock(peer, decoded)
        raise ProtocolViolation(
            f"expected client-registration, got {_MESSAGES_BEFORE_REGISTRATION} other messages", "flood"
        )
    raise ProtocolViolation(
        f"expected client-registration within {settings.registration_timeout:g} s", "registration-timeout"
    )


async def _send_clock(peer: Peer, asked: Clock) -> None:
    await peer.send(encode_message(asked.reply(time.time())))


@define(eq=False)
class _Conversation:
    """The messages of one camera after its registration."""

    _peer: Peer
    _hub: ScopedHub
    _session: CameraSession
    _envelope: bool
    _bad_in_a_row: int = field(default=0, init=False)
    _reports: RateLimiter = field(factory=lambda: RateLimiter(_REPORTS_PER_SECOND, burst=0.0), init=False)
    _messages: RateLimiter = field(init=False)
    _logged: set[str] = field(factory=set, init=False)
    """Codes of the refusals that have been logged: only the first refusal with each code is logged."""

    def __attrs_post_init__(self) -> None:
        self._messages = flood_limit(self._hub.settings.max_fps)

    @property
    def camera(self) -> HubCamera:
        return self._session.camera

    async def run(self) -> None:
        while True:
            message = await self._peer.receive()
            if isinstance(message, str):
                self._count_message()
                await self._handle_text(message)
            else:
                await self._take_frame(message)

    async def _take_frame(self, message: bytes) -> None:
        """Publish a frame, or report to the camera why the server refuses it.

        Raises:
            ProtocolViolation: the frame is too large, or too many invalid frames came in succession.
        """
        session = self._session
        try:
            jpeg, size, captured_at = decode_jpeg(
                message, max_size=self._hub.settings.max_frame_size, envelope=self._envelope
            )
        except ProtocolViolation as violation:
            self._count_message()
            session.refuse(violation)
            self._bad_in_a_row += 1
            if violation.code == "frame-too-large" or self._bad_in_a_row == _BAD_FRAMES_IN_A_ROW:
                raise
            await self._report(violation)
            return
        self._bad_in_a_row = 0
        try:
            await self._hub.publish(session, jpeg, width=size.width, height=size.height, captured_at=captured_at)
        except SessionEnded:
            pass  # the server has ended the session and cancelled this task; the task ends at its next checkpoint
        except ProtocolViolation as violation:
            self._count_message()
            await self._report(violation)

    def _count_message(self) -> None:
        """Count a message that is not an accepted frame; `Hub.publish` counts the accepted frames.

        Raises:
            ProtocolViolation: with code ``flood``.
        """
        now = trio.current_time()
        if not self._messages.admit(now):
            raise ProtocolViolation("too many messages", "flood")
        # Even an invalid frame shows that the camera is alive.
        self.camera.last_heard = now

    async def _report(self, violation: ProtocolViolation) -> None:
        """Tell the camera what was wrong with a frame, at most once a second: a broken camera sends many bad frames."""
        if violation.code not in self._logged:
            self._logged.add(violation.code)
            log.warning("frame refused", camera=self.camera.id, code=violation.code, error=str(violation))
        if self._reports.admit(trio.current_time()):
            await self._peer.send(encode_message(ErrorNotice(str(violation), violation.code)))

    async def _handle_text(self, message: str) -> None:
        camera = self.camera
        decoded = decode_camera_message(message)
        if isinstance(decoded, Clock):
            await _send_clock(self._peer, decoded)
        elif isinstance(decoded, Registration):
            if decoded.camera_id != camera.id:
                raise ProtocolViolation(
                    f"this connection sends for {camera.id}; another camera needs a connection of its own",
                    "already-registered",
                )
            await self._peer.send(encode_message(RegistrationSuccess(camera.id, rfc3339(time.time()))))
