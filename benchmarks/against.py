"""Compare this checkout with another one: run the same loads alternately, and print ratios of the costs."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attrs import frozen

from benchmarks.measure import measure
from benchmarks.scenarios import OURS, SCENARIOS, Scenario
from benchmarks.server import ROOT

_COMPARED = (
    ("1x200", "cpu_us_per_delivered", "CPU per delivered frame, 1x200"),
    ("ingest-20", "cpu_us_per_ingested", "CPU per ingested frame, ingest-20"),
    ("ingest-20", "rss_idle_mb", "resident memory before any client"),
)


@frozen
class Comparison:
    """One figure of this checkout, divided by the same figure of the other checkout; or of other two sides."""

    title: str
    ratios: Sequence[float]
    """For each round."""
    compared: str = "new to old"
    """What is divided by what."""

    @property
    def median(self) -> float:
        """The median of the ratios."""
        return statistics.median(self.ratios)

    def __str__(self) -> str:
        low, high = min(self.ratios), max(self.ratios)
        return f"{self.title}, {self.compared}: {self.median:.3f} ({low:.3f} to {high:.3f})"


def compare(checkout: Path, rounds: int, scenarios: Mapping[str, Scenario] = SCENARIOS) -> Iterator[Comparison]:
    """Measure both checkouts alternately; yield each comparison as soon as its rounds are done.

    Args:
        checkout: directory of another checkout of this project, with its package in ``src``.
        rounds: number of runs of each checkout under each load.
        scenarios: the loads ``1x200`` and ``ingest-20``.
    """
    for name in dict.fromkeys(name for name, _, _ in _COMPARED):
        pairs = []
        for index in range(rounds):
            figures = {}
            # The order changes from round to round, so that other work of the machine affects both checkouts.
            for side in ("old", "new") if index % 2 == 0 else ("new", "old"):
                sys.stderr.write(f"{name}, round {index + 1} of {rounds}: {side}\n")
                figures[side] = measure(OURS, scenarios[name], ROOT if side == "new" else checkout).as_dict()
            pairs.append((figures["new"], figures["old"]))
        for compared, figure, title in _COMPARED:
            if compared == name:
                yield Comparison(title, [new[figure] / old[figure] for new, old in pairs])
