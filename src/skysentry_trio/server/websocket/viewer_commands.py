"""Does what one viewer says: what it wants to see, what it has painted, what it found."""

from __future__ import annotations

import time

import trio
from attrs import define, field

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
    decode_viewer_message,
)
from skysentry_trio.wire.viewer_query import MAX_SUBSCRIBED

_MESSAGES_PER_SECOND = 2000.0
"""A wall of thirty cameras at 60 frames a second, each acknowledged."""
_RESULTS_PER_SECOND = 240.0
_CHOICES_PER_SECOND = 20.0
_CHOICE_BURST = 5.0
"""Seconds of choices that may come at once: each can cost a millisecond, in which nobody else is served."""


@define(eq=False)
class ViewerCommands:
    """The one task that reads what a viewer says, and the limits of what it may say."""

    _peer: Peer
    _hub: ScopedHub
    _viewer: HubViewer
    _player: PlaybackController
    _messages: RateLimiter = field(factory=lambda: RateLimiter(_MESSAGES_PER_SECOND, burst=1.0), init=False)
    _results: RateLimiter = field(factory=lambda: RateLimiter(_RESULTS_PER_SECOND, burst=1.0), init=False)
    _choices: RateLimiter = field(factory=lambda: RateLimiter(_CHOICES_PER_SECOND, _CHOICE_BURST), init=False)

    async def run(self) -> None:
        """Do what the viewer says.

        Raises:
            PeerGone: the viewer left.
            ProtocolViolation: the viewer broke the protocol.
        """
        while True:
            await self._handle(await self._peer.receive())

    async def _handle(self, text: str | bytes) -> None:
        _limit(self._messages, "messages")
        if isinstance(text, bytes):
            # RFC 6455 section 7.4.1 has a close code for data of the wrong kind.
            raise ProtocolViolation(
                f"viewers send text, got {len(text)} bytes of binary", close_code=CloseCode.UNSUPPORTED_DATA
            )
        message = decode_viewer_message(text)
        match message:
            case None:
                pass  # what a newer viewer may say
            case Ack():
                await self._take_ack(message)
            case Clock():
                await self._peer.send(encode_message(message.reply(time.time())))
            case Seek() | GoLive():
                await self._player.handle(message)
            case Result():
                _limit(self._results, "results")
                await self._take_result(message)
            case _:
                _limit(self._choices, "choices")
                self._choose(message)

    async def _take_ack(self, ack: Ack) -> None:
        self._hub.acknowledge(self._viewer, ack.camera_id, ack.sequence, ack.painted_at)
        if means := self._viewer.latency.conclude(trio.current_time()):
            cameras = [CameraLatency(camera_id, *mean.in_milliseconds()) for camera_id, mean in means.items()]
            await self._peer.send(encode_message(Latency(cameras)))

    async def _take_result(self, result: Result) -> None:
        try:
            self._hub.publish_result(result.camera_id, result.sequence, encode_frame(encode_message(result)))
        except ProtocolViolation as violation:
            # The camera may have left meanwhile: no reason to send away who watches others.
            await self._peer.send(encode_message(ErrorNotice(str(violation), violation.code)))

    def _choose(self, choice: Subscribe | Unsubscribe | Pause | Resume) -> None:
        hub, viewer = self._hub, self._viewer
        match choice:
            case Subscribe(clients=clients):
                camera_ids = None if clients == "*" else dict.fromkeys(clients)
                hub.subscribe(viewer, camera_ids, choice.limits, introduce=True)
            case Unsubscribe(clients=clients):
                hub.unsubscribe(viewer, frozenset(clients))
            case Pause():
                hub.pause(viewer)
            case Resume():
                hub.resume(viewer)
                self._player.resume()
        if viewer.choices > MAX_SUBSCRIBED:
            raise ProtocolViolation(f"a viewer may name {MAX_SUBSCRIBED} cameras, got {viewer.choices} in all")


def _limit(pacer: RateLimiter, what: str) -> None:
    if not pacer.admit(trio.current_time()):
        raise ProtocolViolation(f"more than {pacer.rate:g} {what} a second", "flood")
