"""Carries out the messages of one viewer, within limits on how many messages the viewer may send."""

from __future__ import annotations

from typing import Final, assert_never

import trio
from attrs import define, field, frozen
from msgspec import UNSET, UnsetType, structs

from skysentry_trio.base.exceptions import MessageSkipped, NotAMessage, ProtocolViolation
from skysentry_trio.base.principal import Action
from skysentry_trio.base.rate_limit import RateLimiter
from skysentry_trio.server.access.admission import Admission
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.relay.viewer import HubViewer
from skysentry_trio.server.websocket.peer import Peer
from skysentry_trio.server.websocket.playback_commands import PlaybackCommands
from skysentry_trio.wire.framing import encode_frame
from skysentry_trio.wire.messages import (
    Authenticate,
    Clock,
    ErrorNotice,
    encode_authenticated,
    encode_message,
    read_text,
)
from skysentry_trio.wire.results import Result
from skysentry_trio.wire.viewer import (
    Ack,
    CameraLatency,
    DescribePlayback,
    GoLive,
    Latency,
    Pause,
    Resume,
    Seek,
    Subscribe,
    Unsubscribe,
    ViewerMessage,
    Viewers,
    decode_viewer_message,
)
from skysentry_trio.wire.viewer_query import MAX_SUBSCRIBED

_SPARE_ACKS: Final = 100
"""Acknowledgements that a viewer may send although it was sent no frame."""


@frozen(eq=False)
class _Quota:
    """A limit on messages of one kind; a viewer that exceeds it is disconnected."""

    kind: str
    rate: float
    """Messages a second."""
    burst: float
    """In seconds, as in `RateLimiter`."""


# Enough to acknowledge each frame of thirty cameras at 60 frames a second.
_ALL: Final = _Quota("messages", 2000.0, burst=1.0)
_RESULTS: Final = _Quota("results", 240.0, burst=1.0)
# Each command may make the server encode a frame for this viewer alone. A person does not need a higher rate.
_PLAYBACK: Final = _Quota("playback commands", 20.0, burst=1.0)
# A viewer asks for the clock a few times a minute. Programs that were written for other servers send other texts.
_QUESTIONS: Final = _Quota("clock messages and messages of unknown types", 50.0, burst=2.0)
# Not messages of the viewer, but messages to the viewer about those that are invalid.
_REPORTS: Final = _Quota("error messages", 1.0, burst=0.0)
# Each change may take a millisecond, and the server does nothing else during this time.
_SUBSCRIPTION: Final = _Quota("changes of the subscription", 20.0, burst=5.0)


@define(eq=False)
class _Quotas:
    """How many messages one viewer may send."""

    # Made with the first message of a kind, because most viewers send nothing.
    _limiters: dict[_Quota, RateLimiter] = field(factory=dict, init=False)

    def spend(self, quota: _Quota) -> None:
        """Count a message.

        Raises:
            ProtocolViolation: with code ``flood``.
        """
        if not self.admits(quota):
            raise ProtocolViolation(f"more than {quota.rate:g} {quota.kind} a second", "flood")

    def admits(self, quota: _Quota) -> bool:
        """Count a message; return whether it is within the limit."""
        limiter = self._limiters.get(quota)
        if limiter is None:
            limiter = self._limiters[quota] = RateLimiter(quota.rate, quota.burst)
        return limiter.admit(trio.current_time())


def _quota_of(message: ViewerMessage | None) -> _Quota | None:
    """Return the limit that applies to a message besides the limit on all messages; None if there is none.

    The message None stands for a message to ignore.
    """
    match message:
        case Ack():
            return None
        case Clock() | Authenticate() | Viewers() | None:
            return _QUESTIONS
        case Result():
            return _RESULTS
        case Seek() | GoLive() | DescribePlayback():
            return _PLAYBACK
        case Subscribe() | Unsubscribe() | Pause() | Resume():
            return _SUBSCRIPTION
        case _:
            assert_never(message)


def _or_unset(value: float | None) -> float | UnsetType:
    return UNSET if value is None else value


