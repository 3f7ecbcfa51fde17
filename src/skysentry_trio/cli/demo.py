"""Two cameras with test patterns, for people who try a server for the first time."""

from __future__ import annotations

import random
import ssl
from functools import partial

import trio
from attrs import evolve, frozen

from skysentry_trio.base.backoff import Backoff
from skysentry_trio.base.logs import get_logger
from skysentry_trio.client.engine.addresses import ServerAddress, parse_server_address
from skysentry_trio.client.engine.camera import CameraClient
from skysentry_trio.client.engine.connection import Refused
from skysentry_trio.sources.drawing import DUSK, MORNING, Look, Pattern
from skysentry_trio.sources.frames import FrameSlot
from skysentry_trio.sources.pattern import PatternSource

_log = get_logger(__name__)


@frozen
class DemoCamera:
    """One of the demo's cameras."""

    camera_id: str
    name: str
    look: Look
    fps: float


DEMO_CAMERAS = (
    DemoCamera("demo-1", "Harbour", DUSK, 15),
    DemoCamera("demo-2", "Hillside", MORNING, 10),
)


async def run_demo(server_url: str, key: str | None = None) -> None:
    """Run the demo's cameras until cancelled.

    Args:
        server_url: such as ``http://127.0.0.1:8080``.
        key: with which the cameras prove who they are; None for a server that is open to everybody.

    Raises:
        ConfigurationError: the address is invalid.
    """
    server = evolve(parse_server_address(server_url), trust=_trust_any_certificate())
    async with trio.open_nursery() as nursery:
        for camera in DEMO_CAMERAS:
            nursery.start_soon(_run_camera, server, camera, key)


def _trust_any_certificate() -> ssl.SSLContext:
    """Return a context for connections to this process itself, whose certificate may be for any name."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _run_camera(server: ServerAddress, camera: DemoCamera, key: str | None) -> None:
    slot = FrameSlot()
    pattern = Pattern(f"{camera.name}  ·  {camera.camera_id}", look=camera.look)
    client = CameraClient(server, camera.camera_id, slot, camera.name, token=key)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(PatternSource(pattern, camera.fps).run, slot))
        try:
            await client.run(Backoff(random.random))
        except Refused as refused:
            _log.warning("demo camera refused", camera=camera.camera_id, reason=str(refused))
        nursery.cancel_scope.cancel()
