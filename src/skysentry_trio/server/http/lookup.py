"""Find the camera and the frame that a request asks for.

A ``find_`` function has no side effect. `read_newest` also tells the hub that a program reads the camera's frames.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

import trio

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.principal import Action
from skysentry_trio.server.http.placeholder import draw_placeholder
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.wire.identity import check_camera_id

_drawing = trio.CapacityLimiter(1)
"""Lets one placeholder be drawn at a time: if many viewers need the same one, it is drawn once and then kept."""


def choose_id(hub: ScopedHub, camera_id: str | None) -> str:
    """Return a valid camera id: the given id, or for None the id of the only camera.

    Raises:
        ProtocolViolation: with code ``invalid-client-id``, or ``not-found`` if no id was given and the server has no
            camera or several.
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


def find_camera(hub: ScopedHub, camera_id: str, action: Action = Action.VIEW) -> HubCamera:
    """Return the camera with this id, which the caller has checked.

    Args:
        hub: limited to what the principal may see and do.
        camera_id: id of the camera.
        action: what the principal wants to do with the camera.

    Raises:
        ProtocolViolation: with code ``not-found``, or ``forbidden`` if the principal may do other things with it.
    """
    camera = hub.camera(camera_id, action)
    if camera is None:
        raise ProtocolViolation(f"there is no camera {camera_id}; /api/clients lists them", "not-found")
    return camera


def check_online(camera: HubCamera) -> None:
    """Check that a camera is connected, for replies with SkySentry Go's shape, which have only connected cameras.

    Raises:
        ProtocolViolation: with code ``not-found``.
    """
    if not camera.online:
        raise ProtocolViolation(f"camera {camera.id} is offline; /latest.jpg has its last picture", "not-found")


def find_newest(hub: ScopedHub, camera_id: str, action: Action = Action.VIEW) -> tuple[HubCamera, JpegFrame]:
    """Return the camera with this id, which the caller has checked, and the camera's newest frame.

    Args are those of `find_camera`.

    Raises:
        ProtocolViolation: with code ``not-found``, or ``no-frame`` if the camera has sent no frame yet.
    """
    camera = find_camera(hub, camera_id, action)
    if camera.ring.newest is None:
        raise ProtocolViolation(f"camera {camera_id} has sent no frame yet", "no-frame")
    return camera, camera.ring.newest


def read_newest(hub: ScopedHub, camera_id: str) -> tuple[HubCamera, JpegFrame]:
    """Do as `find_newest`, and record the reader: for a few seconds, the camera's demand includes this reader.

    Raises:
        ProtocolViolation: with code ``not-found`` or ``no-frame``.
    """
    camera, newest = find_newest(hub, camera_id)
    hub.note_read(camera)
    return camera, newest


async def draw_absence(camera_id: str, camera: HubCamera | None) -> bytes:
    """Return a JPEG that says why a camera shows nothing.

    Args:
        camera_id: the title of the picture, if the camera has no name.
        camera: None for a camera that the server does not know.
    """
    title = camera_id if camera is None or camera.name is None else camera.name
    return await trio.to_thread.run_sync(draw_placeholder, title, _describe_absence(camera), limiter=_drawing)


def _describe_absence(camera: HubCamera | None) -> str:
    if camera is None:
        return "has not been seen yet"
    if camera.online:
        return "has sent no picture yet"
    left_at = time.time() - (trio.current_time() - camera.last_heard)
    return f"offline since {datetime.fromtimestamp(left_at, UTC).astimezone():%Y-%m-%d %H:%M:%S %Z}"
