"""A camera named ``door`` that posts pictures over HTTP, and the hub it posts to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio
from attrs import define, field

from skysentry_trio.base.principal import ANYONE
from skysentry_trio.server.http.push import serve_push
from skysentry_trio.server.http.push_sessions import PushSessions
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.shutdown import Shutdown
from tests.server.http.fake_byte_stream import BareStream, ask


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@define(eq=False)
class Door:
    """A hub, and somebody who posts to it."""

    nursery: trio.Nursery
    settings: dict[str, Any]
    hub: Hub = field(init=False)
    uploads: PushSessions = field(init=False)
    shutdown: Shutdown = field(factory=Shutdown)

    def __attrs_post_init__(self) -> None:
        self.hub = Hub(Settings(**self.settings))
        self.uploads = PushSessions(self.hub)

    @property
    def camera(self) -> HubCamera:
        camera = self.hub.camera("door")
        assert camera is not None
        return camera

    @property
    def frames(self) -> list[bytes]:
        return [frame.jpeg for frame in self.camera.ring]

    async def begin(
        self,
        *headers: str,
        body: bytes = b"",
        method: str = "POST",
        query: str = "",
        camera: str | None = "door",
        **more: Any,
    ) -> BareStream:
        """Make a request whose body may go on; what happens at once has happened when this returns."""
        stream = BareStream()
        exchange = ask(stream, f"/api/clients/door/frames{query}", *headers, method=method, body=body, **more)
        self.nursery.start_soon(serve_push, exchange, ScopedHub(self.hub, ANYONE), self.uploads, camera, self.shutdown)
        await trio.sleep(0.001)
        return stream

    async def post(self, body: bytes, kind: str | None = "image/jpeg", *headers: str, **more: Any) -> BareStream:
        """Make a whole request."""
        kinds = [] if kind is None else [f"Content-Type: {kind}"]
        return await self.begin(*kinds, f"Content-Length: {len(body)}", *headers, body=body, **more)

    async def stream(self, *, kind: str | None = "multipart/x-mixed-replace; boundary=b") -> BareStream:
        """Begin a body without an end."""
        kinds = [] if kind is None else [f"Content-Type: {kind}"]
        stream = await self.begin(*kinds, "Transfer-Encoding: chunked")
        stream.say(chunk(b"--b\r\n"))
        return stream


@asynccontextmanager
async def door(**settings: Any) -> AsyncIterator[Door]:
    async with trio.open_nursery() as nursery:
        opened = Door(nursery, {"max_fps": 1000, **settings})
        nursery.start_soon(opened.uploads.run)
        yield opened
        nursery.cancel_scope.cancel()
