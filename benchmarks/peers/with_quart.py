"""A relay with Quart's WebSockets on Hypercorn's Trio worker; each viewer has a memory channel."""

from __future__ import annotations

import socket

import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from quart import Response, websocket
from quart_trio import QuartTrio

from benchmarks.peers.relay import CAPTURE, MAX_MESSAGE_SIZE, QUEUE_SIZE, VIEW, Camera, announce, as_frame, latest

app = QuartTrio(__name__)
viewers: set[trio.MemorySendChannel[bytes]] = set()


@app.websocket(CAPTURE)
async def capture() -> None:
    """Register the camera, then publish every message."""
    camera = Camera(str(await websocket.receive()))
    await websocket.send(camera.greeting)
    while True:
        published = camera.publish(as_frame(await websocket.receive()))
        for channel in viewers:
            try:
                channel.send_nowait(published)
            except trio.WouldBlock:
                continue


@app.websocket(VIEW)
async def view() -> None:
    """Send the frames of the channel."""
    await websocket.accept()
    entrance, exit_ = trio.open_memory_channel[bytes](QUEUE_SIZE)
    viewers.add(entrance)
    try:
        async for message in exit_:
            await websocket.send(message)
    finally:
        viewers.discard(entrance)


@app.get("/api/clients/<camera_id>/latest.jpg")
async def get_latest(camera_id: str) -> Response:
    """Return a camera's newest frame."""
    return Response(latest(camera_id), mimetype="image/jpeg")


async def main() -> None:
    """Serve until the process is killed."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.websocket_max_message_size = MAX_MESSAGE_SIZE
    config.errorlog = config.accesslog = None
    announce(listener.getsockname()[1])
    await serve(app, config)


if __name__ == "__main__":
    trio.run(main)
