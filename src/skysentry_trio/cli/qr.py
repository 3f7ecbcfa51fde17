"""Draw QR codes with the characters of a terminal."""

from __future__ import annotations

import io


def draw_qr(text: str) -> str:
    """Return a QR code as lines of text, two rows of modules in each line."""
    # Imported here, because a server that shows no code does not need the library.
    import segno  # noqa: PLC0415

    drawn = io.StringIO()
    segno.make(text, error="l", micro=False).terminal(drawn, compact=True)
    return drawn.getvalue().rstrip("\n")
