"""Rewrite lines in place on a terminal, and format numbers for people."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, TextIO

from attrs import define, field, frozen

from skysentry_trio.base.chatter import chatter_of
from skysentry_trio.base.colors import Color, paint

_START_OF_LINE = "\r"
_UP = "\x1b[{}A"
_CLEAR_LINE = "\x1b[K"
_CLEAR_BELOW = "\x1b[J"
_GAP: Final = "  "
_INDENT: Final = "  "
_SKIPPED_ON_PURPOSE: Final = ("demand", "rate")
"""Causes of frames that nobody needs: viewers or the user asked for fewer."""


@frozen
class Span:
    """A part of a line that has one colour."""

    text: str
    color: Color | None = None


Line = str | Sequence[Span]


@define(eq=False)
class LiveBlock:
    """A few lines at the bottom of a terminal; each call of `show` overwrites them."""

    stream: TextIO
    in_color: bool = False
    window: TextIO | None = None
    """The terminal that shows the lines, if that is not the stream."""
    _height: int = field(default=0, init=False)

    @property
    def size(self) -> os.terminal_size:
        """Columns and lines of the terminal that may be filled."""
        width, height = window_size(self.window or self.stream)
        # One column stays free, because some terminals wrap after a full last column.
        return os.terminal_size((max(1, width - 1), max(2, height - 1)))

    def show(self, lines: Sequence[Line]) -> None:
        """Write the lines, cut to the size of the window; skip them if the stream still writes earlier ones."""
        if (chatter := chatter_of(self.stream)) is not None and not chatter.is_idle:
            return
        width, height = self.size
        if len(lines) > height:
            hidden = len(lines) - height + 1
            lines = [*lines[:-hidden], f"… and {counted(hidden, 'more line')}"]
        above = _UP.format(self._height - 1) if self._height > 1 else ""
        body = f"{_CLEAR_LINE}\n".join(draw_line(line, width, in_color=self.in_color) for line in lines)
        self.stream.write(f"{_START_OF_LINE}{above}{body}{_CLEAR_BELOW}")
        self.stream.flush()
        self._height = len(lines)

    def leave(self) -> None:
        """Leave the lines on the terminal, and move to a new line."""
        if self._height:
            self.stream.write("\n")
            self.stream.flush()
        self._height = 0


def window_size(stream: TextIO) -> os.terminal_size:
    """Return the columns and lines of the terminal behind a stream; ``COLUMNS`` and ``LINES`` override them."""
    size = os.terminal_size((80, 24))
    with suppress(OSError, ValueError, AttributeError):
        found = os.get_terminal_size(stream.fileno())
        size = os.terminal_size((found.columns or size.columns, found.lines or size.lines))
    return os.terminal_size((_variable("COLUMNS") or size.columns, _variable("LINES") or size.lines))


def _variable(name: str) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def draw_line(line: Line, width: int, *, in_color: bool) -> str:
    """Return the line with its colours; at most ``width`` columns are visible."""
    spans = [Span(line)] if isinstance(line, str) else [span for span in line if span.text]
    left = width
    drawn = []
    for index, span in enumerate(spans):
        is_whole = len(span.text) < left or (len(span.text) == left and index == len(spans) - 1)
        text = fit(span.text if is_whole else f"{span.text[:left]} ", left)
        drawn.append(paint(text, span.color) if in_color else text)
        left -= len(text)
        if not is_whole:
            break
    return "".join(drawn)


def fit(text: str, width: int) -> str:
    """Return the text as one line of at most ``width`` columns.

    The text may come from a peer. Control characters could move the cursor, so they are replaced.
    """
    shown = printable(text)
    return shown if len(shown) <= width else shown[: max(0, width - 1)] + "…"


def printable(text: str) -> str:
    """Return the text with a question mark in place of each character that could move the cursor."""
    return "".join(character if character.isprintable() else "?" for character in text)


def wrap_text(text: str, width: int) -> list[str]:
    """Return the whole text as indented lines of at most ``width`` columns; words that are longer are broken."""
    return textwrap.wrap(
        printable(text),
        max(width, len(_INDENT) + 1),
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        break_on_hyphens=False,
    )


def wrap_parts(parts: Sequence[Span], width: int) -> list[list[Span]]:
    """Return the parts of a status as lines of at most ``width`` columns; a part is not divided."""
    lines: list[list[Span]] = []
    used = 0
    for part in parts:
        if not lines or used + len(_GAP) + len(part.text) > width:
            lines.append([Span(_INDENT)] if lines else [])
            used = len(_INDENT) if len(lines) > 1 else 0
        else:
            lines[-1].append(Span(_GAP))
            used += len(_GAP)
        lines[-1].append(part)
        used += len(part.text)
    return lines


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


def counted(count: int, noun: str) -> str:
    """Format a number of things.

    >>> counted(1, "frame"), counted(2, "frame")
    ('1 frame', '2 frames')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def format_counts(counts: dict[str, int]) -> list[str]:
    """Format counts of frames that were not sent: lost frames by cause, the largest first, and frames nobody needs.

    >>> format_counts({"bad": 1, "behind": 3, "demand": 81})
    ['4 dropped (behind 3, bad 1)', '81 not needed']
    """
    lost = {cause: count for cause, count in counts.items() if count and cause not in _SKIPPED_ON_PURPOSE}
    causes = ", ".join(f"{cause} {count}" for cause, count in sorted(lost.items(), key=lambda item: -item[1]))
    texts = [f"{sum(lost.values())} dropped" + (f" ({causes})" if causes else "")]
    if spared := sum(counts.get(cause, 0) for cause in _SKIPPED_ON_PURPOSE):
        texts.append(f"{spared} not needed")
    return texts
