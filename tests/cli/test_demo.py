from __future__ import annotations

import pytest
import trio
from trio_websocket import WebSocketConnection

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.cli.demo import DEMO_CAMERAS, run_demo
from tests.client.engine.fake_server import FakeServer, open_fake_server
from tests.jpegs import size_of


async def test_the_demo_is_two_cameras() -> None:
    """Both register with a name, and send pictures of 640x360."""
    with trio.fail_after(10):
        async with open_fake_server() as server, trio.open_nursery() as nursery:
            nursery.start_soon(run_demo, server.url)
            await server.wait_until(lambda: len(server.frames) >= 6)
            nursery.cancel_scope.cancel()
    assert {(each.camera_id, each.name) for each in server.registrations} == {
        ("demo-1", "Harbour"),
        ("demo-2", "Hillside"),
    }
    assert {size_of(frame) for frame in server.frames} == {(640, 360)}
    assert len({camera.look for camera in DEMO_CAMERAS}) == 2


async def test_a_refused_demo_camera_does_not_end_the_other() -> None:
    """Somebody else may take the name of one; the other goes on."""

    async def replace(server: FakeServer, websocket: WebSocketConnection) -> None:
        await server.accept_camera(websocket)
        await websocket.aclose(4001, "replaced")

    with trio.fail_after(10):
        async with open_fake_server(replace) as server, trio.open_nursery() as nursery:
            nursery.start_soon(run_demo, server.url)
            await server.wait_until(lambda: len(server.frames) >= 5)
            nursery.cancel_scope.cancel()
    assert len(server.registrations) == 2


async def test_a_wrong_address_is_an_error() -> None:
    """It is not tried again and again."""
    with pytest.raises(ConfigurationError):
        await run_demo("gopher://h")
