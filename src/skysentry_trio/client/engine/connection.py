"""One WebSocket connection to a server, made with trio-websocket; every wait for the server has a deadline."""

from __future__ import annotations

import json
import math
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from types import MappingProxyType

import h11
import trio
from attrs import define, field
from trio_websocket import ConnectionClosed, ConnectionRejected, WebSocketConnection, wrap_client_stream
from wsproto.utilities import ProtocolError

from skysentry_trio.base.addresses import mask_address
from skysentry_trio.base.exceptions import CloseCode, SkySentryError
from skysentry_trio.base.nurseries import single_error
from skysentry_trio.client.engine.addresses import ServerAddress

CONNECT_TIMEOUT = 10.0
"""Seconds for name resolution, TCP and TLS."""
HANDSHAKE_TIMEOUT = 10.0
"""Seconds for the answer to the WebSocket handshake."""
SEND_TIMEOUT = 60.0
"""Seconds for sending one message; 5 MiB over 1 Mbit/s take 42 s."""
SILENCE_TIMEOUT = 60.0
"""Seconds without a byte from the server after which the connection counts as lost; the server pings every 20 s."""
CLOSE_TIMEOUT = 2.0
"""Seconds for the closing handshake."""
# With trio-websocket's default of 4 KiB, one JPEG would wake us a dozen times.
_RECEIVE_BUFFER_SIZE = 256 * 1024
_MAX_MESSAGE_SIZE = 64 * 1024 * 1024
# Errors that trio-websocket raises when the answer of the server is not a WebSocket handshake.
_LIBRARY_ERRORS = (ConnectionClosed, ProtocolError, h11.ProtocolError, UnicodeDecodeError)
# Numbers of OpenSSL, see openssl-verification-options(1): a certificate for another host name or IP address.
_OTHER_NAME = frozenset({62, 64})
# Self-signed, or from an issuer that this machine does not know.
_UNKNOWN_ISSUER = frozenset({18, 19, 20, 21})
_NONE: Mapping[str, str] = MappingProxyType({})
_TRANSIENT_STATUS = frozenset({408, 425, 429})
ACCESS_CODES = frozenset({"unauthenticated", "forbidden", "access-ended"})
"""Error codes of a server that wants another token."""


class ConnectionLost(SkySentryError):
    """The connection could not be made, or broke; another attempt may succeed.

    Args:
        message: what happened, for people.
        code: the close code of the server; None if the server did not close the WebSocket.
        wait: seconds to wait before another attempt, in addition to the wait of the back-off.
    """

    def __init__(self, message: str, *, code: int | None = None, wait: float = 0.0) -> None:
        super().__init__(message)
        self.code = code
        self.wait = wait


