"""Measure recording: ``python -m benchmarks.history [kills] [cost] [day]``; all three take about ten minutes.

The table has each figure with its aim. The exit status is 1 if an aim is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.history.cost import measure_cost
from benchmarks.history.day import measure_day
from benchmarks.history.figures import Figure
from benchmarks.history.kills import measure_kills

PARTS = {"kills": measure_kills, "cost": measure_cost, "day": measure_day}


def main() -> None:
    """Measure the parts that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all without any")
    parser.add_argument("--folder", help="where recordings are made, for a few minutes and up to 4 GB")
    options = parser.parse_args()
    unknown = set(options.parts) - PARTS.keys()
    if unknown:
        parser.error(f"expected {', '.join(PARTS)}, got {', '.join(sorted(unknown))}")
    figures = list[Figure]()
    for name in options.parts or PARTS:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            for figure in PARTS[name](Path(folder)):
                figures.append(figure)
                sys.stdout.write(f"{figure.show()}\n")
                sys.stdout.flush()
    missed = [figure for figure in figures if not figure.is_held]
    sys.stdout.write(f"{len(figures) - len(missed)} of {len(figures)} aims are held\n")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
