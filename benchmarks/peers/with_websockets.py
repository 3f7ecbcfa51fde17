"""A relay with `broadcast` of websockets on uvloop; a viewer whose buffer is full misses frames."""

from __future__ import annotations

import asyncio

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

from benchmarks.peers.relay import CAPTURE, MAX_MESSAGE_SIZE, MAX_UNSENT, Camera, announce, as_frame

viewers: set[ServerConnection] = set()


async def handle(connection: ServerConnection) -> None:
    """Serve one connection, of a camera or a viewer."""
    if connection.request is not None and connection.request.path == CAPTURE:
        await capture(connection)
    else:
        await view(connection)


async def capture(connection: ServerConnection) -> None:
    """Register the camera, then publish every message."""
    camera = Camera(str(await connection.recv()))
    await connection.send(camera.greeting)
    async for message in connection:
        published = camera.publish(as_frame(message))
        broadcast((one for one in viewers if one.transport.get_write_buffer_size() < MAX_UNSENT), published)


async def view(connection: ServerConnection) -> None:
    """Add the viewer to those that get frames, until its connection closes."""
    viewers.add(connection)
    try:
        await connection.wait_closed()
    finally:
        viewers.discard(connection)


async def main() -> None:
    """Serve until the process is killed."""
    async with serve(handle, "127.0.0.1", 0, compression=None, max_size=MAX_MESSAGE_SIZE, backlog=4096) as server:
        announce(next(iter(server.sockets)).getsockname()[1])
        await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
