"""Figures that should not exceed an aim: print them, and write them as a table into the page about performance."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from benchmarks.documents import show_number
from benchmarks.report import machine
from benchmarks.server import ROOT

PAGE = ROOT / "docs" / "explanation" / "performance.md"


@frozen
class Measured:
    """One figure."""

    what: str
    """What was measured, with its unit."""
    value: float
    aim: float | None = None
    """The value that should not be exceeded; None if there is no aim."""

    @property
    def is_held(self) -> bool:
        """Whether the aim is held."""
        return self.aim is None or self.value <= self.aim

    @property
    def shown_aim(self) -> str:
        """The aim as people read it."""
        return "" if self.aim is None else f"{self.aim:g}"


def report(measured: Sequence[Measured], section: str | None, page: Path = PAGE) -> None:
    """Print the figures, and write them into a section of the page about performance.

    Args:
        measured: the figures.
        section: name of the section in the comments around its table; None to write nothing.
        page: the page.

    Raises:
        SystemExit: with status 1: an aim is missed.
    """
    for one in measured:
        bound = "" if one.aim is None else f", at most {one.shown_aim}{'' if one.is_held else ': missed'}"
        sys.stdout.write(f"{one.what}: {show_number(one.value)}{bound}\n")
    if section is not None:
        _write(measured, section, page)
    if not all(one.is_held for one in measured):
        sys.exit(1)


def _write(measured: Sequence[Measured], section: str, page: Path) -> None:
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    before, _, rest = page.read_text().partition(begin)
    _, _, after = rest.partition(end)
    about = machine()
    lines = [
        f"On {about['processors']} processors, {about['system']}, Python {about['python']}:\n",
        "| | | at most |\n|---|---|---|",
        *(
            f"| {one.what} | {show_number(one.value)} | {'' if one.aim is None else f'{one.aim:g}'} |"
            for one in measured
        ),
    ]
    page.write_text(f"{before}{begin}\n\n" + "\n".join(lines) + f"\n\n{end}{after}")
