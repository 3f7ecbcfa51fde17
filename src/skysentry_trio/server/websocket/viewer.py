"""Serve one viewer: it subscribes to cameras, and gets each camera's newest frame as soon as it can receive a frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from operator import attrgetter

import msgspec
import trio

from skysentry_trio.base.exceptions import PeerGone, ProtocolViolation
from skysentry_trio.base.logs import get_logger
from skysentry_trio.base.nurseries import single_error
from skysentry_trio.base.principal import Action
from skysentry_trio.server.access.admission import Admission
from skysentry_trio.server.relay.delivery import Delivery, Encoder
from skysentry_trio.server.relay.notices import CameraNotice, Notice, ResultNotice
from skysentry_trio.server.relay.outbox import PartialWrite
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.relay.viewer import HubViewer
from skysentry_trio.server.websocket.peer import Peer
from skysentry_trio.server.websocket.playback_commands import PlaybackCommands
from skysentry_trio.server.websocket.recorded_playback import Archive
from skysentry_trio.server.websocket.remote_playback import Elsewhere
from skysentry_trio.server.websocket.viewer_commands import ViewerCommands
from skysentry_trio.wire.framing import encode_binary_frame, encode_frame
from skysentry_trio.wire.messages import (
    Authenticate,
    Clock,
    ErrorNotice,
    encode_authenticated,
    encode_message,
    read_text,
)
from skysentry_trio.wire.viewer import (
    ClientConnected,
    ClientDisconnected,
    Clients,
    ClientSummary,
    decode_viewer_message,
)
from skysentry_trio.wire.viewer_frames import encode_envelope, encode_frame_update
from skysentry_trio.wire.viewer_query import ViewerFormat, decode_viewer_query

log = get_logger(__name__)

_LISTED_AT_ONCE = 500
"""Number of cameras that are put into a list before other tasks run."""
_MESSAGES_BEFORE_PROOF = 100
"""Close the connection after this many messages without `authenticate`."""
_PIECE = 16 * 1024
"""Bytes of notices after which they are sent, and other tasks run."""


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


async def serve_viewer(
    peer: Peer,
    hub: ScopedHub,
    query: str,
    default_format: ViewerFormat,
    admission: Admission | None = None,
    *,
    archive: Archive | None = None,
    elsewhere: Elsewhere | None = None,
) -> None:
    """Serve one viewer until it leaves or breaks the protocol.

    Args:
        peer: the connection.
        hub: the hub for the principal of the viewer.
        query: the query of the address that the viewer opened. An invalid query is refused only after the handshake,
            because a browser does not let a page see the answer to a refused handshake.
        default_format: the format for a viewer whose query names no format.
        admission: the access of the connection; None if everybody has access.
        archive: the recordings; None for a server that records nothing.
        elsewhere: the cameras of other servers; None for a server alone.
    """
    admission, supports_notices = admission or Admission(principal=hub.principal), False
    try:
        request = decode_viewer_query(query, default_format)
        # Viewers with the other formats understand only frames.
        supports_notices = request.format is ViewerFormat.ENVELOPE
        if admission.is_pending:
            await _receive_proof(peer, hub, admission)
        hub.require(Action.VIEW)
    except ProtocolViolation as violation:
        await _refuse(peer, hub, violation, supports_notices=supports_notices)
        return
    except PeerGone:
        return
    encode = _ENCODERS[request.format]

    # Another server names cameras in messages, as soon as its viewers need them.
    is_node = hub.principal.is_node
    camera_ids = frozenset[str]() if is_node and request.clients is None else request.clients
    # A viewer of SkySentry Go cannot tell that a camera is offline, so it gets no frames of such cameras.
    online_only = request.format is ViewerFormat.JSON
    with hub.watch(
        encode,
        peer.sink,
        notify_about=camera_ids,
        online_only=online_only,
        own_only=is_node,
        encode_notice=_encode_notice if supports_notices else None,
    ) as viewer:
        offence = None
        try:
            # From now on, notices wait in the outbox, and they are sent after the list.
            if supports_notices:
                await peer.send_frame(await _encode_list(hub, camera_ids))
            hub.subscribe(viewer, camera_ids, request.limits)
            with single_error():
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(partial(_send_all, supports_notices=supports_notices), peer, viewer, encode)
                    playback = PlaybackCommands(
                        peer,
                        hub.playback(viewer),
                        supports_notices,
                        nursery,
                        archive or Archive(),
                        elsewhere,
                        lambda: hub.principal,
                    )
                    # An error that passed through the nursery would be part of a reference cycle in Trio, and only the
                    # garbage collector could free what the viewer has used.
                    commands = ViewerCommands(peer, hub, viewer, playback, supports_notices, admission)
                    try:
                        with admission.attend("viewer", nursery.cancel_scope.cancel):
                            admission.log_beginning(log, "viewer connected", format=request.format)
                            await commands.run()
                    except PeerGone:
                        nursery.cancel_scope.cancel()
                    except ProtocolViolation as error:
                        offence = error
                        nursery.cancel_scope.cancel()
        except PeerGone:
            pass
        offence = admission.ended or offence
        if offence is not None:
            await _refuse(peer, hub, offence, supports_notices=supports_notices)
            del offence
        outbox = viewer.outbox
        log.info(
            "viewer left",
            sent=outbox.sent,
            replaced=outbox.superseded,
            thinned=outbox.rate_limited,
            late=outbox.unacked,
            notices_dropped=outbox.notices_dropped,
        )


async def _receive_proof(peer: Peer, hub: ScopedHub, admission: Admission) -> None:
    """Wait for the message with which a viewer proves who it is; answer questions for the time before it.

    Raises:
        PeerGone: the viewer left.
        ProtocolViolation: the token is invalid, does not come in time, or comes after too many other messages.
    """
    seconds = hub.settings.registration_timeout
    with trio.move_on_after(seconds):
        for _ in range(_MESSAGES_BEFORE_PROOF):
            received = await peer.receive()
            text = received if isinstance(received, str) else read_text(received)
            try:
                message = None if text is None else decode_viewer_message(text)
            except ProtocolViolation:
                message = None
            if isinstance(message, Authenticate):
                principal = hub.principal = await admission.prove(message.token)
                await peer.send(encode_authenticated(principal.name, principal.expires_at))
                return
            if isinstance(message, Clock):
                await peer.send(encode_message(message.reply(hub.wall_clock.now())))
            else:
                hub.count_ignored("viewer")
        raise ProtocolViolation(
            f"expected authenticate first, got {_MESSAGES_BEFORE_PROOF} other messages", "unauthenticated"
        )
    raise ProtocolViolation(f"expected authenticate within {seconds:g} s", "unauthenticated")


async def _encode_list(hub: ScopedHub, camera_ids: frozenset[str] | None) -> bytes:
    """Return the list of cameras as a WebSocket frame; yield to the scheduler after every few cameras."""
    if camera_ids is None:
        cameras = list(hub.cameras)
    else:
        known = (camera for camera_id in camera_ids if (camera := hub.camera(camera_id)) is not None)
        cameras = sorted(known, key=attrgetter("since"))
    now, summaries = trio.current_time(), list[ClientSummary]()
    for number, camera in enumerate(cameras, 1):
        fps, stopped = round(camera.rate.fps(now), 2), camera.stopped or msgspec.UNSET
        reachable = msgspec.UNSET if camera.is_reachable else False
        condition = camera.condition or msgspec.UNSET
        summaries.append(ClientSummary(camera.id, camera.name, camera.online, fps, stopped, reachable, condition))
        if number % _LISTED_AT_ONCE == 0:
            await trio.lowlevel.checkpoint()
    return encode_frame(encode_message(Clients(summaries)))


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
            for frames in _encode_notices(waiting):
                await peer.send_frame(frames)


def _encode_notices(notices: Sequence[Notice]) -> Iterator[bytes]:
    """Yield the notices as WebSocket frames, many frames in each piece: there may be notices about 10,000 cameras."""
    frames, size = list[bytes](), 0
    for notice in notices:
        frame = _encode_notice(notice)
        frames.append(frame)
        size += len(frame)
        if size > _PIECE:
            yield b"".join(frames)
            frames, size = [], 0
    if frames:
        yield b"".join(frames)


def _encode_notice(notice: Notice) -> bytes:
    return notice.message if isinstance(notice, ResultNotice) else notice.encode(_frame_notice)


def _frame_notice(notice: CameraNotice) -> bytes:
    message: ClientConnected | ClientDisconnected = (
        ClientConnected(
            notice.camera_id,
            notice.name,
            msgspec.UNSET if notice.reachable else False,
            notice.condition or msgspec.UNSET,
        )
        if notice.online
        else ClientDisconnected(notice.camera_id, notice.removed, notice.stopped or msgspec.UNSET)
    )
    return encode_frame(encode_message(message))


async def _refuse(peer: Peer, hub: ScopedHub, violation: ProtocolViolation, *, supports_notices: bool) -> None:
    log.warning("viewer refused", code=violation.code, error=str(violation))
    hub.count_refusal("viewer", violation.code)
    if supports_notices:
        try:
            await peer.send(encode_message(ErrorNotice(str(violation), violation.code)))
        except PeerGone:
            return
    await peer.close(violation.close_code, str(violation))
