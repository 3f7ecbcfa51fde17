"""Carries out the messages of one viewer, within limits on how many messages the viewer may send."""

from __future__ import annotations

import time
from typing import Final, assert_never

import trio
from attrs import define, field, frozen

from skysentry_trio.base.exceptions import CloseCode, ProtocolViolation
from skysentry_trio.base.rate_limit import RateLimiter
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.relay.viewer import HubViewer
from skysentry_trio.server.websocket.peer import Peer
from skysentry_trio.server.websocket.playback_commands import PlaybackController
from skysentry_trio.wire.framing import encode_frame
from skysentry_trio.wire.messages import Clock, ErrorNotice, encode_message
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
        limiter = self._limiters.get(quota)
        if limiter is None:
            limiter = self._limiters[quota] = RateLimiter(quota.rate, quota.burst)
        if not limiter.admit(trio.current_time()):
            raise ProtocolViolation(f"more than {quota.rate:g} {quota.kind} a second", "flood")


def _quota_of(message: ViewerMessage) -> _Quota | None:
    """Return the limit that applies to a message besides the limit on all messages; None if there is none."""
    match message:
        case Ack() | Clock():
            return None
        case Result():
            return _RESULTS
        case Seek() | GoLive():
            return _PLAYBACK
        case Subscribe() | Unsubscribe() | Pause() | Resume():
            return _SUBSCRIPTION
        case _:
            assert_never(message)


@define(eq=False)
class ViewerCommands:
    """Reads the messages of one viewer in one task, and carries them out."""

    _peer: Peer
    _hub: ScopedHub
    _viewer: HubViewer
    _playback: PlaybackController
    _quotas: _Quotas = field(factory=_Quotas, init=False, repr=False)

    async def run(self) -> None:
        """Carry out the viewer's messages one after another; never returns.

        Raises:
            PeerGone: the viewer left.
            ProtocolViolation: the viewer broke the protocol.
        """
        while True:
            message = self._admit(await self._peer.receive())
            # None means a message of a type that only newer servers know.
            if message is not None:
                await self._handle(message)

    def _admit(self, text: str | bytes) -> ViewerMessage | None:
        """Decode a message that is within the limits."""
        self._quotas.spend(_ALL)
        if isinstance(text, bytes):
            # RFC 6455 section 7.4.1 has a close code for data of the wrong kind.
            raise ProtocolViolation(
                f"viewers send text, got {len(text)} bytes of binary", close_code=CloseCode.UNSUPPORTED_DATA
            )
        message = decode_viewer_message(text)
        if message is not None and (quota := _quota_of(message)) is not None:
            self._quotas.spend(quota)
        return message

    async def _handle(self, message: ViewerMessage) -> None:
        hub, viewer = self._hub, self._viewer
        match message:
            case Ack():
                await self._take_ack(message)
            case Clock():
                await self._peer.send(encode_message(message.reply(time.time())))
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