class AccessRefused(ConnectionLost):
    """The server does not accept the token, or wants one; `engine.access` decides what follows."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code=CloseCode.ACCESS_ENDED)


class Refused(SkySentryError):
    """The server refuses this camera or viewer; another attempt would be refused again."""


@define(eq=False)
class Connection:
    """An open WebSocket to a server; it raises only `ConnectionLost` when the connection ends."""

    _websocket: WebSocketConnection
    goodbye: str | None = field(default=None, init=False)
    """The last message, sent before the connection is closed; None for no such message."""

    async def send(self, message: str | bytes) -> None:
        """Send a message.

        Raises:
            ConnectionLost: the connection ended before the message was sent.
        """
        try:
            await self._websocket.send_message(message)
        except ConnectionClosed as closed:
            raise _lost(closed) from None

    async def receive(self) -> str | bytes:
        """Return the next message.

        Raises:
            ConnectionLost: the connection has ended, so no more messages come.
        """
        try:
            return await self._websocket.get_message()
        except ConnectionClosed as closed:
            raise _lost(closed) from None


@asynccontextmanager
async def open_connection(
    server: ServerAddress,
    path: str,
    *,
    query: list[tuple[str, str]] | None = None,
    subprotocols: tuple[str, ...] = (),
    max_message_size: int = _MAX_MESSAGE_SIZE,
    token: str | None = None,
    further_headers: Mapping[str, str] = _NONE,
) -> AsyncIterator[Connection]:
    """Connect to a server, and close the connection with a closing handshake at the end of the block.

    Args:
        server: the server's address.
        path: the path at the server, such as ``/ws``, without the prefix of a proxy.
        query: names and values of the query after the path.
        subprotocols: the WebSocket subprotocols that we offer.
        max_message_size: maximum size of a message in bytes; after a larger one we close with code 1009.
        token: presented to the server in the handshake, unless the address has a user name and a password, which are
            presented then. The caller sends the token again in the first message, because a proxy may want the
            password, or drop the header.
        further_headers: of the request, besides those that every request has.

    Raises:
        ConnectionLost: the server cannot be reached, or the connection broke.
        AccessRefused: the server does not accept the token, or wants one.
        Refused: the server refused the WebSocket handshake, and would refuse it again.
    """
    stream = _WatchedStream(await open_stream(server))
    try:
        with single_error(following=_LIBRARY_ERRORS):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(stream.raise_when_silent)
                websocket = await _shake_hands(
                    nursery,
                    stream,
                    server,
                    server.resource(path, query),
                    subprotocols=subprotocols,
                    headers=[
                        *_headers(server, token),
                        *((name.encode("ascii"), value.encode("ascii")) for name, value in further_headers.items()),
                    ],
                    max_message_size=max_message_size,
                )
                connection = Connection(websocket)
                try:
                    yield connection
                finally:
                    if not stream.is_cut:
                        # If we are cancelled, no task is left that reads the server's answer: do not wait for it.
                        hurries = trio.current_effective_deadline() == -math.inf
                        with trio.move_on_after(CLOSE_TIMEOUT, shield=True) as goodbye:
                            stream.after_close = goodbye.cancel if hurries else None
                            if connection.goodbye is not None:
                                with suppress(ConnectionLost):
                                    await connection.send(connection.goodbye)
                            await websocket.aclose()
                nursery.cancel_scope.cancel()
    except ConnectionRejected as rejected:
        raise _rejected(server, rejected) from None
    except _LIBRARY_ERRORS as error:
        raise ConnectionLost(f"the connection broke: {error!r}") from error
    finally:
        await trio.aclose_forcefully(stream)


@define(eq=False)
class _WatchedStream(trio.abc.Stream):
    """The byte stream of a WebSocket, with the deadlines that trio-websocket lacks."""

    _stream: trio.abc.Stream
    is_open: bool = field(default=False, init=False)
    """Whether the handshake is done."""
    is_cut: bool = field(default=False, init=False)
    """Whether only a part of a message was sent; nothing valid can follow this part."""
    after_close: Callable[[], None] | None = field(default=None, init=False)
    """Called when a Close frame was sent."""
    _patience: trio.CancelScope = field(init=False)
    """Cancelled when nothing was received for too long."""

    def __attrs_post_init__(self) -> None:
        self._patience = trio.CancelScope(deadline=trio.current_time() + SILENCE_TIMEOUT)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self.is_cut = True
        try:
            with trio.fail_after(SEND_TIMEOUT):
                await self._stream.send_all(data)
        except trio.TooSlowError:
            raise ConnectionLost(f"the server took nothing for {SEND_TIMEOUT:g} s") from None
        self.is_cut = False
        # trio-websocket writes one frame at a time. A Close frame begins with 88 (RFC 6455, section 5.2).
        if self.after_close is not None and data[0] == 0x88:
            self.after_close()

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        data = await self._stream.receive_some(max_bytes)
        self._patience.deadline = trio.current_time() + SILENCE_TIMEOUT
        if not data and not self.is_open:
            # Without this error, trio-websocket would continue to wait for the end of the handshake.
            raise ConnectionLost("the server closed the connection instead of answering the handshake")
        return data

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def raise_when_silent(self) -> None:
        """Raise ConnectionLost when nothing was received for too long: a cut link gives no other sign."""
        with self._patience:
            await trio.sleep_forever()
        raise ConnectionLost(f"nothing heard from the server for {SILENCE_TIMEOUT:g} s")


async def open_stream(server: ServerAddress) -> trio.abc.Stream:
    """Connect to a server over TCP, and over TLS if its address says so.

    Raises:
        ConnectionLost: the server cannot be reached.
    """
    try:
        with trio.fail_after(CONNECT_TIMEOUT):
            if not server.tls:
                return await trio.open_tcp_stream(server.host, server.port)
            stream = await trio.open_ssl_over_tcp_stream(
                server.host,
                server.port,
                ssl_context=server.trust or ssl.create_default_context(),
                https_compatible=True,
            )
            try:
                await stream.do_handshake()
            except BaseException:
                await trio.aclose_forcefully(stream)
                raise
            return stream
    except trio.TooSlowError:
        raise ConnectionLost(f"{server} did not answer within {CONNECT_TIMEOUT:g} s") from None
    except (OSError, trio.BrokenResourceError, UnicodeError) as error:
        raise ConnectionLost(f"cannot connect to {server}: {_reason(error)}") from error


async def _shake_hands(
    nursery: trio.Nursery,
    stream: _WatchedStream,
    server: ServerAddress,
    resource: str,
    *,
    subprotocols: tuple[str, ...],
    headers: list[tuple[bytes, bytes]],
    max_message_size: int,
) -> WebSocketConnection:
    try:
        with trio.fail_after(HANDSHAKE_TIMEOUT):
            websocket = await wrap_client_stream(
                nursery,
                stream,  # type: ignore[arg-type] # any stream works
                server.host_header,
                resource,
                subprotocols=subprotocols,
                extra_headers=headers,
                max_message_size=max_message_size,
                receive_buffer_size=_RECEIVE_BUFFER_SIZE,
            )
    except trio.TooSlowError:
        raise ConnectionLost(f"{server} did not answer the handshake within {HANDSHAKE_TIMEOUT:g} s") from None
    stream.is_open = True
    return websocket


def _headers(server: ServerAddress, token: str | None) -> list[tuple[bytes, bytes]]:
    if token is None or server.credentials is not None:
        return server.headers
    return [(b"Authorization", f"Bearer {token}".encode("ascii"))]


def _rejected(server: ServerAddress, rejected: ConnectionRejected) -> SkySentryError:
    status = rejected.status_code
    said = " ".join((rejected.body or b"").decode("utf-8", "replace").split())[:200]
    if (reason := _access_reason(rejected.body)) is not None:
        return AccessRefused(f"{server} refuses access: {reason}")
    headers = {name.lower(): value.decode("latin-1") for name, value in rejected.headers}
    if b"location" in headers:
        said = f"go to {mask_address(headers[b'location'])}"
    message = f"{server} answered the WebSocket handshake with HTTP status {status}" + (f": {said}" if said else "")
    if status == HTTPStatus.UNAUTHORIZED:
        message += (
            "; write user name and password before the host, as in https://user:password@host"
            if server.credentials is None
            else "; user name or password in the server's address are wrong"
        )
    if 300 <= status < 500 and status not in _TRANSIENT_STATUS:
        return Refused(message)
    return ConnectionLost(message)


def _access_reason(body: bytes | None) -> str | None:
    """Return the reason if this is how a server of ours refuses access; a proxy's answer has no such code."""
    try:
        answer = json.loads(body or b"")
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict) or answer.get("code") not in ACCESS_CODES:
        return None
    return " ".join(str(answer.get("error", answer["code"])).split())[:200]


