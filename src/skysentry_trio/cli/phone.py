"""What ``serve --phone`` prints: a code that a phone in the same network scans to become a camera."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from skysentry_trio.base.interfaces import InterfaceAddress, lan_address
from skysentry_trio.base.principal import ALL_CAMERAS, Action
from skysentry_trio.cli.qr import draw_qr
from skysentry_trio.wire.link_address import link_address

LINK_SECONDS: Final = 600.0
"""How long the link of the code counts."""


def phone_address(urls: Sequence[str], addresses: Sequence[InterfaceAddress]) -> str | None:
    """Return the address of the server for a phone in the same network; None if no phone reaches the server.

    Args:
        urls: where the server listens.
        addresses: of this machine.
    """
    nearest = lan_address(addresses)
    for url in urls:
        parts = urlsplit(url)
        if nearest is not None and parts.hostname is not None:
            return f"{parts.scheme}://{nearest.host}:{parts.port}"
    return None


def phone_instructions(server: str | None, token: str | None, *, warns: bool) -> str:
    """Return the lines for a person at the terminal, with the code.

    Args:
        server: address of the server for the phone; None if this machine has no address in a network.
        token: of a link that lets the phone be a camera; None if the server is open to everybody.
        warns: whether phones warn of the certificate.
    """
    if server is None:
        return "No phone can reach this server: this machine has no address in a network."
    page = f"{server}/capture" if token is None else link_address(server, Action.PUBLISH, ALL_CAMERAS, token)
    lines = [
        "To use a phone as a camera, scan this code with a phone in the same network, then tap Go live:",
        draw_qr(page),
        f"  {page}",
    ]
    if token is not None:
        lines.append(f"  The link counts for {LINK_SECONDS / 60:.0f} minutes, for the first browser that opens it.")
    if warns:
        lines.append("  The phone warns of the certificate, because this server made it itself: choose to continue.")
        lines.append(f"  To get rid of the warning, open {server}/trust on the phone.")
    return "\n".join(lines)
