"""Read and write durations and sizes in the form that people use: ``1h30m``, ``5MiB``.

A number that is written and read again is the same number, so the output of `config show` can be used as input.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

_NUMBER: Final = r"\d+(?:\.\d+)?"
_DURATION: Final = re.compile("".join(rf"(?:({_NUMBER}){unit})?" for unit in ("d", "h", "m", "s", "ms")))
_SECONDS: Final = (Decimal(86400), Decimal(3600), Decimal(60), Decimal(1), Decimal("0.001"))
_SIZE: Final = re.compile(rf"({_NUMBER}) ?([kmgt]?i?b)", re.IGNORECASE)
# The largest unit comes first, because `format_size` uses the first unit that fits.
_BYTES: Final = {
    "TiB": 1024**4,
    "TB": 1000**4,
    "GiB": 1024**3,
    "GB": 1000**3,
    "MiB": 1024**2,
    "MB": 1000**2,
    "KiB": 1024,
    "kB": 1000,
    "B": 1,
}
_BYTES_BY_LOWER_CASE: Final = {unit.lower(): factor for unit, factor in _BYTES.items()}


def parse_duration(text: str) -> float:
    """Return the seconds of ``500ms``, ``30s``, ``2m``, ``1h30m``, ``7d``, or of a plain number of seconds.

    Raises:
        ValueError: the text is not a duration.
    """
    if re.fullmatch(_NUMBER, text):
        return float(text)
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        raise ValueError(f"expected a duration such as 500ms, 30s or 1h30m, got {text!r}")
    amounts = zip(match.groups(), _SECONDS, strict=True)
    return float(sum(Decimal(amount) * seconds for amount, seconds in amounts if amount is not None))


def format_duration(seconds: float) -> str:
    """Write seconds in the form that `parse_duration` reads."""
    # repr() gives the shortest text of this float; as a Decimal, the number then stays exact in the divisions.
    exact = Decimal(repr(seconds))
    if 0 < exact < 1:
        return f"{_plain(exact * 1000)}ms"
    minutes, rest = divmod(exact, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else "", f"{_plain(rest)}s" if rest else ""]
    return "".join(parts) or "0s"


def parse_size(text: str) -> int:
    """Return the bytes of ``5MiB``, ``512KiB``, ``1GB``, or of a plain number of bytes.

    Raises:
        ValueError: the text is not a size.
    """
    if text.isascii() and text.isdigit():
        return int(text)
    match = _SIZE.fullmatch(text)
    if match is None or match[2].lower() not in _BYTES_BY_LOWER_CASE:
        raise ValueError(f"expected a size such as 512KiB, 5MiB or 1GB, got {text!r}")
    return int(Decimal(match[1]) * _BYTES_BY_LOWER_CASE[match[2].lower()])


def format_size(size: int) -> str:
    """Write bytes in the largest unit that leaves no remainder, in the form that `parse_size` reads."""
    unit = next(unit for unit, factor in _BYTES.items() if (size % factor == 0 and size >= factor) or unit == "B")
    return f"{size // _BYTES[unit]}{unit}"


def _plain(number: Decimal) -> str:
    """Write a number without exponent and without trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
