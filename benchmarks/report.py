"""Medians of several runs, ratios between relays, and a table on the terminal."""

from __future__ import annotations

import os
import platform
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchmarks.scenarios import LARGE_RING, OURS, OWN_LOAD, SCENARIOS

Results = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Figures by scenario, relay and name."""

_PACKAGES = (
    "skysentry-trio",
    "trio",
    "trio-websocket",
    "wsproto",
    "uvloop",
    "picows",
    "websockets",
    "aiohttp",
    "quart",
    "quart-trio",
    "hypercorn",
)
_COLUMNS = (
    ("cpu_us_per_delivered", "µs/delivered"),
    ("cpu_us_per_ingested", "µs/ingested"),
    ("cpu_percent", "CPU %"),
    ("latency_p50_ms", "p50 ms"),
    ("latency_p99_ms", "p99 ms"),
    ("p99_without_slow_viewer_ms", "p99 before ms"),
    ("slow_viewer_lag_s", "slow lag s"),
    ("cpu_us_per_request", "µs/request"),
    ("request_p50_ms", "req p50 ms"),
    ("request_p99_ms", "req p99 ms"),
    ("first_window_us_per_delivered", "µs/del. first"),
    ("rss_mb", "RSS MB"),
    ("rss_kb_per_viewer", "kB/viewer"),
    ("dropped", "dropped"),
    ("held_back", "held back"),
    ("viewers_busy_percent", "viewers %"),
)


def median(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the median of each figure over the runs that have it."""
    names = dict.fromkeys(name for run in runs for name in run)
    return {name: round(statistics.median(run[name] for run in runs if name in run), 3) for name in names}


def machine() -> dict[str, Any]:
    """Describe the machine and the versions, without host name or model."""
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "processors": os.cpu_count(),
        "architecture": platform.machine(),
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "python": platform.python_version(),
        "packages": packages,
    }


def ratios(results: Results) -> Iterator[tuple[str, float, float | None]]:
    """Yield title, value and aim of each comparison that was measured; the value should be at most the aim, if any."""

    def figure(scenario: str, peer: str, name: str) -> float | None:
        return results.get(scenario, {}).get(peer, {}).get(name)

    def ratio(over: float | None, under: float | None) -> float | None:
        return None if over is None or not under else over / under

    def to_peer(scenario: str, peer: str, name: str) -> float | None:
        return ratio(figure(scenario, OURS, name), figure(scenario, peer, name))

    delivered, ingested = "cpu_us_per_delivered", "cpu_us_per_ingested"
    lines: list[tuple[str, float | None, float | None]] = [
        *(
            (f"CPU per delivered frame, {scenario}, to {peer}", to_peer(scenario, peer, delivered), aim)
            for scenario, peer, aim in (
                ("1x50", "picows", 1.2),
                ("1x200", "picows", 1.05),
                ("1x1000", "picows", 1.05),
                ("1x200", "aiohttp", 0.6),
                ("1x1000", "aiohttp", 0.6),
            )
        ),
        *(
            (f"CPU per ingested frame, {scenario}, to {peer}", to_peer(scenario, peer, ingested), aim)
            for scenario, peer, aim in (
                ("ingest-20", "picows", 2.0),
                ("ingest-20", "trio-websocket", 0.25),
                ("ingest-200", "websockets", 1.3),
            )
        ),
        ("age of a slow viewer's frames after 20 s, seconds", figure("slow", OURS, "slow_viewer_lag_s"), 0.6),
        (
            "p99 of fast viewers beside a slow one, to that before",
            ratio(figure("slow", OURS, "latency_p99_ms"), figure("slow", OURS, "p99_without_slow_viewer_ms")),
            1.1,
        ),
        ("frames lost by fast viewers beside a slow one", figure("slow", OURS, "dropped"), 0.0),
        (
            "CPU per delivered frame, 1x1000 to 1x200",
            ratio(figure("1x1000", OURS, delivered), figure("1x200", OURS, delivered)),
            1.0,
        ),
        (
            "CPU per delivered frame, a ring of 600 to one of 16",
            ratio(figure("ring", LARGE_RING, delivered), figure("ring", OURS, delivered)),
            1.0,
        ),
        (
            "CPU per delivered frame, after a minute to the start",
            ratio(figure("long", OURS, delivered), figure("long", OURS, "first_window_us_per_delivered")),
            1.0,
        ),
        *(
            (
                f"{title}, with envelopes and acknowledgements to without",
                ratio(figure(scenario, OWN_LOAD, name), figure(scenario, OURS, name)),
                None,
            )
            for title, scenario, name in (
                ("CPU per delivered frame, own-50", "own-50", delivered),
                ("CPU per delivered frame, own", "own", delivered),
                ("CPU per ingested frame, own-ingest", "own-ingest", ingested),
            )
        ),
    ]
    for title, value, aim in lines:
        if value is not None:
            yield title, round(value, 3), aim


def write_table(results: Results) -> None:
    """Print all figures and ratios."""
    for name, by_peer in results.items():
        scenario = SCENARIOS[name]
        load = f"{scenario.fps:g} fps of {scenario.frame_size // 1000} kB"
        sys.stdout.write(f"\n{name}: {scenario.title}" + (f", {load}\n" if scenario.cameras else "\n"))
        columns = [(key, title) for key, title in _COLUMNS if any(key in figures for figures in by_peer.values())]
        rows = [["", *(title for _, title in columns)]]
        for peer, figures in by_peer.items():
            rows.append([peer, *(_number(figures.get(key)) for key, _ in columns)])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = [
                row[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
            ]
            sys.stdout.write("  ".join(cells) + "\n")
    sys.stdout.write("\n")
    for title, value, aim in ratios(results):
        sys.stdout.write(f"{title}: {value:.2f}" + ("\n" if aim is None else f" (aim: at most {aim:g})\n"))


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.2f}" if value < 10 else f"{value:.1f}"
