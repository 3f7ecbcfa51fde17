"""Read a ring frame by frame, while new frames come into the ring and old frames are dropped."""

from __future__ import annotations

from collections.abc import Iterator

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.scoped_hub import ScopedHub


def iterate_ring(hub: ScopedHub, camera: HubCamera, *, after: int = 0, last: int) -> Iterator[JpegFrame]:
    """Yield frames of a camera's ring that the principal may see, oldest first.

    Frames are not kept for the reader, because the memory of rings is bounded. So a slow reader misses frames that the
    ring drops before the reader reaches them. The iteration ends early if the hub forgets the camera.

    Args:
        hub: of the camera.
        camera: to read from.
        after: only frames with a higher sequence are yielded.
        last: the sequence of the last frame to yield.
    """
    timeline = hub.timeline(camera)
    while hub.knows(camera):
        frame = timeline.after(after)
        if frame is None or frame.sequence > last:
            break
        after = frame.sequence
        yield frame
