"""Serve one viewer: it subscribes to cameras, and gets each camera's newest frame as soon as it can receive a frame."""

from __future__ import annotations

from functools import partial

import msgspec
import trio

from skysentry_trio.base.exceptions import PeerGone, ProtocolViolation
from skysentry_trio.base.logs import get_logger
from skysentry_trio.base.nurseries import single_error
from skysentry_trio.server.relay.outbox import CameraNotice, Delivery, Encoder, PartialWrite, ResultNotice
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.relay.viewer import HubViewer
from skysentry_trio.server.websocket.peer import Peer
from skysentry_trio.server.websocket.playback_commands import PlaybackController
from skysentry_trio.server.websocket.viewer_commands import ViewerCommands
from skysentry_trio.wire.framing import encode_binary_frame, encode_frame
from skysentry_trio.wire.messages import ErrorNotice, encode_message
from skysentry_trio.wire.viewer import ClientConnected, ClientDisconnected, Clients, ClientSummary
from skysentry_trio.wire.viewer_frames import encode_envelope, encode_frame_update
from skysentry_trio.wire.viewer_query import ViewerFormat, decode_viewer_query

log = get_logger(__name__)


def _frame_envelope(delivery: Delivery) -> bytes:
    parts = encode_envelope(delivery.camera_id, delivery.frame, delivery.stats, live=delivery.live)
    return encode_binary_frame(*parts)


def _frame_jpeg(delivery: Delivery) -> bytes:
    return encode_binary_frame(delivery.frame.jpeg)


def _frame_update(delivery: Delivery) -> bytes:
    return encode_frame(encode_frame_update(delivery.camera_id, delivery.frame, delivery.stats))


_ENCODERS: dict[ViewerFormat, Encoder] = {
    ViewerFormat.ENVELOPE: _frame_envelope,
    ViewerFormat.JPEG: _frame_jpeg,
    ViewerFormat.JSON: _frame_update,
}
"""By format: encodes a delivery as one WebSocket frame, which all viewers with this format share."""


async def serve_viewer(peer: Peer, hub: ScopedHub, query: str, default_format: ViewerFormat) -> None:
    """Serve one viewer until it leaves or breaks the protocol.

    Args:
        peer: the connection.
        hub: the hub for the principal of the viewer.
        query: the query of the address that the viewer opened. An invalid query is refused only after the handshake,
            because a browser does not let a page see the answer to a refused handshake.
        default_format: the format for a viewer whose query names no format.
    """
    try:
        request = decode_viewer_query(query, default_format)
    except ProtocolViolation as violation:
        await _refuse(peer, hub, violation, supports_notices=False)
        return
    # Viewers with the other formats understand only frames.
    supports_notices = request.format is ViewerFormat.ENVELOPE
    encode = _ENCODERS[request.format]

    # A viewer of SkySentry Go cannot tell that a camera is offline, so it gets no frames of such cameras.
    online_only = request.format is ViewerFormat.JSON
    with hub.watch(encode, peer.sink, notify_about=request.clients, online_only=online_only) as viewer:
        log.info("viewer connected", format=request.format)
        try:
            cameras = _list_cameras(hub, request.clients)
            # Subscribe before the list is sent, so that notices about changes in the meantime wait in the outbox.
            hub.subscribe(viewer, request.clients, request.limits)
            if supports_notices:
                await peer.send(encode_message(cameras))
            with single_error():
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(partial(_send_all, supports_notices=supports_notices), peer, viewer, encode)
                    playback = PlaybackController(peer, hub.playback(viewer), supports_notices, nursery)
                    await ViewerCommands(peer, hub, viewer, playback, supports_notices).run()
        except PeerGone:
            pass
        except ProtocolViolation as violation:
            await _refuse(peer, hub, violation, supports_notices=supports_notices)
        outbox = viewer.outbox
        log.info(
            "viewer left",
            sent=outbox.sent,
            replaced=outbox.superseded,
            thinned=outbox.rate_limited,
            late=outbox.unacked,
            notices_dropped=outbox.notices_dropped,
        )


def _list_cameras(hub: ScopedHub, camera_ids: frozenset[str] | None) -> Clients:
    now = trio.current_time()
    return Clients(
        [
            ClientSummary(
                camera.id, camera.name, camera.online, round(camera.rate.fps(now), 2), camera.stopped or msgspec.UNSET
            )
            for camera in hub.cameras
            if camera_ids is None or camera.id in camera_ids
        ]
    )


async def _send_all(peer: Peer, viewer: HubViewer, encode: Encoder, *, supports_notices: bool) -> None:
    """Send what is in the outbox; never returns.

    Raises:
        PeerGone: the viewer left or stopped reading.
    """
    while True:
        waiting = await viewer.outbox.receive()
        if isinstance(waiting, Delivery):
            # A slow viewer must keep in memory only what it is sent, and an idle viewer nothing. An error refers to the
            # variables of this call for a while.
            frame, waiting = [waiting.encode(encode)], []
            await peer.send_frame(frame.pop())
        elif isinstance(waiting, PartialWrite):
            await peer.finish_frame()
        elif supports_notices:
            for notice in waiting:
                if isinstance(notice, ResultNotice):
                    await peer.send_frame(notice.message)
                else:
                    await peer.send(encode_message(_as_message(notice)))


def _as_message(notice: CameraNotice) -> ClientConnected | ClientDisconnected:
    if notice.online:
        return ClientConnected(notice.camera_id, notice.name)
    return ClientDisconnected(notice.camera_id, notice.removed, notice.stopped or msgspec.UNSET)


async def _refuse(peer: Peer, hub: ScopedHub, violation: ProtocolViolation, *, supports_notices: bool) -> None:
    log.warning("viewer refused", code=violation.code, error=str(violation))
    hub.count_refusal("viewer", violation.code)
    if supports_notices:
        try:
            await peer.send(encode_message(ErrorNotice(str(violation), violation.code)))
        except PeerGone:
            return
    await peer.close(violation.close_code, str(violation))
