"""Where a server listens: its sockets, their addresses, and the certificate that it shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING

import trio

from skysentry_trio.server.access.start import state_folder
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.transport.certificate import Certificate
from skysentry_trio.server.transport.peer_address import show_address_and_port
from skysentry_trio.server.transport.tcp_listeners import open_listeners as open_tcp_listeners

if TYPE_CHECKING:
    from skysentry_trio.server.transport.self_signed import SelfSignedCertificate


async def open_listeners(settings: Settings, sockets: Sequence[socket]) -> list[trio.SocketListener]:
    """Return the listeners of these sockets; if there are none, of the address in the settings.

    Raises:
        OSError: the server cannot listen on the address.
    """
    if sockets:
        for inherited in sockets:
            inherited.settimeout(0)
        return [trio.SocketListener(trio.socket.from_stdlib_socket(inherited)) for inherited in sockets]
    return await open_tcp_listeners(settings.host, settings.port)


async def open_redirecting(settings: Settings) -> list[trio.SocketListener]:
    """Return the listeners of the port that redirects to https; none if the settings name none.

    Raises:
        OSError: the server cannot listen on the port.
    """
    if not settings.http_redirect_port:
        return []
    try:
        return await open_tcp_listeners(settings.host, settings.http_redirect_port)
    except OSError as error:
        reason = f"{error.strerror or error} (http_redirect_port {settings.http_redirect_port})"
        raise OSError(error.errno, reason) from error


def prepare_own_certificate(settings: Settings) -> SelfSignedCertificate | None:
    """Return the certificate that the server makes itself; None if it does not.

    Raises:
        ConfigurationError: the files cannot be read or written.
    """
    if not settings.tls_self_signed:
        return None
    # Imported here, because most servers do not need the library for certificates.
    from skysentry_trio.base.authority_folder import AuthorityFolder  # noqa: PLC0415
    from skysentry_trio.server.transport.self_signed import SelfSignedCertificate  # noqa: PLC0415

    return SelfSignedCertificate(AuthorityFolder.inside(state_folder(settings)), settings.host)


def load_certificate(settings: Settings) -> Certificate | None:
    """Return the certificate that the settings name; None for a server without TLS.

    Raises:
        ConfigurationError: the certificate cannot be used.
    """
    if not settings.tls_cert:
        return None
    return Certificate(Path(settings.tls_cert), Path(settings.tls_key or settings.tls_cert))


def port_of(listeners: Sequence[trio.SocketListener], settings: Settings) -> int:
    """Return the port on which the server listens; that of the settings if it listens on Unix sockets only."""
    addresses = [listener.socket.getsockname() for listener in listeners]
    return next((address[1] for address in addresses if isinstance(address, tuple)), settings.port)


def url_of(listener: trio.SocketListener, *, is_tls: bool) -> str:
    """Return the base URL at which a listener is reached."""
    address = listener.socket.getsockname()
    if not isinstance(address, tuple):
        return f"unix:{address}"
    return f"{'https' if is_tls else 'http'}://{show_address_and_port(address)}"
