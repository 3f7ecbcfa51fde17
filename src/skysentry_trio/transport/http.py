"""REST and pages: one Hypercorn connection for each stream. The only module that touches Hypercorn's internals."""

from __future__ import annotations

import logging
from typing import Any

import trio
from attrs import define, field
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from quart_trio import QuartTrio

from skysentry_trio.transport.streams import PeerStream
from skysentry_trio.wire.request_head import MAX_HEAD_SIZE


@define(eq=False)
class HttpServer:
    """Serves an application over streams that somebody else accepted."""

    _app: QuartTrio
    _config: Config = field(init=False)
    _context: WorkerContext = field(factory=lambda: WorkerContext(None), init=False)

    def __attrs_post_init__(self) -> None:
        self._config = Config()
        # What comes next on a connection may be a WebSocket handshake, which must go through the router: so every
        # connection serves one request.
        self._config.keep_alive_max_requests = 1
        self._config.h11_max_incomplete_size = MAX_HEAD_SIZE
        self._config.include_server_header = False
        self._config.errorlog = logging.getLogger("hypercorn.error")
        self._config.accesslog = None

    async def serve(self, stream: PeerStream) -> None:
        """Answer the one request on this stream and close it."""
        await TCPServer(ASGIWrapper(self._finish_sending), self._config, self._context, ConnectionState({}), stream)  # type: ignore[arg-type]

    async def _finish_sending(self, scope: Any, receive: Any, send: Any) -> None:
        """Run the application; the last part of a response is sent to its end.

        Hypercorn reports the end of the response as a disconnect, on which Quart-Trio cancels the sender while
        Hypercorn is still closing: then ``Connection: close`` is announced and not done. Writes are bounded by the
        stream, so the shield is too.
        """

        async def send_to_the_end(message: dict[str, Any]) -> None:
            last = message["type"] == "http.response.body" and not message.get("more_body", False)
            with trio.CancelScope(shield=last):
                await send(message)

        await self._app(scope, receive, send_to_the_end)  # type: ignore[arg-type]
