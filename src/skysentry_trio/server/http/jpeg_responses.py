"""One frame as an answer: the bare JPEG, with what is known of it in headers."""

from __future__ import annotations

from quart import Response

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.wire.multipart import moment_of


def picture(camera: HubCamera, frame: JpegFrame) -> Response:
    """Return a response with a camera's frame; for who asks again it has a validator."""
    # A camera that was forgotten counts from 1 again: its first sight tells the two apart.
    response = Response(frame.jpeg, content_type="image/jpeg")
    response.set_etag(f"{camera.since:.6f}-{frame.sequence}")
    response.headers["X-Sequence"] = str(frame.sequence)
    response.headers["X-Timestamp"] = f"{moment_of(frame):.6f}"
    response.headers["X-SkySentry-Online"] = "true" if camera.online else "false"
    response.headers["Cache-Control"] = "no-cache"
    return response


def stand_in(jpeg: bytes) -> Response:
    """Return a response with a picture that stands for one."""
    response = Response(jpeg, content_type="image/jpeg")
    response.headers["X-SkySentry-Online"] = "false"
    response.headers["Cache-Control"] = "no-store"
    return response
