"""Find idioms that have to be read twice: ``python docs/plain_english.py``; part of ``nox -s lint``."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
PLACES: Final = ("src", "frontend/src", "docs", "benchmarks", "README.md", "CONTRIBUTING.md", "CHANGELOG.md")
SUFFIXES: Final = {".py", ".ts", ".tsx", ".css", ".md", ".html"}
SKIPPED: Final = {"docs/plain_english.py"}
IDIOMS: Final = {
    r"\bthat (?:is|are) none\b": "invalid …, or: not a …",
    r"\b(?:what|that|which|it) is no (?:JPEG|frame|camera|id|size|duration|number)\b": "is not a …",
    r"\bwhoever\b": "callers, viewers, anyone who …",
    r"\b(?:somebody|nobody|those|everybody) who\b": "the noun: viewers, peers, callers, programs",
    r"\banew\b": "again",
    r"\b(?:their|its|a|whose) turn\b": "yield to the scheduler, or: next",
    r"\bso many\b": "N, this many, or: at most N",
    r"\bas many as there are\b": "N, or: the limit",
    r"\b(?:go|goes) away\b": "leave, end, close",
    r"\bhas use for\b": "needs",
    r"\blooks? back\b": "play back, playback",
    r"\bat all events\b": "in any case",
}
"""What is found, and what to write instead."""


def find(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, idiom and what to write instead, for each idiom in a text, also for one that a line break splits."""
    for pattern, instead in IDIOMS.items():
        for found in re.finditer(pattern.replace(" ", r"\s+(?:[#*/]+\s+)?"), text, re.IGNORECASE):
            yield text.count("\n", 0, found.start()) + 1, " ".join(found[0].split()), instead


def main() -> int:
    """Print every idiom in the files that git knows; return the exit status."""
    listed = subprocess.run(
        ["git", "ls-files", *PLACES],  # noqa: S607 (as everywhere where there is a clone)
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    problems = [
        f"{name}:{line}: {idiom!r}; write: {instead}"
        for name in listed.stdout.splitlines()
        if name not in SKIPPED and Path(name).suffix in SUFFIXES
        for line, idiom, instead in sorted(find((ROOT / name).read_text("utf-8")))
    ]
    sys.stdout.write("".join(f"{problem}\n" for problem in problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
