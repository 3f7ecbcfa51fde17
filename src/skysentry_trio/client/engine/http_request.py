"""One request to the REST API of a server, for blocking code; every wait for the server has a deadline."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from threading import Timer
from typing import Final

import msgspec
from attrs import define, field

from skysentry_trio.client.engine.access import Token, check_token
from skysentry_trio.client.engine.addresses import ServerAddress
from skysentry_trio.client.engine.connection import Refused
from skysentry_trio.wire.rest import ErrorReply

_SILENCE: Final = 10.0
"""Seconds without a byte after which the request fails."""
_TIMEOUT: Final = 60.0
"""Seconds for the request and the whole answer."""
_MAX_ANSWER: Final = 64 * 1024 * 1024
_PIECE: Final = 64 * 1024
_UNAUTHORIZED: Final = 401


@define(eq=False)
class RestClient:
    """Sends requests to one server, each on a connection of its own."""

    server: ServerAddress
    _source: Token = field(default=None, repr=False)
    _token: str | None = field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not callable(self._source) and self._source is not None:
            self._token = check_token(self._source)

    def ask(
        self, method: str, path: str, query: list[tuple[str, str]] | None = None, body: bytes | None = None
    ) -> bytes:
        """Return the body of the answer.

        Args:
            method: such as ``POST``.
            path: without the prefix of a proxy.
            query: names and values of the query after the path.
            body: JSON; None for no body.

        Raises:
            Refused: the server answers with an error; the message says why.
            OSError: the server cannot be reached, or what it sends is no answer.
        """
        target = self.server.resource(path, query)
        status, answer = self._try(method, target, body)
        if status == _UNAUTHORIZED and callable(self._source):
            # The token may have expired.
            refused, self._token = self._token, check_token(self._source())
            if self._token != refused:
                status, answer = self._try(method, target, body)
        if not 200 <= status < 300:
            raise Refused(_reason(status, answer))
        return answer

    def _try(self, method: str, target: str, body: bytes | None) -> tuple[int, bytes]:
        if self._token is None and callable(self._source):
            self._token = check_token(self._source())
        headers = {name.decode(): value.decode() for name, value in self.server.headers}
        if self._token is not None:
            # As on a WebSocket, a password in the address is for a proxy, and goes first.
            headers.setdefault("Authorization", f"Bearer {self._token}")
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection = self._connect()
        try:
            connection.connect()
            with _ending_in_time(connection.sock):
                connection.request(method, target, body, headers)
                response = connection.getresponse()
                return response.status, _read(response)
        except TimeoutError:
            raise TimeoutError(f"{self.server} did not answer within {_SILENCE:g} s") from None
        except OSError as error:
            raise ConnectionError(f"cannot ask {self.server}: {error.strerror or error}") from error
        except HTTPException as error:
            raise ConnectionError(f"cannot ask {self.server}: expected an answer of HTTP, got {error!r}") from error
        finally:
            connection.close()

    def _connect(self) -> HTTPConnection:
        host, port = self.server.host, self.server.port
        if self.server.tls:
            return HTTPSConnection(host, port, timeout=_SILENCE, context=self.server.trust)
        return HTTPConnection(host, port, timeout=_SILENCE)


@contextmanager
def _ending_in_time(connected: socket.socket) -> Iterator[None]:
    """End the connection after some time: a server that sends a little again and again is never silent.

    Raises:
        ConnectionError: the time was over before the end of the context.
    """
    was_late = False

    def give_up() -> None:
        nonlocal was_late
        was_late = True
        # Not the method of a socket with TLS, which would go on without TLS.
        with suppress(OSError):
            socket.socket.shutdown(connected, socket.SHUT_RDWR)

    timer = Timer(_TIMEOUT, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, HTTPException):
        if not was_late:
            raise
    finally:
        timer.cancel()
    if was_late:
        raise ConnectionError(f"expected the whole answer within {_TIMEOUT:g} s")


def _read(response: HTTPResponse) -> bytes:
    pieces, size = list[bytes](), 0
    while piece := response.read1(_PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > _MAX_ANSWER:
            raise ConnectionError(f"expected an answer of at most {_MAX_ANSWER} bytes, got more")
    if response.length:
        raise ConnectionError(f"the answer ended {response.length} bytes too early")
    return b"".join(pieces)


def _reason(status: int, answer: bytes) -> str:
    try:
        return msgspec.json.decode(answer, type=ErrorReply).error
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        # A proxy answers, or something else than a server of ours.
        return f"the server answered with status {status}"
