"""Compare a server on which each client has a key with one that is open to everybody: ``python -m benchmarks.access``.

Three figures, each with keys and without in turn: the CPU time of a delivered frame (1 camera, 200 viewers), the CPU
time of an ingested frame (20 cameras), and the time in which a crowd of cameras and viewers is back after the server
was killed. The exit status is 1 if the median of a ratio is above its aim.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from attrs import frozen

from benchmarks.against import Comparison
from benchmarks.crowd import Client, connected
from benchmarks.measure import AccessPlan, measure, processors
from benchmarks.scenarios import OURS, PEERS, SCENARIOS, Scenario
from benchmarks.server import ROOT, running
from skysentry_trio.server.access.keys import hash_key, make_key
from skysentry_trio.server.access.records import AccessRecords, KeyRecord, change_records

OPEN, KEYS = "open", "keys"
_COSTS: Final = (
    ("1x200", "cpu_us_per_delivered", "CPU per delivered frame, 1x200"),
    ("ingest-20", "cpu_us_per_ingested", "CPU per ingested frame, ingest-20"),
)
_MOST_PER_FRAME: Final = 1.02
_MOST_FOR_RETURN: Final = 1.2


@frozen
class Outcome:
    """A ratio, and the aim for its median."""

    comparison: Comparison
    aim: float

    @property
    def is_reached(self) -> bool:
        """Whether the median is not above the aim."""
        return self.comparison.median <= self.aim

    def __str__(self) -> str:
        return f"{self.comparison}; aim: at most {self.aim:g}{'' if self.is_reached else ', missed'}"


def main() -> None:
    """Measure what the options choose, print the ratios, and end with status 1 if an aim is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.access", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=1000, help="cameras, and as many viewers, that return")
    parser.add_argument("--only", choices=("cost", "return"), help="measure only the cost of frames, or the return")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder:
        if options.only != "return":
            for outcome in compare_costs(Path(folder), options.rounds):
                outcomes.append(outcome)
                sys.stdout.write(f"{outcome}\n")
        if options.only != "cost":
            for outcome in compare_returns(Path(folder), options.rounds, options.clients):
                outcomes.append(outcome)
                sys.stdout.write(f"{outcome}\n")
    sys.exit(not all(outcome.is_reached for outcome in outcomes))


def compare_costs(folder: Path, rounds: int) -> Iterator[Outcome]:
    """Measure the load of frames with keys and without; yield each ratio as soon as its rounds are done."""
    for name, figure, title in _COSTS:
        plans = {OPEN: open_plan(folder), KEYS: plan_with_keys(folder / name, SCENARIOS[name])}
        cost = partial(_cost, name, figure, title, plans)
        yield from _compare(name, rounds, cost, {title: _MOST_PER_FRAME})


def _cost(name: str, figure: str, title: str, plans: Mapping[str, AccessPlan], side: str) -> dict[str, float]:
    return {title: measure(OURS, SCENARIOS[name], ROOT, plans[side]).as_dict()[figure]}


def compare_returns(folder: Path, rounds: int, count: int) -> Iterator[Outcome]:
    """Let cameras and viewers return after a kill, with keys and without; yield the ratios."""
    names = [f"camera-{number}" for number in range(count)]
    allowed = [{action: [name]} for action in ("publish", "view") for name in names]
    keys = make_keys(folder / "return", allowed)
    plans = {OPEN: open_plan(folder), KEYS: AccessPlan(("--state-dir", str(folder / "return")))}
    crowds = {
        OPEN: [*(Client.camera(name, None) for name in names), *(Client.viewer(name, None) for name in names)],
        KEYS: [
            *(Client.camera(name, key) for name, key in zip(names, keys[:count], strict=True)),
            *(Client.viewer(name, key) for name, key in zip(names, keys[count:], strict=True)),
        ],
    }
    seconds, cpu = f"time until {2 * count} clients are back", f"CPU until {2 * count} clients are back"
    aims = {seconds: _MOST_FOR_RETURN, cpu: _MOST_FOR_RETURN}

    for_server, for_load = processors()

    def come_back(side: str) -> dict[str, float]:
        return dict(zip((seconds, cpu), _return_after_kill(plans[side].flags, crowds[side], for_server), strict=True))

    os.sched_setaffinity(0, for_load)
    try:
        yield from _compare("return", rounds, come_back, aims)
    finally:
        os.sched_setaffinity(0, for_server | for_load)


def _return_after_kill(
    flags: Sequence[str], crowd: Sequence[Client], for_server: frozenset[int]
) -> tuple[float, float]:
    """Return the seconds until a crowd is back after the server was killed, and the server's CPU time for this."""
    # The end of the context kills the server.
    with running((*PEERS[OURS], *flags), for_server, ROOT) as server, connected(server.port, crowd):
        port = server.port
    with running((*PEERS[OURS], *flags, "--port", str(port)), for_server, ROOT) as server:
        before = server.cpu_seconds()
        with connected(port, crowd) as seconds:
            return seconds, server.cpu_seconds() - before


def _compare(
    what: str, rounds: int, measure_side: Callable[[str], dict[str, float]], aims: dict[str, float]
) -> Iterator[Outcome]:
    ratios: dict[str, list[float]] = {title: [] for title in aims}
    for index in range(rounds):
        figures = {}
        # The order changes from round to round, so that other work of the machine affects both sides.
        for side in (OPEN, KEYS) if index % 2 == 0 else (KEYS, OPEN):
            sys.stderr.write(f"{what}, round {index + 1} of {rounds}: {side}\n")
            figures[side] = measure_side(side)
        for title, found in ratios.items():
            found.append(figures[KEYS][title] / figures[OPEN][title])
    for title, found in ratios.items():
        yield Outcome(Comparison(title, found, "with keys to open"), aims[title])


def open_plan(folder: Path) -> AccessPlan:
    """Return the plan of a server that is open to everybody."""
    return AccessPlan(("--open", "--state-dir", str(folder / OPEN)))


def plan_with_keys(folder: Path, scenario: Scenario) -> AccessPlan:
    """Return the plan of a server on which each client has a key: a camera's for its id, a viewer's for a glob."""
    cameras = make_keys(folder, [{"publish": [f"camera-{number}"]} for number in range(scenario.cameras)])
    viewers = make_keys(folder, [{"view": ["camera-*"]}] * scenario.viewers)
    return AccessPlan(("--state-dir", str(folder)), tuple(cameras), tuple(viewers))


def make_keys(folder: Path, allowed: Sequence[dict[str, list[str]]]) -> list[str]:
    """Add a key for each rule to the rules in a folder, all at once; return the keys."""
    keys = [make_key() for _ in allowed]

    def add(records: AccessRecords) -> None:
        known = len(records.keys)
        records.rotate_secrets(0.0)
        records.keys += [
            KeyRecord(f"key-{known + number}", f"client {known + number}", hash_key(key), allow, 0.0)
            for number, (key, allow) in enumerate(zip(keys, allowed, strict=True))
        ]

    change_records(folder, add)
    return keys


if __name__ == "__main__":
    main()
