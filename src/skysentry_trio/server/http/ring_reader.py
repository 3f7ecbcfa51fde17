"""Read a ring frame by frame while frames come and go."""

from __future__ import annotations

from collections.abc import Iterator

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.scoped_hub import ScopedHub


def iterate_ring(hub: ScopedHub, camera: HubCamera, *, after: int = 0, last: int) -> Iterator[JpegFrame]:
    """Yield frames of a camera's ring, oldest first.

    Frames are not retained for the reader, because the memory of rings is bounded: a slow reader misses frames that are
    evicted before it reaches them. The end comes early if the hub forgets the camera.

    Args:
        hub: of the camera.
        camera: to read from.
        after: the first frame has a higher sequence.
        last: sequence of the last frame.
    """
    while hub.camera(camera.id) is camera:
        frame = camera.ring.after(after)
        if frame is None or frame.sequence > last:
            break
        after = frame.sequence
        yield frame
