"""What ``serve --phone`` prints: a code that a phone in the same network scans to become a camera."""

from __future__ import annotations

from skysentry_trio.cli.qr import draw_qr
from skysentry_trio.server.access.phone_code import LINK_SECONDS, PhoneCode


def phone_instructions(code: PhoneCode, *, warns: bool) -> str:
    """Return the lines for a person at the terminal, with the code.

    Args:
        code: what the phone scans.
        warns: whether phones warn of the certificate.
    """
    server = code.server
    if server is None:
        return "No phone can reach this server: this machine has no address in a network."
    page = code.page(server)
    lines = [
        "To use a phone as a camera, scan this code with a phone in the same network, then tap Go live:",
        draw_qr(page),
        f"  {page}",
    ]
    if code.has_link:
        lines += [
            f"  The link counts for {LINK_SECONDS / 60:.0f} minutes, for the first browser that opens it.",
            f"  Administrators get a new one at {server}/capture.",
        ]
    if warns:
        lines += [
            "  The phone warns of the certificate, because this server made it itself: choose to continue.",
            f"  To get rid of the warning, open {server}/trust on the phone.",
        ]
    return "\n".join(lines)