def _lost(closed: ConnectionClosed) -> ConnectionLost:
    if closed.reason is None or closed.reason.code == CloseCode.ABNORMAL_CLOSURE:
        return ConnectionLost("the connection broke")
    said = f": {closed.reason.reason}" if closed.reason.reason else ""
    if closed.reason.code == CloseCode.ACCESS_ENDED:
        return AccessRefused(f"the server ended the access{said}")
    return ConnectionLost(f"the server closed the connection ({closed.reason.code}{said})", code=closed.reason.code)


def _reason(error: BaseException) -> str:
    """Return in words why connecting failed; Trio hides the reason in a group with one error for each address."""
    cause = error.__cause__
    if isinstance(cause, BaseExceptionGroup):
        return _reason(cause.exceptions[0])
    if isinstance(error, trio.BrokenResourceError) and cause is not None:
        return _reason(cause)
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_reason(error)
    if isinstance(error, OSError) and error.errno and not isinstance(error, (ssl.SSLError, socket.gaierror)):
        return os.strerror(error.errno)
    return getattr(error, "strerror", None) or str(error)


def _certificate_reason(error: ssl.SSLCertVerificationError) -> str:
    """Return why a certificate was refused, and what the user can do."""
    reason = f"the certificate was refused: {error.verify_message}"
    if error.verify_code in _OTHER_NAME:
        return f"{reason} The address has to be one of the names in the certificate (subjectAltName)"
    if error.verify_code not in _UNKNOWN_ISSUER:
        return reason
    file = os.environ.get("SSL_CERT_FILE")
    if file is None:
        return (
            f"{reason}; to trust a certificate of your own, name its PEM file with --tls-ca, tls_ca in Python, "
            f"or SSL_CERT_FILE"
        )
    if not os.access(file, os.R_OK):
        return f"{reason}; the file in SSL_CERT_FILE cannot be read: {file}"
    return f"{reason}; the file in SSL_CERT_FILE, {file}, does not contain the certificate or its issuer"
