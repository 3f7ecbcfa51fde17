"""REST under ``/api``: the cameras and the frames in their rings, and the state of the server."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

import trio
from quart import Blueprint, Response, request

from skysentry_trio._version import __version__
from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.principal import Action
from skysentry_trio.server.access.access import Access
from skysentry_trio.server.health import Health
from skysentry_trio.server.http.camera_list import list_cameras, list_for_node
from skysentry_trio.server.http.current import CurrentHub, current_request
from skysentry_trio.server.http.jpeg_headers import frame_headers
from skysentry_trio.server.http.lookup import check_online, choose_id, find_camera, read_newest
from skysentry_trio.server.http.openapi import describe_api
from skysentry_trio.server.http.ring_reader import iterate_ring
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.transport.connection_log import ConnectionLog
from skysentry_trio.server.transport.other_servers import NO_OTHER_SERVERS, OtherServers
from skysentry_trio.wire.messages import Message, encode_json, rfc3339
from skysentry_trio.wire.rest import (
    STREAMS_BEGIN,
    BriefHealthReply,
    HealthReply,
    ReadyReply,
    end_streams,
    stream_of_ring,
    write_latest,
    write_ring,
    write_stream,
)
from skysentry_trio.wire.viewer_frames import RingSummary, summarize_ring

_RING_TIMEOUT = 5.0
"""Seconds that another server has to send the ring of one camera."""
_RINGS_AT_ONCE = 4
"""Rings that other servers are asked for at the same time, because all of them are in memory then."""


def create_api(
    current_hub: CurrentHub,
    health: Health,
    connections: ConnectionLog,
    access: Access,
    others: OtherServers = NO_OTHER_SERVERS,
) -> Blueprint:
    """Return the routes under ``/api``.

    Args:
        current_hub: returns the hub, limited to what the principal of the current request may see.
        health: state of the process.
        connections: counted by the router.
        access: the rules of access.
        others: the other servers of a cluster.
    """
    api = Blueprint("api", __name__, url_prefix="/api")
    description = encode_json(describe_api(__version__))

    @api.get("/health")
    async def get_health() -> Response:
        hub = current_hub()
        status = health.status
        if not hub.principal.rights.allow(Action.METRICS):
            brief = BriefHealthReply(status, rfc3339(time.time()))
            return _json(brief, status=503 if health.failing else 200)
        statistics = hub.statistics()
        reply = HealthReply(
            status=status,
            total_clients=statistics.cameras,
            online_clients=statistics.online,
            buffer_size=hub.settings.ring_capacity,
            timestamp=rfc3339(time.time()),
            stream_subscribers=statistics.viewers,
            version=__version__,
            uptime=round(health.uptime(), 3),
            connections=connections.open,
            memory=statistics.ring_bytes,
            frames_received=statistics.frames_received,
            frames_sent=statistics.frames_sent,
            bytes_received=statistics.bytes_received,
            bytes_sent=statistics.bytes_sent,
            drops={
                "replaced": statistics.frames_superseded,
                "thinned": statistics.frames_rate_limited,
                "left": statistics.frames_abandoned,
                **statistics.frames_refused,
            },
            connections_ended=dict(connections.ended_by),
            failing=health.failing,
            degraded=health.degraded,
            open=access.is_open,
        )
        return _json(reply, status=503 if health.failing else 200)

    @api.get("/ready")
    async def get_ready() -> Response:
        return _json(ReadyReply(not health.draining), status=503 if health.draining else 200)

    @api.get("/clients")
    async def get_clients() -> Response:
        # The other server asks each server for the server's own cameras.
        describe = list_for_node if current_request().via else list_cameras
        return _json(await describe(current_hub(), others))

    @api.get("/clients/<camera_id>/latest")
    async def get_latest(camera_id: str) -> Response:
        hub = current_hub()
        camera, frame = read_newest(hub, choose_id(hub, camera_id))
        if request.accept_mimetypes.best_match(["application/json", "image/jpeg"], "application/json") == "image/jpeg":
            response = Response(frame.jpeg, headers=frame_headers(camera, frame))
        else:
            check_online(camera)
            response = _in_pieces(_each(write_latest(camera.id, frame, _summarize(camera))))
        response.vary.add("Accept")
        return response

    @api.get("/clients/<camera_id>/stream")
    async def get_ring(camera_id: str) -> Response:
        hub = current_hub()
        camera = find_camera(hub, choose_id(hub, camera_id), Action.HISTORY)
        check_online(camera)
        hub.note_history_read(camera.id, "ring")
        return _in_pieces(_each(write_ring(camera.id, _read(hub, camera), _summarize(camera))))

    @api.get("/streams")
    async def get_streams() -> Response:
        hub = current_hub()
        hub.require(Action.HISTORY)
        hub.note_history_read(None, "ring")
        online = [camera for camera in hub.cameras_for(Action.HISTORY) if camera.online]
        if current_request().via:
            # The other server asks each server for the server's own cameras.
            online = [camera for camera in online if not camera.is_elsewhere]
        return _in_pieces(_write_streams(hub, online, others))

    @api.get("/openapi.json")
    async def get_openapi() -> Response:
        return Response(description, content_type="application/json")

    return api


def _read(hub: ScopedHub, camera: HubCamera) -> Iterator[JpegFrame]:
    newest = camera.ring.newest
    return iterate_ring(hub, camera, last=0 if newest is None else newest.sequence)


def _summarize(camera: HubCamera) -> RingSummary:
    return summarize_ring(camera.statistics(trio.current_time()))


def _json(reply: Message, status: int = 200) -> Response:
    return _never_stored(Response(encode_json(reply), status, content_type="application/json"))


async def _write_streams(hub: ScopedHub, cameras: Sequence[HubCamera], others: OtherServers) -> AsyncIterator[bytes]:
    """Yield a `StreamsReply` in pieces: each of thousands of cameras is looked at when its piece is sent."""
    yield STREAMS_BEGIN
    count, unreachable = 0, set[str]()
    for start in range(0, len(cameras), _RINGS_AT_ONCE):
        some = cameras[start : start + _RINGS_AT_ONCE]
        rings = await _ask_for_rings(hub, some, others, unreachable)
        for camera in some:
            if not camera.is_elsewhere:
                pieces: Iterable[bytes] = write_stream(camera.id, _read(hub, camera), _summarize(camera))
            elif (ring := rings.pop(camera.id, None)) is not None:
                pieces = stream_of_ring(camera.id, ring)
            else:
                continue
            if count:
                yield b","
            count += 1
            for piece in pieces:
                yield piece
    yield end_streams(count, sorted(unreachable))


async def _ask_for_rings(
    hub: ScopedHub, cameras: Sequence[HubCamera], others: OtherServers, unreachable: set[str]
) -> dict[str, bytes]:
    """Return the rings of those cameras that other servers have, by camera id.

    Args:
        hub: of the principal who asks.
        cameras: those of this server are left out.
        others: the other servers.
        unreachable: ids of servers that are not asked; those that do not answer are added.
    """
    rings = dict[str, bytes]()

    async def ask(camera_id: str, owner: str) -> None:
        try:
            ring = await others.ask_owner(camera_id, "stream", hub.principal, _RING_TIMEOUT)
        except ProtocolViolation:
            unreachable.add(owner)
        else:
            # If there is none, the camera has left in the meantime.
            if ring is not None:
                rings[camera_id] = ring

    async with trio.open_nursery() as nursery:
        for camera in cameras:
            if camera.is_elsewhere and (owner := others.owner(camera.id) or "") not in unreachable:
                nursery.start_soon(ask, camera.id, owner)
    return rings


async def _each(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def _in_pieces(pieces: AsyncIterator[bytes]) -> Response:
    response = _never_stored(Response(pieces, content_type="application/json"))
    # The whole reply needs no deadline, because every write has one; over a slow link a large reply may take long.
    response.timeout = None
    return response


def _never_stored(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
