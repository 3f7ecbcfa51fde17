"""Carries out the messages of one viewer, within limits on how many messages the viewer may send."""

from __future__ import annotations

from typing import Final, assert_never

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import MessageSkipped, NotAMessage, ProtocolViolation
from skysentry_trio.base.rate_limit import RateLimiter
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.relay.viewer import HubViewer
from skysentry_trio.server.websocket.peer import Peer
from skysentry_trio.server.websocket.playback_commands import PlaybackController
from skysentry_trio.wire.framing import encode_frame
from skysentry_trio.wire.messages import Clock, ErrorNotice, encode_message, read_text
from skysentry_trio.wire.results import Result
from skysentry_trio.wire.viewer import (
    Ack,
    CameraLatency,
    GoLive,
    Latency,
    Pause,
    Resume,
    Seek,
    Subscribe,
    Unsubscribe,
    ViewerMessage,
    decode_viewer_message,
)
from skysentry_trio.wire.viewer_query import MAX_SUBSCRIBED

_REPORTS_PER_SECOND = 1.0
"""Most error messages a second to one viewer about invalid messages."""
_SPARE_ACKS: Final = 100
"""Acknowledgements that a viewer may send although it was sent no frame."""


@define(eq=False)
class _Quota:
    """A limit on messages of one kind; a viewer that exceeds it is disconnected."""

    kind: str
    limiter: RateLimiter

    def spend(self) -> None:
        """Count a message.

        Raises:
            ProtocolViolation: with code ``flood``.
        """
        if not self.limiter.admit(trio.current_time()):
            raise ProtocolViolation(f"more than {self.limiter.rate:g} {self.kind} a second", "flood")


@define(eq=False)
class _Quotas:
    """How many messages one viewer may send; rates are messages a second, bursts are seconds as in `RateLimiter`."""

    # Enough to acknowledge each frame of thirty cameras at 60 frames a second.
    all: _Quota = field(factory=lambda: _Quota("messages", RateLimiter(2000.0, burst=1.0)))
    results: _Quota = field(factory=lambda: _Quota("results", RateLimiter(240.0, burst=1.0)))
    # Each command may make the server encode a frame for this viewer alone. A person does not need a higher rate.
    playback: _Quota = field(factory=lambda: _Quota("playback commands", RateLimiter(20.0, burst=1.0)))
    # A viewer asks for the clock a few times a minute. Programs that were written for other servers send other texts.
    questions: _Quota = field(
        factory=lambda: _Quota("clock messages and messages of unknown types", RateLimiter(50.0, burst=2.0))
    )
    # Each change may take a millisecond, and the server does nothing else during this time.
    subscription: _Quota = field(factory=lambda: _Quota("changes of the subscription", RateLimiter(20.0, burst=5.0)))

    def of(self, message: ViewerMessage | None) -> _Quota | None:
        """Return the limit that applies to a message besides the limit on all messages; None if there is none.

        The message None stands for a message to ignore.
        """
        match message:
            case Ack():
                return None
            case Clock() | None:
                return self.questions
            case Result():
                return self.results
            case Seek() | GoLive():
                return self.playback
            case Subscribe() | Unsubscribe() | Pause() | Resume():
                return self.subscription
            case _:
                assert_never(message)


@define(eq=False)
class ViewerCommands:
    """Reads the messages of one viewer in one task, and carries them out."""

    _peer: Peer
    _hub: ScopedHub
    _viewer: HubViewer
    _playback: PlaybackController
    _supports_errors: bool
    """Whether the viewer understands `ErrorNotice`."""
    _quotas: _Quotas = field(factory=_Quotas, init=False, repr=False)
    _reports: RateLimiter = field(factory=lambda: RateLimiter(_REPORTS_PER_SECOND, burst=0.0), init=False, repr=False)
    _acks: int = field(default=0, init=False)
    """Number of acknowledgements that the viewer has sent."""

    async def run(self) -> None:
        """Carry out the viewer's messages one after another; never returns.

        Raises:
            PeerGone: the viewer left.
            ProtocolViolation: the viewer sends too much, or names too many cameras.
        """
        while True:
            message = await self._receive()
            if (quota := self._quotas.of(message)) is not None:
                quota.spend()
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
            self._quotas.all.spend()
            text = received if isinstance(received, str) else read_text(received)
        except MessageSkipped as skipped:
            self._quotas.all.spend()
            problem, text = skipped, None
        if text is not None:
            try:
                return decode_viewer_message(text)
            except NotAMessage:
                pass
            except ProtocolViolation as violation:
                problem = violation
        if problem is not None and self._supports_errors and self._reports.admit(trio.current_time()):
            await self._peer.send(encode_message(ErrorNotice(str(problem), problem.code)))
        return None

    async def _handle(self, message: ViewerMessage) -> None:
        hub, viewer = self._hub, self._viewer
        match message:
            case Ack():
                await self._take_ack(message)
            case Clock():
                await self._peer.send(encode_message(message.reply(hub.wall_clock.now())))
            case Seek() | GoLive():
                await self._playback.handle(message)
            case Result():
                await self._publish_result(message)
            case Subscribe():
                camera_ids = None if message.clients == "*" else dict.fromkeys(message.clients)
                hub.subscribe(viewer, camera_ids, message.limits, introduce=True)
                self._check_names()
            case Unsubscribe():
                hub.unsubscribe(viewer, frozenset(message.clients))
                self._check_names()
            case Pause():
                hub.pause(viewer)
            case Resume():
                hub.resume(viewer)
                self._playback.resume()
            case _:
                assert_never(message)

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
            cameras = [CameraLatency(camera_id, *mean.in_milliseconds()) for camera_id, mean in means.items()]
            await self._peer.send(encode_message(Latency(cameras)))

    async def _publish_result(self, result: Result) -> None:
        try:
            self._hub.publish_result(result.camera_id, result.sequence, encode_frame(encode_message(result)))
        except ProtocolViolation as violation:
            # The hub may have forgotten the camera. This is not a reason to disconnect a viewer of other cameras.
            await self._peer.send(encode_message(ErrorNotice(str(violation), violation.code)))

    def _check_names(self) -> None:
        """Limit how many ids the hub keeps for this viewer, because a limit on each message is not enough."""
        if self._viewer.named_count > MAX_SUBSCRIBED:
            raise ProtocolViolation(
                f"a viewer may name {MAX_SUBSCRIBED} cameras, got {self._viewer.named_count} in all"
            )
