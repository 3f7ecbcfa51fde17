"""Parse the forms in which people write a server's address."""

from __future__ import annotations

import ssl
from base64 import b64encode
from urllib.parse import quote, unquote, urlencode, urlsplit

from attrs import field, frozen

from skysentry_trio.base.addresses import mask_address
from skysentry_trio.base.exceptions import ConfigurationError

_TLS_BY_SCHEME = {"http": False, "ws": False, "https": True, "wss": True}
_MAX_LENGTH = 2000
"""Maximum number of characters in an address; host names have at most 253 (RFC 1035 section 3.1)."""
# Characters that a path may hold unquoted (RFC 3986, section 3.3), and % for what is already quoted.
_PATH_CHARACTERS = "/%:@!$&'()*+,;=~"


@frozen
class ServerAddress:
    """The address of a server."""

    host: str
    """A name or an IP address, IPv6 without brackets."""
    port: int
    tls: bool = False
    prefix: str = ""
    """The server's path behind a proxy, without a slash at the end."""
    credentials: str | None = field(default=None, repr=False)
    """User name and password for Basic authentication at a proxy, as ``user:password``."""
    trust: ssl.SSLContext | None = field(default=None, repr=False, eq=False)
    """Says which certificates of servers are trusted; None for those that the system trusts."""

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers that each request to the server needs (RFC 7617)."""
        if self.credentials is None:
            return []
        return [(b"Authorization", b"Basic " + b64encode(self.credentials.encode()))]

    @property
    def host_header(self) -> str:
        """Return host and port as in the ``Host`` header of a request."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    def resource(self, path: str, query: list[tuple[str, str]] | None = None) -> str:
        """Return the request target for one of the server's own paths."""
        return self.prefix + path + ("?" + urlencode(query) if query else "")

    def __str__(self) -> str:
        """Return the address as a URL that begins with ``http://`` or ``https://``, without the credentials."""
        return f"{'https' if self.tls else 'http'}://{self.host_header}{self.prefix}"


def parse_server_address(text: str) -> ServerAddress:
    """Parse a server's address: ``host:port``, or a URL such as ``http://host:port/prefix``.

    The scheme of a URL is ``http``, ``https``, ``ws`` or ``wss``. A URL may have a user name and a password before the
    host, for a proxy that asks for them: ``https://user:password@host``.

    Raises:
        ConfigurationError: the text is not such an address.
    """
    if len(text) > _MAX_LENGTH:
        raise _not_an_address(text[:80], f"it has {len(text)} characters, more than {_MAX_LENGTH}")
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port
        host = (parts.hostname or "").encode("idna" if not text.isascii() else "ascii").decode("ascii")
    except ValueError:
        # The text of the error quotes the address, which may contain a password.
        raise _not_an_address(text, "its host or port is invalid") from None
    if parts.scheme not in _TLS_BY_SCHEME:
        raise _not_an_address(text, "its scheme is none of http://, https://, ws:// and wss://")
    if not host or not host.isprintable() or " " in host:
        raise _not_an_address(text, "it has no host")
    if parts.query or parts.fragment:
        raise _not_an_address(text, "it may have no query or fragment")
    tls = _TLS_BY_SCHEME[parts.scheme]
    prefix = quote(parts.path.rstrip("/"), safe=_PATH_CHARACTERS)
    return ServerAddress(host, port or (443 if tls else 80), tls, prefix, _credentials_of(text, parts.netloc))


def _credentials_of(text: str, netloc: str) -> str | None:
    user_and_password, separator, _ = netloc.rpartition("@")
    if not separator:
        return None
    user, _, password = user_and_password.partition(":")
    user, password = unquote(user), unquote(password)
    if ":" in user or not (user + password).isprintable():
        raise _not_an_address(text, "a user name has no colon, and no control character is allowed")
    return f"{user}:{password}"


def _not_an_address(text: str, reason: str) -> ConfigurationError:
    shown = mask_address(text)
    return ConfigurationError(f"expected a server's address such as http://127.0.0.1:8080, got {shown!a}: {reason}")
