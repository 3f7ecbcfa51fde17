"""Ask a camera for pictures over HTTP: lenient heads, redirects, passwords, and a connection that is kept."""

from __future__ import annotations

import os
import secrets
import ssl
import zlib
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import quote, unquote, urljoin

import h11
import trio
from attrs import define, evolve, field, frozen

from skysentry_trio.base.addresses import ADVICE, AddressParts, mask_address, split_address
from skysentry_trio.base.exceptions import ConfigurationError, ProtocolViolation
from skysentry_trio.base.peekable_body import PeekableBody
from skysentry_trio.sources.video_stream import PEER_TIMEOUT, VideoUnavailable
from skysentry_trio.wire.authentication import Authenticator, Credentials
from skysentry_trio.wire.response_head import (
    END_OF_HEAD,
    MAX_HEAD_SIZE,
    ResponseHead,
    looks_like_body,
    parse_response_head,
)

_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PIECE = 64 * 1024
_FINAL = 200
"""The lowest status of an answer that is not followed by another one (RFC 9110 section 15.2)."""
_UNAUTHORIZED = 401
_PORTS = {"http": 80, "https": 443}
# Characters that a path or a query may hold unquoted (RFC 3986, section 3.3), and % for what is already quoted.
_UNQUOTED = "/?%:@!$&'()*+,;=~-._[]|"
_CONNECTION_LOST = (OSError, trio.BrokenResourceError, trio.ClosedResourceError)


