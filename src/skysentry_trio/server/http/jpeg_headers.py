"""Responses whose body is one JPEG, and whose headers describe the JPEG."""

from __future__ import annotations

from quart import Response

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.http.clip_files import local_file_stamp
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.wire.multipart import moment_of


def frame_response(camera: HubCamera, frame: JpegFrame) -> Response:
    """Return a response with a camera's frame, and an ETag by which a client can ask whether there is a newer frame."""
    response = Response(frame.jpeg, content_type="image/jpeg")
    # A camera that was forgotten counts its frames from 1 again, so the ETag also says when the hub met the camera.
    response.set_etag(f"{camera.since:.6f}-{frame.sequence}")
    response.headers["X-Sequence"] = str(frame.sequence)
    response.headers["X-Timestamp"] = f"{moment_of(frame):.6f}"
    response.headers["X-SkySentry-Online"] = "true" if camera.online else "false"
    response.headers["Content-Disposition"] = (
        f'inline; filename="{camera.id}_{local_file_stamp(frame.received_at)}.jpg"'
    )
    response.headers["Cache-Control"] = "no-cache"
    return response


def recorded_response(camera_id: str, frame: JpegFrame) -> Response:
    """Return a response with a recorded frame of a camera, which the hub may have forgotten."""
    response = Response(frame.jpeg, content_type="image/jpeg")
    response.headers["X-Sequence"] = str(frame.sequence)
    response.headers["X-Timestamp"] = f"{moment_of(frame):.6f}"
    response.headers["X-SkySentry-Online"] = "false"
    stamp = local_file_stamp(frame.received_at)
    response.headers["Content-Disposition"] = f'inline; filename="{camera_id}_{stamp}.jpg"'
    response.headers["Cache-Control"] = "no-cache"
    return response


def placeholder_response(jpeg: bytes) -> Response:
    """Return a response with a drawn JPEG instead of a frame."""
    response = Response(jpeg, content_type="image/jpeg")
    response.headers["X-SkySentry-Online"] = "false"
    response.headers["Cache-Control"] = "no-store"
    return response
