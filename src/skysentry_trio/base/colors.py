"""Colour texts on a terminal; elsewhere, and if the user sets ``NO_COLOR``, texts stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TextIO


class Color(Enum):
    """What a colour means here; the value is the parameter of the terminal's escape sequence (ECMA-48, SGR)."""

    GOOD = "32"
    WARNING = "33"
    BAD = "31"
    STRONG = "1"
    FAINT = "2"


def wants_color(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Return whether people see colours on the stream, and want them: https://no-color.org."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def paint(text: str, color: Color | None) -> str:
    """Return the text in a colour; None changes nothing."""
    return text if color is None or not text else f"\x1b[{color.value}m{text}\x1b[0m"
