"""Which camera somebody means."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import trio

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.http.placeholder import draw_placeholder
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.wire.identity import check_camera_id

_one_pencil = trio.CapacityLimiter(1)
"""A thousand viewers of a camera that left have its placeholder drawn once: the others find it done."""


def choose_id(hub: ScopedHub, camera_id: str | None) -> str:
    """Return the id that was given, or that of the only camera there is for None.

    Raises:
        ProtocolViolation: it is no id, or there is not exactly one camera.
    """
    if camera_id is not None:
        return check_camera_id(camera_id)
    if len(hub.cameras) != 1:
        raise ProtocolViolation(
            f"without client=ID there must be exactly one camera, got {len(hub.cameras)}; /api/clients lists them",
            "not-found",
        )
    (camera,) = hub.cameras
    return camera.id


def find_camera(hub: ScopedHub, camera_id: str) -> HubCamera:
    """Return a camera by its id.

    Raises:
        ProtocolViolation: it is no id, or there is no such camera.
    """
    camera = hub.camera(check_camera_id(camera_id))
    if camera is None:
        raise ProtocolViolation(f"there is no camera {camera_id}; /api/clients lists them", "not-found")
    return camera


def find_newest(hub: ScopedHub, camera_id: str) -> tuple[HubCamera, JpegFrame]:
    """Return a camera and its newest frame.

    Raises:
        ProtocolViolation: there is none.
    """
    camera = find_camera(hub, camera_id)
    if camera.ring.newest is None:
        raise ProtocolViolation(f"camera {camera_id} has sent no frame yet", "no-frame")
    hub.note_read(camera)
    return camera, camera.ring.newest


async def draw_absence(camera_id: str, camera: HubCamera | None) -> bytes:
    """Return a JPEG that says that, and since when, a camera shows nothing."""
    title = camera_id if camera is None or camera.name is None else camera.name
    return await trio.to_thread.run_sync(draw_placeholder, title, _describe_absence(camera), limiter=_one_pencil)


def _describe_absence(camera: HubCamera | None) -> str:
    if camera is None:
        return "has not been seen yet"
    if camera.online:
        return "has sent no picture yet"
    left_at = time.time() - (trio.current_time() - camera.last_heard)
    return f"offline since {datetime.fromtimestamp(left_at, UTC).astimezone():%Y-%m-%d %H:%M:%S %Z}"
