"""A relay with aiohttp; each viewer has a queue, and misses the newest frame when the queue is full."""

from __future__ import annotations

import asyncio

from aiohttp import WSMsgType, web

from benchmarks.peers.relay import (
    CAPTURE,
    MAX_MESSAGE_SIZE,
    QUEUE_SIZE,
    VIEW,
    Camera,
    announce,
    latest,
    tls_of_arguments,
)

viewers: set[asyncio.Queue[bytes]] = set()


async def capture(request: web.Request) -> web.WebSocketResponse:
    """Register the camera, then publish every message."""
    connection = web.WebSocketResponse(compress=False, max_msg_size=MAX_MESSAGE_SIZE)
    await connection.prepare(request)
    camera = Camera(await connection.receive_str())
    await connection.send_str(camera.greeting)
    async for message in connection:
        if message.type is WSMsgType.BINARY:
            published = camera.publish(message.data)
            for queue in viewers:
                if not queue.full():
                    queue.put_nowait(published)
    return connection


async def view(request: web.Request) -> web.WebSocketResponse:
    """Send the frames of the queue, and read and ignore the messages of the viewer."""
    connection = web.WebSocketResponse(compress=False, heartbeat=20)
    await connection.prepare(request)
    queue: asyncio.Queue[bytes] = asyncio.Queue(QUEUE_SIZE)
    viewers.add(queue)
    sender = asyncio.create_task(send_all(connection, queue))
    try:
        async for _message in connection:
            pass
    finally:
        viewers.discard(queue)
        sender.cancel()
    return connection


async def send_all(connection: web.WebSocketResponse, queue: asyncio.Queue[bytes]) -> None:
    """Send every frame that is put into the queue."""
    while True:
        await connection.send_bytes(await queue.get())


async def get_latest(request: web.Request) -> web.Response:
    """Return a camera's newest frame."""
    return web.Response(body=latest(request.match_info["id"]), content_type="image/jpeg")


async def main() -> None:
    """Serve until the process is killed."""
    app = web.Application()
    app.add_routes([web.get(CAPTURE, capture), web.get(VIEW, view)])
    app.add_routes([web.get("/api/clients/{id}/latest.jpg", get_latest)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096, ssl_context=tls_of_arguments())
    await site.start()
    announce(runner.addresses[0][1])
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
