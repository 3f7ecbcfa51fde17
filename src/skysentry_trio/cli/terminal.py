"""Rewrite lines in place on a terminal, and format numbers for people."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import TextIO

from attrs import define, field

from skysentry_trio.base.chatter import chatter_of

_START_OF_LINE = "\r"
_UP = "\x1b[{}A"
_CLEAR_LINE = "\x1b[K"
_CLEAR_BELOW = "\x1b[J"


@define(eq=False)
class LiveBlock:
    """A few lines at the bottom of a terminal; each call of `show` overwrites them."""

    stream: TextIO
    _height: int = field(default=0, init=False)

    def show(self, lines: Sequence[str]) -> None:
        """Write the lines, cut to the size of the window; skip them if the stream still writes earlier ones."""
        if (chatter := chatter_of(self.stream)) is not None and not chatter.is_idle:
            return
        width, height = shutil.get_terminal_size()
        if len(lines) >= height:
            hidden = len(lines) - height + 2
            lines = [*lines[:-hidden], f"… and {hidden} more lines"]
        above = _UP.format(self._height - 1) if self._height > 1 else ""
        # One column stays free, because some terminals wrap after a full last column.
        body = f"{_CLEAR_LINE}\n".join(fit(line, width - 1) for line in lines)
        self.stream.write(f"{_START_OF_LINE}{above}{body}{_CLEAR_BELOW}")
        self.stream.flush()
        self._height = len(lines)

    def leave(self) -> None:
        """Leave the lines on the terminal, and move to a new line."""
        if self._height:
            self.stream.write("\n")
            self.stream.flush()
        self._height = 0


def fit(text: str, width: int) -> str:
    """Return the text as one line of at most ``width`` columns.

    The text may come from a peer. Control characters could move the cursor, so they are replaced.
    """
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= width else shown[: max(0, width - 1)] + "…"


def format_bytes(count: float) -> str:
    """Format a number of bytes with three digits and the unit.

    >>> format_bytes(412_300)
    '412 kB'
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.0f} {unit}" if count >= 99.5 or unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def format_counts(counts: dict[str, int]) -> str:
    """Format counts by cause, the largest first.

    >>> format_counts({"bad": 1, "behind": 3})
    '4 dropped (behind 3, bad 1)'
    """
    total = sum(counts.values())
    causes = ", ".join(f"{cause} {count}" for cause, count in sorted(counts.items(), key=lambda item: -item[1]))
    return f"{total} dropped" + (f" ({causes})" if total else "")
