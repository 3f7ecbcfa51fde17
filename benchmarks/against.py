"""This checkout beside an older one: the same loads in turn, and the ratios of their costs."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attrs import frozen

from benchmarks.measure import measure
from benchmarks.scenarios import OURS, SCENARIOS, Scenario

_COMPARED = (
    ("1x200", "cpu_us_per_delivered", "CPU per delivered frame, 1x200"),
    ("ingest-20", "cpu_us_per_ingested", "CPU per ingested frame, ingest-20"),
    ("ingest-20", "rss_idle_mb", "resident memory before any client"),
)


@frozen
class Comparison:
    """One figure of this checkout, divided by that of the other one, over several rounds."""

    title: str
    ratios: Sequence[float]

    def __str__(self) -> str:
        low, high = min(self.ratios), max(self.ratios)
        return f"{self.title}: {statistics.median(self.ratios):.3f} ({low:.3f} to {high:.3f})"


def compare(checkout: Path, rounds: int, *, quick: bool = False) -> Iterator[Comparison]:
    """Measure both checkouts alternately; yield new to old, for each figure.

    Args:
        checkout: of this project, with its package in ``src``.
        rounds: pairs of runs for each load.
        quick: whether to shorten the loads, for a first impression.
    """
    for name in dict.fromkeys(name for name, _, _ in _COMPARED):
        scenario = SCENARIOS[name].shortened() if quick else SCENARIOS[name]
        pairs = [_pair(scenario, checkout, name, turn, rounds) for turn in range(rounds)]
        for compared, figure, title in _COMPARED:
            if compared == name:
                yield Comparison(title, [new[figure] / old[figure] for old, new in pairs])


def _pair(
    scenario: Scenario, checkout: Path, name: str, turn: int, rounds: int
) -> tuple[Mapping[str, float], Mapping[str, float]]:
    figures = {}
    # Which goes first alternates: what else the machine does meets both alike.
    for which in (checkout, None) if turn % 2 == 0 else (None, checkout):
        sys.stderr.write(f"{name}, round {turn + 1} of {rounds}: {which or 'this checkout'}\n")
        figures[which] = measure(OURS, scenario, which).as_dict()
    return figures[checkout], figures[None]
