"""``python -m tests.fuzz [--seconds S] [PARSER]...``: fuzz the parsers, print a table, keep the inputs that are faults.

Each parser runs in a process of its own, with Atheris (libFuzzer), which looks for inputs that reach new code. Where
Atheris is not installed, the inputs are mutations without such guidance.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import pickle
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.judge import Finding, Record, judge, measure
from tests.fuzz.parsers import PARSERS, Parser

HAS_ATHERIS = importlib.util.find_spec("atheris") is not None
KEPT = Path("fuzz-findings")


def main() -> int:
    """Fuzz in parallel; return 1 if a fault was found."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("parsers", nargs="*", metavar="PARSER", help="names; all without names")
    arguments.add_argument("--seconds", type=float, default=60.0, help="for each parser")
    arguments.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="parsers at the same time")
    options = arguments.parse_args()
    chosen = [parser for parser in PARSERS if not options.parsers or parser.name in options.parsers]
    with ThreadPoolExecutor(options.jobs) as pool:
        records = list(pool.map(lambda parser: fuzz(parser, options.seconds), chosen))
    print(f"{'parser':<24} {'executions':>10} {'per s':>8} {'slowest':>10}  faults")  # noqa: T201
    found = 0
    for parser, record in zip(chosen, records, strict=True):
        # Measured again here, without instrumentation and without other processes.
        slowest = max((measure(parser, data) for _, data in record.slow_inputs), default=0.0)
        findings = judge(parser, record)
        found += len(findings)
        rate = record.executions / options.seconds
        said = "; ".join(finding.fault for finding in findings) or "none"
        print(f"{parser.name:<24} {record.executions:>10} {rate:>8.0f} {slowest * 1000:>7.2f} ms  {said}")  # noqa: T201
        for number, finding in enumerate(findings):
            keep(parser, number, finding)
    return 1 if found else 0


def fuzz(parser: Parser, seconds: float) -> Record:
    """Fuzz one parser in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "record")
        command = [sys.executable, "-m", "tests.fuzz.worker", parser.name, str(seconds), str(result)]
        done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
        if not result.exists():
            # The parser ended the process, for example with a stack overflow in a library.
            return Record(findings={f"the process ended: {done.stderr.strip()[-300:]}": b""})
        record: Record = pickle.loads(result.read_bytes())
        return record


def environment() -> dict[str, str]:
    """Return an environment in which a process in another folder finds these tests."""
    root = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}


def keep(parser: Parser, number: int, finding: Finding) -> None:
    """Write the input of a fault into a file."""
    KEPT.mkdir(exist_ok=True)
    path = KEPT / f"{parser.name.replace(' ', '-')}-{number}"
    path.write_bytes(finding.data)
    print(f"  {path}: {finding.fault}")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
