"""A viewer: it says what it wants to see, and gets the newest frame of each camera as soon as it can take one."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import trio

from skysentry_trio.endpoints.peer import Peer
from skysentry_trio.endpoints.player import Player
from skysentry_trio.exceptions import PeerGone, ProtocolViolation
from skysentry_trio.flow import Pacer, Sent
from skysentry_trio.frames import Frame, RingStatistics
from skysentry_trio.hub import Hub
from skysentry_trio.logs import get_logger
from skysentry_trio.outbox import Begun, CameraNotice, Delivery, Encoder
from skysentry_trio.rewind import Rewind
from skysentry_trio.viewers import Viewer
from skysentry_trio.wire.framing import encode_frame
from skysentry_trio.wire.messages import Clock, ClockReply, ErrorNotice, encode_message
from skysentry_trio.wire.viewer import (
    MAX_SUBSCRIBED,
    Ack,
    CameraLatency,
    ClientConnected,
    ClientDisconnected,
    Clients,
    ClientSummary,
    GoLive,
    Latency,
    Pause,
    Resume,
    Seek,
    Subscribe,
    Unsubscribe,
    ViewerFormat,
    decode_viewer_message,
    decode_viewer_query,
    encode_bare_jpeg,
    encode_envelope,
    encode_frame_update,
    latency_fields,
)

log = get_logger(__name__)


def _framed(encode: Callable[[str, Frame, RingStatistics], bytes | str]) -> Encoder:
    """Make an encoder of messages one of WebSocket frames, which then serve every viewer as they are."""

    def encode_framed(client_id: str, frame: Frame, stats: RingStatistics) -> bytes:
        return encode_frame(encode(client_id, frame, stats))

    return encode_framed


_ENCODERS: dict[ViewerFormat, Encoder] = {
    ViewerFormat.ENVELOPE: _framed(encode_envelope),
    ViewerFormat.JPEG: _framed(encode_bare_jpeg),
    ViewerFormat.JSON: _framed(encode_frame_update),
}
_PAST_ENVELOPE = _framed(partial(encode_envelope, live=False))
_MESSAGES_PER_SECOND = 1000.0
_CHOICES_PER_SECOND = 20.0
_CHOICE_BURST = 5.0
"""Seconds of choices that may come at once: each can cost a millisecond, in which nobody else is served."""


async def serve_viewer(peer: Peer, hub: Hub, query: str, default_format: ViewerFormat) -> None:
    """Serve one viewer until it leaves or breaks the protocol.

    Args:
        peer: the connection.
        hub: where the cameras are.
        query: of the address the viewer opened; what is wrong with it is said after the handshake, as browsers show
            pages nothing of a refused one.
        default_format: for a viewer that asks for none.
    """
    try:
        request = decode_viewer_query(query, default_format)
    except ProtocolViolation as violation:
        await _refuse(peer, hub, violation, talks=False)
        return
    # Only the envelope's clients know of text messages other than frames.
    talks = request.format is ViewerFormat.ENVELOPE
    encode = _ENCODERS[request.format]

    # The other formats do not tell frames of the past from live ones.
    encode_past = _PAST_ENVELOPE if talks else encode
    try_send_frame = peer.try_send_frame

    def render(delivery: Delivery) -> bytes:
        return delivery.rendered[encode if delivery.live else encode_past]

    def try_send(delivery: Delivery) -> Sent:
        return try_send_frame(delivery.rendered[encode if delivery.live else encode_past])

    with hub.watch(try_send, hears_of_all=request.clients is None) as viewer:
        log.info("viewer connected", format=request.format)
        try:
            cameras = _list_cameras(hub, request.clients)
            # Before the list is sent, so that what happens to cameras meanwhile waits in the outbox.
            hub.subscribe(viewer, request.clients, request.limits)
            if talks:
                await peer.send(encode_message(cameras))
            fault = None
            async with trio.open_nursery() as nursery:
                nursery.start_soon(partial(_send_all, talks=talks), peer, viewer, render, nursery.cancel_scope)
                fault = await _obey_all(peer, hub, viewer, Player(peer, Rewind(hub, viewer), talks, nursery))
                nursery.cancel_scope.cancel()
            if fault is not None:
                await _refuse(peer, hub, fault, talks=talks)
        except PeerGone:
            pass
        outbox = viewer.outbox
        log.info(
            "viewer left", sent=outbox.sent, replaced=outbox.replaced, thinned=outbox.thinned, unsaid=outbox.unsaid
        )


def _list_cameras(hub: Hub, client_ids: frozenset[str] | None) -> Clients:
    now = trio.current_time()
    return Clients(
        [
            ClientSummary(camera.id, camera.name, camera.online, round(camera.rate.fps(now), 2))
            for camera in hub.cameras
            if client_ids is None or camera.id in client_ids
        ]
    )


async def _send_all(
    peer: Peer, viewer: Viewer, render: Callable[[Delivery], bytes], connection: trio.CancelScope, *, talks: bool
) -> None:
    """Send what is in the outbox, for ever: the one task that waits for this viewer to read."""
    try:
        while True:
            waiting = await viewer.outbox.receive()
            if isinstance(waiting, Delivery):
                await peer.send_frame(render(waiting))
            elif isinstance(waiting, Begun):
                await peer.finish_frame()
            elif talks:
                for notice in waiting:
                    await peer.send(encode_message(_as_message(notice)))
    except PeerGone:
        connection.cancel()


def _as_message(notice: CameraNotice) -> ClientConnected | ClientDisconnected:
    if notice.online:
        return ClientConnected(notice.camera_id, notice.name)
    return ClientDisconnected(notice.camera_id, notice.removed)


async def _obey_all(peer: Peer, hub: Hub, viewer: Viewer, player: Player) -> ProtocolViolation | None:
    """Do what the viewer says until it leaves, or return what it did wrong."""
    pace, choices = Pacer(_MESSAGES_PER_SECOND, burst=1.0), Pacer(_CHOICES_PER_SECOND, _CHOICE_BURST)
    try:
        while True:
            message = await peer.receive()
            if not pace.admit(trio.current_time()):
                return ProtocolViolation(f"more than {_MESSAGES_PER_SECOND:g} messages a second", code="flood")
            if isinstance(message, bytes):
                return ProtocolViolation(f"viewers send text, got {len(message)} bytes of binary", close_code=1003)
            decoded = decode_viewer_message(message)
            if isinstance(decoded, Clock):
                await peer.send(encode_message(ClockReply(decoded.sent_at, time.time() * 1000)))
            elif isinstance(decoded, Seek | GoLive):
                await player.obey(decoded)
            elif isinstance(decoded, Ack):
                await _take_ack(peer, hub, viewer, decoded)
            elif decoded is not None:
                if not choices.admit(trio.current_time()):
                    return ProtocolViolation(f"more than {_CHOICES_PER_SECOND:g} choices a second", code="flood")
                _obey(hub, viewer, decoded, player)
            if len(viewer.named) > MAX_SUBSCRIBED:
                return ProtocolViolation(f"a viewer may name {MAX_SUBSCRIBED} cameras, got {len(viewer.named)} in all")
    except ProtocolViolation as violation:
        return violation
    except PeerGone:
        return None


async def _take_ack(peer: Peer, hub: Hub, viewer: Viewer, ack: Ack) -> None:
    painted_at = None if ack.painted_at is None else ack.painted_at / 1000
    hub.acknowledge(viewer, ack.client_id, ack.sequence, painted_at)
    if means := viewer.latency.conclude(trio.current_time()):
        cameras = [CameraLatency(client_id, *latency_fields(mean)) for client_id, mean in means.items()]
        await peer.send(encode_message(Latency(cameras)))


def _obey(hub: Hub, viewer: Viewer, choice: Subscribe | Unsubscribe | Pause | Resume, player: Player) -> None:
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
            player.resume()


async def _refuse(peer: Peer, hub: Hub, violation: ProtocolViolation, *, talks: bool) -> None:
    log.warning("viewer refused", code=violation.code, error=str(violation))
    hub.count_refusal("viewer", violation.code)
    if talks:
        try:
            await peer.send(encode_message(ErrorNotice(str(violation), violation.code)))
        except PeerGone:
            return
    await peer.close(violation.close_code, str(violation))
