"""A hub as tests need it: no limit on the frame rate, and frames published without an event loop's help."""

from __future__ import annotations

from typing import Any

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.relay.camera import CameraSession
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.settings import Settings


def make_hub(**chosen: Any) -> Hub:
    return Hub(Settings(**{"max_fps": 1000, **chosen}))


def nothing() -> None:
    """Do nothing when the hub ends a session."""


def publish_nowait(
    hub: Hub,
    session: CameraSession,
    jpeg: bytes = b"jpeg",
    *,
    width: int = 4,
    height: int = 3,
    captured_at: float | None = None,
) -> JpegFrame:
    """Publish a frame from code that cannot await; only for cameras with so few viewers that the hub never yields."""
    publishing = hub.publish(session, jpeg, width=width, height=height, captured_at=captured_at)
    try:
        publishing.send(None)
    except StopIteration as done:
        frame: JpegFrame = done.value
        return frame
    raise AssertionError("the hub yielded")
