"""An echo server for the Autobahn cases: the real router, connections and fast path, with nothing behind them."""

from __future__ import annotations

from functools import partial

import trio

from skysentry_trio.base.exceptions import PeerGone, ProtocolViolation
from skysentry_trio.server.shutdown import Shutdown
from skysentry_trio.server.transport.listener import Router, RouterLimits
from skysentry_trio.server.transport.request import Request
from skysentry_trio.server.transport.websocket import WebSocketLimits, WebSocketPeer, WebSockets
from skysentry_trio.wire.framing import encode_frame

LIMITS = WebSocketLimits(
    max_message_size=16 * 1024 * 1024, handshake_timeout=5, ping_interval=20, ping_timeout=20, close_timeout=2
)


async def echo(peer: WebSocketPeer) -> None:
    """Send everything back: binary the way frames of pictures go, text the way messages go."""
    try:
        while True:
            message = await peer.receive()
            if isinstance(message, bytes):
                await peer.send_frame(encode_frame(message))
            else:
                await peer.send(message)
    except ProtocolViolation as violation:
        await peer.close(violation.close_code, str(violation))
    except PeerGone:
        pass


async def serve_echo(task_status: trio.TaskStatus[tuple[Router, int]] = trio.TASK_STATUS_IGNORED) -> None:
    """Serve echoes on a free port of the loopback interface; the router and the port are given to whoever starts it."""
    websockets = WebSockets(LIMITS, Shutdown())

    async def websocket(request: Request) -> None:
        await websockets.serve(request.stream, request.head.size, echo)

    async def http(request: Request) -> None:
        raise AssertionError(f"expected a WebSocket handshake, got a request for {request.head.path}")

    limits = RouterLimits(max_connections=100, handshake_timeout=5, write_timeout=10)
    router = Router({"/": websocket}, http, limits, frozenset())
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as connections:
        connections.start_soon(websockets.run)
        connections.start_soon(partial(router.accept_from, listener, connections))
        task_status.started((router, listener.socket.getsockname()[1]))


async def _main() -> None:
    async with trio.open_nursery() as nursery:
        _, port = await nursery.start(serve_echo)
        print(f"ws://127.0.0.1:{port}", flush=True)  # noqa: T201  (whoever started it asks for it)


if __name__ == "__main__":
    trio.run(_main)
