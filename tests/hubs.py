"""A hub as tests need it: no limit on the frame rate, and short ways to publish frames and to read outboxes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from itertools import chain
from typing import Any

import trio

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.relay.camera import CameraSession, SessionReplaced
from skysentry_trio.server.relay.delivery import Delivery
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.notices import CameraNotice, Notice
from skysentry_trio.server.relay.viewer import HubViewer
from skysentry_trio.server.settings import Settings


def make_hub(**chosen: Any) -> Hub:
    return Hub(Settings(**{"max_fps": 1000, **chosen}))


def nothing() -> None:
    """Do nothing when the hub ends a session."""


def evict_idle(hub: Hub) -> list[str]:
    """Forget the cameras that left long ago, without other tasks in between; return their ids."""
    return [*chain.from_iterable(hub.evict_idle_in_slices())]


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


def publish(hub: Hub, session: CameraSession, size: int = 10) -> JpegFrame | None:
    """Publish a frame; return None if the hub does not take it."""
    try:
        return publish_nowait(hub, session, bytes(size), width=4, height=3)
    except (ProtocolViolation, SessionReplaced):
        return None


def register(
    stack: ExitStack, hub: Hub, camera_id: str = "door", on_end: Callable[[], None] = nothing
) -> CameraSession:
    """Register a camera until the stack is closed."""
    return stack.enter_context(hub.register(camera_id, on_end=on_end))


async def take(viewer: HubViewer) -> list[tuple[str, int] | Notice]:
    """Return all that waits for a viewer: id and sequence of frames, and notices."""
    taken: list[tuple[str, int] | Notice] = []
    with trio.move_on_after(0.001):
        while True:
            waiting = await viewer.outbox.receive()
            if isinstance(waiting, Delivery):
                taken.append((waiting.camera_id, waiting.frame.sequence))
            elif isinstance(waiting, list):
                taken.extend(waiting)
    return taken


async def take_frames(viewer: HubViewer) -> list[tuple[str, int] | Notice]:
    """Return what `take` returns, without notices about cameras."""
    return [taken for taken in await take(viewer) if not isinstance(taken, CameraNotice)]


def sequences(hub: Hub, camera_id: str = "door") -> list[int]:
    """Return what is in a camera's ring."""
    camera = hub.camera(camera_id)
    assert camera is not None
    return [frame.sequence for frame in camera.ring]
