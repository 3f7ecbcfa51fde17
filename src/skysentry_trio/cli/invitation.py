"""The lines with the link with which the first administrator signs in."""

from __future__ import annotations

from collections.abc import Sequence

from skysentry_trio.base.interfaces import InterfaceAddress
from skysentry_trio.base.principal import ALL_CAMERAS, Action
from skysentry_trio.cli.banner import addresses_for_others
from skysentry_trio.wire.link_address import link_address


def invitation(urls: Sequence[str], addresses: Sequence[InterfaceAddress], token: str, *, with_qr: bool) -> str:
    """Return the lines.

    Args:
        urls: where the server listens.
        addresses: the addresses of this machine.
        token: of the link.
        with_qr: whether to draw the first link as a QR code, for a phone.
    """
    servers = addresses_for_others(urls, addresses) or ["http://localhost"]
    links = [link_address(server, Action.ADMIN, ALL_CAMERAS, token) for server in servers]
    lines = [
        "This server is not open to everybody. Open this link to sign in as the first administrator;",
        "it counts once, within a day, and is printed again when the server starts until it is used:",
        *(f"  {link}" for link in links),
    ]
    if with_qr:
        # Only people at a terminal need the library.
        from skysentry_trio.cli.qr import draw_qr  # noqa: PLC0415

        lines.append(draw_qr(links[0]))
    return "\n".join(lines)
