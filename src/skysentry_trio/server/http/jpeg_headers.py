"""The headers that describe a single JPEG."""

from __future__ import annotations

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.http.clip_files import local_file_stamp
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.wire.multipart import moment_of


def frame_headers(camera: HubCamera, frame: JpegFrame) -> dict[str, str]:
    """Return the headers of a camera's frame, with an ETag by which a client can ask whether there is a newer frame."""
    headers = _describe(camera.id, frame, online=camera.online)
    # A camera that was forgotten counts its frames from 1 again, so the ETag also says when the hub met the camera.
    headers["ETag"] = f'"{camera.since:.6f}-{frame.sequence}"'
    return headers


def recorded_headers(camera_id: str, frame: JpegFrame) -> dict[str, str]:
    """Return the headers of a recorded frame of a camera, which the hub may have forgotten."""
    return _describe(camera_id, frame, online=False)


def placeholder_headers(jpeg: bytes) -> dict[str, str]:
    """Return the headers of a JPEG that was drawn instead of a frame."""
    return {
        "Content-Type": "image/jpeg",
        "Content-Length": str(len(jpeg)),
        "X-SkySentry-Online": "false",
        "Cache-Control": "no-store",
    }


def _describe(camera_id: str, frame: JpegFrame, *, online: bool) -> dict[str, str]:
    return {
        "Content-Type": "image/jpeg",
        "Content-Length": str(len(frame.jpeg)),
        "X-Sequence": str(frame.sequence),
        "X-Timestamp": f"{moment_of(frame):.6f}",
        "X-SkySentry-Online": "true" if online else "false",
        "Content-Disposition": f'inline; filename="{camera_id}_{local_file_stamp(frame.received_at)}.jpg"',
        "Cache-Control": "no-cache",
    }
