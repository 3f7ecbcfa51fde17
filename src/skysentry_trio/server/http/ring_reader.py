"""Reads a ring frame by frame while it goes on changing."""

from __future__ import annotations

from collections.abc import Iterator

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.scoped_hub import ScopedHub


def iterate_ring(hub: ScopedHub, camera: HubCamera, *, after: int = 0, last: int) -> Iterator[JpegFrame]:
    """Return frames of a camera's ring, oldest first, each when it is asked for.

    None is kept for that. So those who read slowly do not hold the memory of rings that are bounded, but lose frames
    that have gone when they get there.

    Args:
        hub: knows whether the camera was forgotten, which is the end.
        camera: whose ring it is.
        after: sequence before the first.
        last: sequence of the last.
    """
    while hub.camera(camera.id) is camera:
        frame = camera.ring.after(after)
        if frame is None or frame.sequence > last:
            break
        after = frame.sequence
        yield frame
