"""Which camera somebody means."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import trio

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import Frame
from skysentry_trio.server.http.placeholder import draw_placeholder
from skysentry_trio.server.relay.camera import Camera
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.wire.identity import check_client_id

_one_pencil = trio.CapacityLimiter(1)
"""A thousand viewers of a camera that left have its placeholder drawn once: the others find it done."""


def choose_id(hub: Hub, client_id: str | None) -> str:
    """Return the id that was given, or that of the only camera there is for None.

    Raises:
        ProtocolViolation: it is no id, or there is not exactly one camera.
    """
    if client_id is not None:
        return check_client_id(client_id)
    if len(hub.cameras) != 1:
        raise ProtocolViolation(
            f"without client=ID there must be exactly one camera, got {len(hub.cameras)}; /api/clients lists them",
            code="not-found",
            status=404,
        )
    (camera,) = hub.cameras
    return camera.id


def find_camera(hub: Hub, client_id: str) -> Camera:
    """Return a camera by its id.

    Raises:
        ProtocolViolation: it is no id, or there is no such camera.
    """
    camera = hub.camera(check_client_id(client_id))
    if camera is None:
        raise ProtocolViolation(
            f"there is no camera {client_id}; /api/clients lists them", code="not-found", status=404
        )
    return camera


def find_newest(hub: Hub, client_id: str) -> tuple[Camera, Frame]:
    """Return a camera and its newest frame.

    Raises:
        ProtocolViolation: there is none.
    """
    camera = find_camera(hub, client_id)
    if camera.ring.newest is None:
        raise ProtocolViolation(f"camera {client_id} has sent no frame yet", code="no-frame", status=404)
    hub.note_read(camera)
    return camera, camera.ring.newest


async def draw_absence(client_id: str, camera: Camera | None) -> bytes:
    """Return a JPEG that says that, and since when, a camera shows nothing."""
    title = client_id if camera is None or camera.name is None else camera.name
    return await trio.to_thread.run_sync(draw_placeholder, title, _describe_absence(camera), limiter=_one_pencil)


def _describe_absence(camera: Camera | None) -> str:
    if camera is None:
        return "has not been seen yet"
    if camera.online:
        return "has sent no picture yet"
    left_at = time.time() - (trio.current_time() - camera.last_heard)
    return f"offline since {datetime.fromtimestamp(left_at, UTC).astimezone():%Y-%m-%d %H:%M:%S %Z}"
