"""Attack a server process in every way that ``benchmarks.faults`` knows, and print one table.

With ``--against``, each attack is made on an older version too, so that both figures come from one run. With
``--write``, the figures of the modules that ran replace those in docs/faults.json and in the page about reliability.
"""

from __future__ import annotations

import argparse
import json
import pkgutil
import resource
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any

from benchmarks import faults
from benchmarks.report import machine
from benchmarks.server import ROOT

_PAGE = ROOT / "docs" / "explanation" / "reliability.md"
_FIGURES = ROOT / "docs" / "faults.json"
_BEGIN, _END = "<!-- measured: begin -->", "<!-- measured: end -->"
_NOT_ATTACKS = {"__main__", "process", "servers"}
_LONGEST = 1800.0
"""Seconds for one module, after which it counts as hanging."""


Row = dict[str, Any]
"""One attack: its name as ``row``, the figures ``before`` and ``now``, their ``unit``, and the ``aim``."""


def _cells(row: Row) -> Sequence[str]:
    """Return the texts of a line of the table."""
    before, held = "" if row["before"] is None else f"{row['before']:g}", "yes" if row["now"] <= row["aim"] else "no"
    return (row["row"], before, f"{row['now']:g}", f"{row['aim']:g}", row["unit"], held)


_HEADS = ("attack", "before", "now", "at most", "unit", "held")


def main() -> None:
    """Run the modules of the command line, print the table, and write it into the documentation with --write."""
    names = sorted(module.name for module in pkgutil.iter_modules(faults.__path__) if module.name not in _NOT_ATTACKS)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--only", action="append", choices=names, help="run only this module; repeatable")
    parser.add_argument("--against", metavar="COMMIT", help="attack this older version too")
    parser.add_argument("--write", action="store_true", help=f"write the table into {_PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    rows: dict[str, list[Row]] = {}
    try:
        with _pythons(options.against) as pythons:
            for name in options.only or names:
                found = {side: _attack(name, side, python) for side, python in pythons.items()}
                rows[name] = list(_rows(found["now"], found.get("before", {})))
    finally:
        # An interrupted run prints and writes the figures that it has.
        sys.stdout.write("\n".join(_plain(list(chain.from_iterable(rows.values())))) + "\n")
        if options.write:
            _write(rows, options.against)


@contextmanager
def _pythons(commit: str | None) -> Iterator[dict[str, str]]:
    """Yield the command that stands for Python in each version."""
    with tempfile.TemporaryDirectory() as folder:
        pythons = {}
        if commit is not None:
            packed = subprocess.run(["git", "archive", commit, "src"], cwd=ROOT, check=True, capture_output=True)  # noqa: S603, S607
            with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
                archive.extractall(folder, filter="data")
            pythons["before"] = _python(Path(folder, "before"), Path(folder, "src"))
        pythons["now"] = _python(Path(folder, "now"), ROOT / "src")
        yield pythons


def _python(script: Path, sources: Path) -> str:
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{sources}" exec "{sys.executable}" "$@"\n')
    script.chmod(0o755)
    return str(script)


def _attack(name: str, side: str, python: str) -> dict[str, dict[str, Any]]:
    sys.stderr.write(f"{name}: {side}\n")
    command = [sys.executable, "-m", f"benchmarks.faults.{name}", "--python", python]
    ended = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True, timeout=_LONGEST)  # noqa: S603
    if ended.returncode != 0:
        sys.stderr.write(f"{name}: {side}: ended with status {ended.returncode}\n")
    figures = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    return {figure["row"]: figure for figure in figures}


def _rows(now: dict[str, dict[str, Any]], before: dict[str, dict[str, Any]]) -> Iterator[Row]:
    for attack, figure in now.items():
        earlier = before.get(attack)
        yield {
            "row": attack,
            "before": None if earlier is None else earlier["value"],
            "now": figure["value"],
            "unit": figure["unit"],
            "aim": figure["aim"],
        }


def _plain(rows: Sequence[Row]) -> Iterator[str]:
    lines = [_HEADS, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def _write(rows: dict[str, list[Row]], commit: str | None) -> None:
    known = json.loads(_FIGURES.read_text())["attacks"] if _FIGURES.exists() else {}
    attacks = dict(sorted({**known, **rows}.items()))
    about = machine()
    document = {"machine": about, "before": commit, "attacks": attacks}
    _FIGURES.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    before, _, rest = _PAGE.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    lines = [
        f"Measured on {about['processors']} processors, {about['system']}, Python {about['python']}"
        + (f"; *before* is commit {commit}." if commit else ".")
        + " All figures are in [faults.json](../faults.json).\n",
        "| " + " | ".join(_HEADS) + " |",
        "|" + "---|" * len(_HEADS),
        *("| " + " | ".join(_cells(row)) + " |" for row in chain.from_iterable(attacks.values())),
    ]
    _PAGE.write_text(f"{before}{_BEGIN}\n\n" + "\n".join(lines) + f"\n\n{_END}{after}")


if __name__ == "__main__":
    main()