@frozen
class HttpAddress:
    """The parts of an address that begins with ``http://`` or ``https://``."""

    scheme: str
    host: str
    """A name or an IP address, IPv6 without brackets."""
    port: int
    target: str
    """Path and query, quoted."""
    credentials: Credentials | None = None

    @property
    def host_header(self) -> str:
        """Return host and port as in the ``Host`` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        """Return the address as it may be shown."""
        return mask_address(f"{self.scheme}://{self.host_header}{self.target}")


def parse_http_address(url: str) -> HttpAddress:
    """Parse an address.

    Raises:
        ConfigurationError: the address cannot be taken apart; the message does not show a password.
    """
    try:
        parts = _split(url)
        host = parts.host.lower().encode("ascii" if parts.host.isascii() else "idna").decode("ascii")
        credentials = None if parts.user_info is None else _credentials_of(parts.user_info)
    except ValueError as error:
        # The library's text about a host name may hold a part of the address.
        reason = "its host name is invalid" if isinstance(error, UnicodeError) else str(error)
        raise ConfigurationError(
            f"expected an address such as http://user:password@host/path, got {mask_address(url)}: {reason}. {ADVICE}"
        ) from None
    path, mark, query = parts.target.partition("#")[0].partition("?")
    target = quote((path or "/") + mark + query, safe=_UNQUOTED)
    return HttpAddress(parts.scheme, host, parts.port or _PORTS[parts.scheme], target, credentials)


def _split(url: str) -> AddressParts:
    parts = split_address(url)
    if parts.scheme not in _PORTS:
        raise ValueError("it does not begin with http:// or https://")
    if parts.port == 0:
        raise ValueError("a camera cannot have port 0")
    return parts


def _credentials_of(user_info: str) -> Credentials:
    user, _, password = map(unquote, user_info.partition(":"))
    if not (user + password).isprintable():
        raise ValueError("a user name or password contains a control character")
    return Credentials(user, password)


@define(eq=False)
class _Connection:
    """One connection to one server."""

    address: HttpAddress
    stream: trio.abc.Stream
    parser: h11.Connection = field(factory=lambda: h11.Connection(h11.CLIENT))

    def serves(self, address: HttpAddress) -> bool:
        """Return whether the next request can be sent here."""
        is_same = (address.scheme, address.host, address.port) == (
            self.address.scheme,
            self.address.host,
            self.address.port,
        )
        return is_same and self.parser.our_state is h11.DONE and self.parser.their_state is h11.DONE


@define(eq=False)
class Response(PeekableBody):
    """The answer of a server; its body is read in pieces."""

    address: HttpAddress
    """Where the answer came from, after redirects."""
    head: ResponseHead
    _connection: _Connection
    _inflate: zlib._Decompress | None = field(default=None, repr=False)

    def leftover(self) -> bytes:
        """Return what has arrived behind the announced end of the body."""
        return self._connection.parser.trailing_data[0]

    async def _receive(self) -> bytes:
        inflate = self._inflate
        if inflate is None:
            return await self._receive_encoded()
        while data := inflate.unconsumed_tail or await self._receive_encoded():
            try:
                plain = inflate.decompress(data, _PIECE)
            except zlib.error as error:
                raise VideoUnavailable(f"{self.address} sends data that cannot be decompressed: {error}") from error
            if plain:
                return plain
        return b""

    async def _receive_encoded(self) -> bytes:
        parser, stream = self._connection.parser, self._connection.stream
        try:
            while True:
                event = parser.next_event()
                if isinstance(event, h11.Data):
                    return bytes(event.data)
                if event is not h11.NEED_DATA:
                    return b""
                try:
                    data = bytes(await stream.receive_some(_PIECE))
                except trio.BrokenResourceError:
                    data = b""
                if not data and self.head.content_length is not None:
                    return b""
                parser.receive_data(data)
        except h11.RemoteProtocolError as error:
            if parser.their_state is h11.ERROR and "closed" in str(error):  # in the middle of a chunk
                return b""
            raise VideoUnavailable(f"the answer of {self.address} cannot be read: {error}") from error


@define(eq=False)
class HttpClient:
    """Sends requests to one address, over one connection as long as the server keeps it."""

    url: str = field(repr=False)
    _connection: _Connection | None = field(default=None, init=False)
    _authenticator: Authenticator | None = field(default=None, init=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await trio.aclose_forcefully(connection.stream)

    async def get(self, headers: dict[str, str] | None = None) -> Response:
        """Ask for the address; follow redirects, and answer a question for the password.

        Args:
            headers: more headers for the request.

        Raises:
            VideoUnavailable: the server cannot be reached, does not speak HTTP, or redirects too often.
        """
        address = parse_http_address(self.url)
        url = self.url
        challenged = False
        for _ in range(_MAX_REDIRECTS + 2):
            response = await self._ask(address, headers or {})
            status = response.head.status
            if status == _UNAUTHORIZED and address.credentials is not None and not challenged:
                challenged = True
                self._authenticator = Authenticator(address.credentials, lambda: secrets.token_hex(8))
                if self._authenticator.take_challenges(response.head.challenges):
                    await self._finish(response)
                    continue
            location = response.head.headers.get("location")
            if status not in _REDIRECTS or not location:
                return response
            await self._finish(response)
            url = urljoin(url, location)
            try:
                target = parse_http_address(url)
            except ConfigurationError as error:
                raise VideoUnavailable(
                    f"{address} redirects to {mask_address(url)}, which cannot be followed"
                ) from error
            is_as_safe = target.host == address.host and target.scheme in {address.scheme, "https"}
            if target.credentials is None and is_as_safe:
                target = evolve(target, credentials=address.credentials)
            address = target
        raise VideoUnavailable(f"{address} redirects too often")

    async def _finish(self, response: Response) -> None:
        """Read the rest of a short body, so that the connection can be used again."""
        size = 0
        try:
            with trio.move_on_after(1):
                while size < _PIECE and (data := await response.receive()):
                    size += len(data)
                return
        except VideoUnavailable:
            pass
        await self.aclose()

    async def _ask(self, address: HttpAddress, headers: dict[str, str]) -> Response:
        try:
            with trio.fail_after(2 * PEER_TIMEOUT):
                if self._connection is not None and self._connection.serves(address):
                    # A server may close a connection that it has kept, so a failure here only means: connect again.
                    with suppress(VideoUnavailable, *_CONNECTION_LOST):
                        self._connection.parser.start_next_cycle()
                        return await self._exchange(self._connection, address, headers)
                await self.aclose()
                self._connection = await _connect(address)
                return await self._exchange(self._connection, address, headers)
        except trio.TooSlowError:
            raise VideoUnavailable(f"{address} does not answer within {2 * PEER_TIMEOUT:g} s") from None
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise VideoUnavailable(f"{address} closed the connection instead of answering") from error
        except OSError as error:
            raise VideoUnavailable(f"cannot reach {address}: {_reason(error)}") from error

    async def _exchange(self, connection: _Connection, address: HttpAddress, headers: dict[str, str]) -> Response:
        fields = {"Host": address.host_header, "User-Agent": "skysentry-trio", "Accept": "*/*", **headers}
        if self._authenticator is not None and self._authenticator.credentials == address.credentials:
            fields["Authorization"] = self._authenticator.header("GET", address.target)
        encoded = [(name.encode(), value.encode()) for name, value in fields.items()]
        request = h11.Request(method="GET", target=address.target, headers=encoded)
        data = (connection.parser.send(request) or b"") + (connection.parser.send(h11.EndOfMessage()) or b"")
        await connection.stream.send_all(data)
        head, rest = await _receive_head(connection.stream, address)
        connection.parser.receive_data(head.framing() + rest)
        try:
            connection.parser.next_event()
        except h11.RemoteProtocolError as error:
            raise VideoUnavailable(f"the answer of {address} cannot be read: {error}") from error
        encoding = head.headers.get("content-encoding", "").lower()
        # 32 + 15: the decompressor recognizes gzip and zlib by their first bytes.
        inflate = zlib.decompressobj(32 + 15) if encoding in {"gzip", "x-gzip", "deflate"} else None
        return Response(address, head, connection, inflate)


async def _connect(address: HttpAddress) -> _Connection:
    with trio.fail_after(PEER_TIMEOUT):
        if address.scheme == "http":
            stream: trio.abc.Stream = await trio.open_tcp_stream(address.host, address.port)
            return _Connection(address, stream)
        secure = await trio.open_ssl_over_tcp_stream(
            address.host, address.port, https_compatible=True, ssl_context=ssl.create_default_context()
        )
        try:
            await secure.do_handshake()
        except BaseException as error:
            await trio.aclose_forcefully(secure)
            if isinstance(error, trio.BrokenResourceError) and isinstance(error.__cause__, ssl.SSLError):
                raise VideoUnavailable(_tls_reason(address, error.__cause__)) from error
            raise
        return _Connection(address, secure)


def _tls_reason(address: HttpAddress, error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {address} is not trusted: {error.verify_message}; "
            f"to trust a certificate of your own, set SSL_CERT_FILE to its file"
        )
    return f"no TLS connection to {address}: {error.reason or error}"


async def _receive_head(stream: trio.abc.Stream, address: HttpAddress) -> tuple[ResponseHead, bytes]:
    """Return the head of the answer, and the bytes that have arrived behind it."""
    received = bytearray()
    searched = 0
    while True:
        end = END_OF_HEAD.search(received, searched)
        if end is not None:
            try:
                head = parse_response_head(bytes(received[: end.start()]))
            except ProtocolViolation as violation:
                raise VideoUnavailable(f"{address} does not speak HTTP: {violation}") from violation
            del received[: end.end()]
            searched = 0
            if head.status >= _FINAL:
                return head, bytes(received)
            continue
        searched = max(0, len(received) - 3)
        if len(received) > MAX_HEAD_SIZE:
            raise VideoUnavailable(f"{address} answers with a head of more than {MAX_HEAD_SIZE} bytes")
        data = await stream.receive_some(_PIECE)
        if not data:
            raise trio.BrokenResourceError
        received += data
        if looks_like_body(bytes(received[:64])):
            return ResponseHead(200, "", {}, has_version_1_1=False), bytes(received)


def _reason(error: OSError) -> str:
    cause: BaseException | None = error.__cause__
    if isinstance(cause, BaseExceptionGroup) and cause.exceptions:
        cause = cause.exceptions[-1]
    number = getattr(cause, "errno", None) or error.errno
    # Errors of name resolution have negative numbers, and texts of their own.
    return os.strerror(number) if number is not None and number > 0 else error.strerror or str(error)
