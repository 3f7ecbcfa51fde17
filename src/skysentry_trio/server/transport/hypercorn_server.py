"""Serve REST and pages, with one Hypercorn connection for each stream. Only this module uses Hypercorn's internals."""

from __future__ import annotations

import logging
from functools import partial
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
    """The stream as Hypercorn sees it: the stream contains one request, and Hypercorn does not close it.

    The next request may be for another service, so Hypercorn does not read it. There are two more reasons. Hypercorn
    cuts off a response when the client sends anything after its request, or closes its sending direction. And Hypercorn
    closes the connection while the client may still send; then the kernel resets the connection and drops the bytes
    that the client has not read.
    """

    _stream: PeerStream
    _served: trio.CancelScope
    _missing: float
    """Number of bytes of the request that were not received yet; infinite if only Hypercorn can tell."""
    closed: bool = field(default=False, init=False)
    """Whether Hypercorn has closed the stream, or the client has left."""
    _writes: int = field(default=0, init=False)
    """Number of writes that have begun or ended; odd while a write waits for the client."""

    @property
    def socket(self) -> trio.socket.SocketType:
        return self._stream.socket

    async def receive_some(self, max_bytes: int) -> bytes:
        if not self._missing:
            await self._stream.read_ahead()
            await self._leave_if_silent()
        data = await self._stream.receive_some(int(min(max_bytes, self._missing)))
        self._missing -= len(data)
        return data

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
        self._end()
        await trio.sleep_forever()

    async def send_all(self, data: bytes) -> None:
        self._writes += 1
        try:
            await self._stream.send_all(data)
        except CONNECTION_LOST:
            self._end()
            raise
        finally:
            self._writes += 1

    async def send_eof(self) -> None:
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        self._end()
        await trio.lowlevel.checkpoint()

    def _end(self) -> None:
        self.closed = True
        self._served.cancel()


@define(eq=False)
class HttpServer:
    """Serves an application on streams that the router accepted."""

    _app: QuartTrio
    _config: Config = field(init=False)
    _context: WorkerContext = field(factory=lambda: WorkerContext(None), init=False)

    def __attrs_post_init__(self) -> None:
        self._config = Config()
        self._config.h11_max_incomplete_size = MAX_HEAD_SIZE
        self._config.include_server_header = False
        self._config.errorlog = logging.getLogger("hypercorn.error")
        self._config.accesslog = None

    async def serve(self, request: Request) -> None:
        """Answer a request; the application finds the `Request` in its scope under `SCOPE_KEY`.

        Raises:
            Exception: raised by the application; the client got status 500.
        """
        stream, head = request.stream, request.head
        crashes: list[Exception] = []

        async def run_app(scope: Any, receive: Any, send: Any) -> None:
            # Hypercorn sees no TLS, because the stream has decrypted the request.
            scheme = "https" if request.is_tls else scope["scheme"]
            try:
                await self._app({**scope, "scheme": scheme, SCOPE_KEY: request}, receive, partial(respond, send))  # type: ignore[arg-type]
            except Exception as error:  # noqa: BLE001  (raised again below; Hypercorn would only log it, without limit)
                crashes.append(error)

        async def respond(send: Any, message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start" and not request.may_stay_open():
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            is_last = message["type"] == "http.response.body" and not message.get("more_body", False)
            # Hypercorn reports the end of the response as a disconnect. Quart-Trio then cancels the task that sends,
            # while Hypercorn may still have to close the connection. The shield ends in time, because every write to
            # the stream has a deadline.
            with trio.CancelScope(shield=is_last):
                await send(message)
            if is_last:
                # Hypercorn has closed the stream, or waits for another request, which it does not get.
                served.cancel()

        with trio.CancelScope() as served:
            connection = _Connection(stream, served, head.whole_size)
            await TCPServer(ASGIWrapper(run_app), self._config, self._context, ConnectionState({}), connection)  # type: ignore[arg-type]
        if crashes or connection.closed or not request.may_stay_open():
            await stream.close_gently(_LINGER)
        else:
            stream.stays_open = True
        if crashes:
            raise crashes[0]
