"""A relay with picows on uvloop; a viewer whose buffer is full misses frames until the buffer has space again."""

from __future__ import annotations

import asyncio

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from benchmarks.peers.relay import CAPTURE, MAX_MESSAGE_SIZE, VIEW, Camera, announce, tls_of_arguments

viewers: set[Viewer] = set()


class Viewer(WSListener):
    """A viewer that gets every frame unless its buffer is full."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Begin to get frames."""
        self.transport = transport
        viewers.add(self)

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002
        """Get no more frames."""
        viewers.discard(self)

    def pause_writing(self) -> None:
        """Get no frames while the buffer is full."""
        viewers.discard(self)

    def resume_writing(self) -> None:
        """Get frames again."""
        viewers.add(self)


class Capture(WSListener):
    """A camera, which registers with its first message and sends frames with all others."""

    camera: Camera | None = None

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Register the camera, or publish a frame."""
        if frame.msg_type == WSMsgType.TEXT:
            self.camera = Camera(frame.get_payload_as_utf8_text())
            transport.send(WSMsgType.TEXT, self.camera.greeting.encode())
        elif frame.msg_type == WSMsgType.BINARY and self.camera is not None:
            message = self.camera.publish(frame.get_payload_as_bytes())
            # `send_reuse_external_bytearray` copies nothing, but was not faster here.
            for viewer in list(viewers):
                viewer.transport.send(WSMsgType.BINARY, message)


def choose(request: WSUpgradeRequest) -> WSListener | None:
    """Return the listener for the path of a request."""
    return {CAPTURE: Capture, VIEW: Viewer}[request.path.decode()]()


async def main() -> None:
    """Serve until the process is killed."""
    server = await ws_create_server(
        choose, "127.0.0.1", 0, max_frame_size=MAX_MESSAGE_SIZE, backlog=4096, ssl=tls_of_arguments()
    )
    announce(server.sockets[0].getsockname()[1])
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