@define(eq=False)
class ViewerCommands:
    """Reads the messages of one viewer in one task, and carries them out."""

    _peer: Peer
    _hub: ScopedHub
    _viewer: HubViewer
    _playback: PlaybackCommands
    _supports_errors: bool
    """Whether the viewer understands `ErrorNotice`."""
    _admission: Admission = field(factory=Admission)
    _quotas: _Quotas = field(factory=_Quotas, init=False, repr=False)
    _is_node: bool = field(init=False)
    """Whether this is another server of the cluster: it sends for all of its viewers, whom it limits itself."""
    _acks: int = field(default=0, init=False)
    """Number of acknowledgements that the viewer has sent."""

    def __attrs_post_init__(self) -> None:
        self._is_node = self._hub.principal.is_node

    async def run(self) -> None:
        """Carry out the viewer's messages one after another; never returns.

        Raises:
            PeerGone: the viewer left.
            ProtocolViolation: the viewer sends too much, or names too many cameras.
        """
        while True:
            message = await self._receive()
            if isinstance(message, Viewers) and not self._is_node:
                message = None
            if not self._is_node and (quota := _quota_of(message)) is not None:
                self._quotas.spend(quota)
            if message is None:
                self._hub.count_ignored("viewer")
            else:
                await self._handle(message)

    async def _receive(self) -> ViewerMessage | None:
        """Return the next message; None for one to ignore.

        Programs that were written for other servers send texts to keep a connection open, and newer programs send types
        that only newer servers know. Neither is a reason to disconnect a viewer.
        """
        problem: ProtocolViolation | None = None
        try:
            received = await self._peer.receive()
            if not self._is_node:
                self._quotas.spend(_ALL)
            text = received if isinstance(received, str) else read_text(received)
        except MessageSkipped as skipped:
            self._quotas.spend(_ALL)
            problem, text = skipped, None
        if text is not None:
            try:
                return decode_viewer_message(text)
            except NotAMessage:
                pass
            except ProtocolViolation as violation:
                problem = violation
        if problem is not None and self._supports_errors and self._quotas.admits(_REPORTS):
            await self._peer.send(encode_message(ErrorNotice(str(problem), problem.code)))
        return None

    async def _handle(self, message: ViewerMessage) -> None:
        hub, viewer = self._hub, self._viewer
        match message:
            case Ack():
                await self._take_ack(message)
            case Clock():
                await self._peer.send(encode_message(message.reply(hub.wall_clock.now())))
            case Seek() | GoLive() | DescribePlayback():
                await self._play_back(message)
            case Authenticate():
                await self._renew_access(message.token)
            case Result():
                await self._publish_result(message)
            case Subscribe():
                camera_ids = None if message.clients == "*" else dict.fromkeys(message.clients)
                hub.subscribe(viewer, camera_ids, message.limits, introduce=True)
                self._check_names()
            case Unsubscribe():
                hub.unsubscribe(viewer, frozenset(message.clients))
                self._check_names()
            case Viewers():
                hub.note_passed_on(viewer, message.clients)
            case Pause():
                hub.pause(viewer)
            case Resume():
                hub.resume(viewer)
                self._playback.resume()
            case _:
                assert_never(message)

    async def _renew_access(self, token: str) -> None:
        """Let the viewer go on with another token.

        Raises:
            ProtocolViolation: the token is invalid, or does not allow to view.
        """
        principal = await self._admission.prove(token)
        is_same = principal.rights == self._hub.principal.rights
        self._hub.change_principal(self._viewer, principal)
        self._hub.require(Action.VIEW)
        if not is_same:
            await self._playback.adapt_to_rights()
        await self._peer.send(encode_authenticated(principal.name, principal.expires_at))

    async def _play_back(self, message: Seek | GoLive | DescribePlayback) -> None:
        if isinstance(message, Seek):
            allowed = [camera_id for camera_id in message.camera_ids if await self._may_play_back(camera_id)]
            if not allowed:
                return
            if message.clients:
                message = structs.replace(message, clients=allowed)
        await self._playback.handle(message)

    async def _may_play_back(self, camera_id: str) -> bool:
        """Return whether the viewer may seek in a camera; if not, tell the viewer."""
        try:
            # For a camera that the viewer may not know of, nothing is played, as for one that does not exist.
            self._hub.may(Action.HISTORY, camera_id)
        except ProtocolViolation as violation:
            # This is not a reason to disconnect a viewer that may see the live frames.
            await self._peer.send(encode_message(ErrorNotice(str(violation), violation.code)))
            return False
        return True

    async def _take_ack(self, ack: Ack) -> None:
        self._acks += 1
        # A viewer may acknowledge a frame when it drops the frame, and again when it paints a later one.
        if self._acks > 2 * self._viewer.outbox.sent + _SPARE_ACKS:
            raise ProtocolViolation(
                f"expected an acknowledgement for each frame, got {self._acks} for {self._viewer.outbox.sent} frames",
                "flood",
            )
        self._hub.acknowledge(self._viewer, ack.camera_id, ack.sequence, ack.painted_at)
        if means := self._viewer.latency.conclude(trio.current_time()):
            cameras = [
                CameraLatency(camera_id, *mean.in_milliseconds(), transit=_or_unset(mean.transit_in_milliseconds))
                for camera_id, mean in means.items()
            ]
            await self._peer.send(encode_message(Latency(cameras)))

    async def _publish_result(self, result: Result) -> None:
        message = encode_frame(encode_message(result))
        try:
            self._hub.publish_result(result.camera_id, result.sequence, message, boxes=result.boxes)
        except ProtocolViolation as violation:
            # The hub may have forgotten the camera. This is not a reason to disconnect a viewer of other cameras.
            await self._peer.send(encode_message(ErrorNotice(str(violation), violation.code)))

    def _check_names(self) -> None:
        """Limit how many ids the hub keeps for this viewer, because a limit on each message is not enough."""
        if self._viewer.named_count > MAX_SUBSCRIBED and not self._is_node:
            raise ProtocolViolation(
                f"a viewer may name {MAX_SUBSCRIBED} cameras, got {self._viewer.named_count} in all"
            )
