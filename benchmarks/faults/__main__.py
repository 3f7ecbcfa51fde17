"""Attack a server process in every way that ``benchmarks.faults`` knows, and print one table.

With ``--against``, each attack is made on an older version too, so that both figures come from one run. With
``--write``, the figures of the modules that ran replace those in docs/faults.json and in the page about reliability.

A module that fails or hangs is reported, and the other modules still run. The exit status is then 1.
"""

from __future__ import annotations

import argparse
import json
import os
import pkgutil
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any

from benchmarks import faults
from benchmarks.older import older_version
from benchmarks.report import machine
from benchmarks.server import ROOT

_PAGE = ROOT / "docs" / "explanation" / "reliability.md"
_FIGURES = ROOT / "docs" / "faults.json"
_BEGIN, _END = "<!-- measured: begin -->", "<!-- measured: end -->"
_NOT_ATTACKS = {"__main__", "process", "servers"}
_LONGEST = 300.0
"""Seconds for one module, after which it counts as hanging."""


Row = dict[str, Any]
"""One attack: its name as ``row``, the figures ``before`` and ``now``, their ``unit``, and the ``aim``."""


def _cells(row: Row) -> Sequence[str]:
    """Return the texts of a line of the table."""
    before, held = "" if row["before"] is None else f"{row['before']:g}", "yes" if row["now"] <= row["aim"] else "no"
    return (row["row"], before, f"{row['now']:g}", f"{row['aim']:g}", row["unit"], held)


_HEADS = ("attack", "before", "now", "at most", "unit", "held")


def main() -> None:
    """Run the modules of the command line, print the table, and write it into the documentation with --write.

    Raises:
        SystemExit: with status 1: a module failed.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(faults.__path__) if module.name not in _NOT_ATTACKS)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--only", action="append", choices=names, help="run only this module; repeatable")
    parser.add_argument("--against", metavar="COMMIT", help="attack this older version too")
    parser.add_argument("--write", action="store_true", help=f"write the table into {_PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    rows: dict[str, list[Row]] = {}
    failures: list[str] = []
    try:
        with _pythons(options.against) as pythons:
            for name in options.only or names:
                found: dict[str, dict[str, Any]] = {}
                for side, python in pythons.items():
                    found[side], failure = _attack(name, side, python)
                    if failure is not None:
                        failures.append(f"{name}, {side}: {failure}")
                        sys.stderr.write(f"{failures[-1]}\n")
                if found["now"]:
                    rows[name] = list(_rows(found["now"], found.get("before", {})))
    finally:
        # An interrupted run prints and writes the figures that it has.
        sys.stdout.write("\n".join(_plain(list(chain.from_iterable(rows.values())))) + "\n")
        if options.write:
            _write(rows, options.against)
    if failures:
        sys.stderr.write("\n".join(("not measured completely:", *failures, "")))
        sys.exit(1)


@contextmanager
def _pythons(commit: str | None) -> Iterator[dict[str, str]]:
    """Yield the command that stands for Python in each version."""
    with ExitStack() as stack:
        folder, pythons = stack.enter_context(tempfile.TemporaryDirectory()), {}
        if commit is not None:
            older = stack.enter_context(older_version(commit))
            pythons["before"] = _python(Path(folder, "before"), older / "src")
        pythons["now"] = _python(Path(folder, "now"), ROOT / "src")
        yield pythons


def _python(script: Path, sources: Path) -> str:
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{sources}" exec "{sys.executable}" "$@"\n')
    script.chmod(0o755)
    return str(script)


def _attack(name: str, side: str, python: str) -> tuple[dict[str, Any], str | None]:
    """Return the figures of a module by row, and in what way it failed; None if it did not."""
    sys.stderr.write(f"{name}: {side}\n")
    # In a session of its own, so that the servers of a module that hangs end with it.
    with subprocess.Popen(  # noqa: S603
        _command(name, python), cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        failure = None
        try:
            output, _ = process.communicate(timeout=_LONGEST)
        except subprocess.TimeoutExpired:
            failure = f"did not end within {_LONGEST:g} s"
            _end_session(process.pid)
            output, _ = process.communicate()
        finally:
            _end_session(process.pid)
    if failure is None and process.returncode != 0:
        failure = f"ended with status {process.returncode}"
    figures = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    if failure is None and not figures:
        failure = "measured nothing"
    return {figure["row"]: figure for figure in figures}, failure


def _command(name: str, python: str) -> list[str]:
    return [sys.executable, "-m", f"benchmarks.faults.{name}", "--python", python]


def _end_session(leader: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


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
