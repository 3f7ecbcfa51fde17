"""Serve REST and pages, with one Hypercorn connection for each stream. Only this module uses Hypercorn's internals."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

import trio
from attrs import define, field
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from quart_trio import QuartTrio

from skysentry_trio.base.nurseries import CONNECTION_LOST
from skysentry_trio.server.transport.peer_stream import PeerStream
from skysentry_trio.server.transport.request import Request
from skysentry_trio.wire.request_head import MAX_HEAD_SIZE

SCOPE_KEY = "skysentry.request"
"""Where an application finds the `Request` in its ASGI scope."""
_LINGER = 1.0
"""Seconds that a client has after the response to stop sending."""
_PAUSE_AFTER_EOF = 0.5
"""Seconds without a write after which a client that has closed its sending direction counts as gone."""


@define(eq=False)
class _Connection:
    """The stream as Hypercorn sees it: the stream contains one request, and `_close_gently` closes it, not Hypercorn.

    There are two reasons. Hypercorn cuts off a response when the client sends anything after its request, or closes its
    sending direction. And Hypercorn closes the connection while the client may still send; then the kernel resets the
    connection and drops the bytes that the client has not read.
    """

    _stream: PeerStream
    _served: trio.CancelScope
    _has_body: bool
    _received: bool = field(default=False, init=False)
    """Whether a request without a body was received completely."""
    _writes: int = field(default=0, init=False)
    """Number of writes that have begun or ended; odd while a write waits for the client."""

    @property
    def socket(self) -> trio.socket.SocketType:
        return self._stream.socket

    async def receive_some(self, max_bytes: int) -> bytes:
        if self._received:
            while await self._stream.receive_some(max_bytes):
                pass
            await self._leave_if_silent()
        self._received = not self._has_body
        return await self._stream.receive_some(max_bytes)

    async def _leave_if_silent(self) -> None:
        """Wait until the application has written nothing for a while, then end the exchange.

        A client that has closed its sending direction is gone, or waits for the answer as netcat does. Only a write
        shows which of both is true. So the answer has some time to begin and to continue. A request that waits longer
        for a frame ends, because nobody may wait for the answer.
        """
        writes = -1
        while writes != self._writes or writes % 2:
            writes = self._writes
            await trio.sleep(_PAUSE_AFTER_EOF)
        await self._stream.wait_for_turn()
        self._served.cancel()
        await trio.sleep_forever()

    async def send_all(self, data: bytes) -> None:
        self._writes += 1
        try:
            await self._stream.send_all(data)
        except CONNECTION_LOST:
            self._served.cancel()
            raise
        finally:
            self._writes += 1

    async def send_eof(self) -> None:
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        self._served.cancel()
        await trio.lowlevel.checkpoint()


@define(eq=False)
class HttpServer:
    """Serves an application on streams that the router accepted."""

    _app: QuartTrio
    _config: Config = field(init=False)
    _context: WorkerContext = field(factory=lambda: WorkerContext(None), init=False)

    def __attrs_post_init__(self) -> None:
        self._config = Config()
        # The next request of a connection may be a WebSocket handshake, which must go through the router. So every
        # connection serves one request.
        self._config.keep_alive_max_requests = 1
        self._config.h11_max_incomplete_size = MAX_HEAD_SIZE
        self._config.include_server_header = False
        self._config.errorlog = logging.getLogger("hypercorn.error")
        self._config.accesslog = None

    async def serve(self, request: Request) -> None:
        """Answer a request and close its stream; the application finds the `Request` in its scope under `SCOPE_KEY`.

        Raises:
            Exception: raised by the application; the client got status 500.
        """
        stream, head = request.stream, request.head
        crashes: list[Exception] = []

        async def run_app(scope: Any, receive: Any, send: Any) -> None:
            # Hypercorn sees no TLS, because the stream has decrypted the request.
            scheme = "https" if request.is_tls else scope["scheme"]
            try:
                await self._finish_sending({**scope, "scheme": scheme, SCOPE_KEY: request}, receive, send)
            except Exception as error:  # noqa: BLE001  (raised again below; Hypercorn would only log it, without limit)
                crashes.append(error)

        with trio.CancelScope() as served:
            if not head.has_body:
                stream.push_back(stream.take_back()[: head.size])
            connection = _Connection(stream, served, head.has_body)
            await TCPServer(ASGIWrapper(run_app), self._config, self._context, ConnectionState({}), connection)  # type: ignore[arg-type]
        await _close_gently(stream)
        if crashes:
            raise crashes[0]

    async def _finish_sending(self, scope: Any, receive: Any, send: Any) -> None:
        """Run the application, and protect the sending of a response's last part from cancellation.

        Hypercorn reports the end of the response as a disconnect. Quart-Trio then cancels the task that sends, while
        Hypercorn is still closing the connection. Without the shield, the connection would stay open in spite of
        ``Connection: close``. The shield ends in time, because every write to the stream has a deadline.
        """

        async def send_to_the_end(message: dict[str, Any]) -> None:
            last = message["type"] == "http.response.body" and not message.get("more_body", False)
            with trio.CancelScope(shield=last):
                await send(message)

        await self._app(scope, receive, send_to_the_end)  # type: ignore[arg-type]


async def _close_gently(stream: PeerStream) -> None:
    """Close our sending direction, wait up to `_LINGER` seconds for the client to close, then close the stream.

    The kernel still sends the rest of the response.
    """
    with suppress(*CONNECTION_LOST), trio.move_on_after(_LINGER):
        await stream.send_eof()
        await stream.drain()
    await stream.aclose()
