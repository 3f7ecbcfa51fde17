"""A relay with plain trio-websocket; each viewer has a memory channel, and every frame is one `send_message`."""

from __future__ import annotations

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, WebSocketServer

from benchmarks.peers.relay import CAPTURE, MAX_MESSAGE_SIZE, QUEUE_SIZE, Camera, announce, as_frame

viewers: set[trio.MemorySendChannel[bytes]] = set()


async def handle(request: WebSocketRequest) -> None:
    """Serve one connection, of a camera or a viewer."""
    connection = await request.accept()
    try:
        if request.path == CAPTURE:
            await capture(connection)
        else:
            await view(connection)
    except ConnectionClosed:
        pass


async def capture(connection: WebSocketConnection) -> None:
    """Register the camera, then publish every message."""
    camera = Camera(str(await connection.get_message()))
    await connection.send_message(camera.greeting)
    while True:
        published = camera.publish(as_frame(await connection.get_message()))
        for channel in viewers:
            try:
                channel.send_nowait(published)
            except trio.WouldBlock:
                continue


async def view(connection: WebSocketConnection) -> None:
    """Send the frames of the channel."""
    entrance, exit_ = trio.open_memory_channel[bytes](QUEUE_SIZE)
    viewers.add(entrance)
    try:
        async for message in exit_:
            await connection.send_message(message)
    finally:
        viewers.discard(entrance)


async def main() -> None:
    """Serve until the process is killed."""
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=4096)
        server = WebSocketServer(handle, listeners, handler_nursery=nursery, max_message_size=MAX_MESSAGE_SIZE)
        await nursery.start(server.run)
        announce(server.port)


if __name__ == "__main__":
    trio.run(main)
