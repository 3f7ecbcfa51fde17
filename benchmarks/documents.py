"""The files in ``docs/`` that a run writes: figures as JSON, the plot, and the tables of the page about performance."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from benchmarks.memory import memory_of_imports
from benchmarks.plot import draw
from benchmarks.report import Results, machine, ratios
from benchmarks.scenarios import PEERS, SCENARIOS, TITLES

_DOCS = Path(__file__).parent.parent / "docs"
_BEGIN, _END = "<!-- measured: begin -->", "<!-- measured: end -->"
_FAN_OUT = ("1x50", "1x200", "1x1000", "20x20", "10kB", "500kB")

Figures = Mapping[str, float]


@frozen
class _Column:
    scenario: str
    title: str
    cell: Callable[[Figures], str]


def write_documents(results: Results, rounds: int, docs: Path = _DOCS) -> None:
    """Write all three files; scenarios without new results keep their figures in the JSON.

    Args:
        results: medians of each scenario that was run.
        rounds: number of rounds of that run.
        docs: directory of the documentation.
    """
    path = docs / "benchmark.json"
    known = json.loads(path.read_text())["scenarios"] if path.exists() else {}
    for name, by_peer in results.items():
        known[name] = {"title": SCENARIOS[name].title, "rounds": rounds, "peers": by_peer}
    scenarios = {name: known[name] for name in SCENARIOS if name in known}
    figures = {name: scenario["peers"] for name, scenario in scenarios.items()}
    document = {
        "machine": machine(),
        "scenarios": scenarios,
        "memory_of_imports_mb": memory_of_imports(),
        "ratios": [{"what": what, "value": value, "aim": aim} for what, value, aim in ratios(figures)],
    }
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    (docs / "images" / "benchmark.svg").write_text(draw(figures))
    page = docs / "explanation" / "performance.md"
    before, _, rest = page.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    tables = "\n".join(_sections(document, figures))
    page.write_text(f"{before}{_BEGIN}\n\n{tables}\n{_END}{after}")


def _sections(document: Mapping[str, Any], results: Results) -> Iterator[str]:
    about = document["machine"]
    packages = ", ".join(f"{name} {number}" for name, number in about["packages"].items())
    rounds = sorted({scenario["rounds"] for scenario in document["scenarios"].values()})
    how_often = " to ".join(dict.fromkeys(map(str, (rounds[0], rounds[-1]))))
    yield "![Server CPU for each frame, and lag of a slow viewer, side by side](../images/benchmark.svg)\n"
    yield "All figures are in [benchmark.json](../benchmark.json).\n"
    yield (
        f"Medians of {how_often} rounds, on {about['processors']} processors ({about['architecture']}), "
        f"{about['system']}, Python {about['python']}, {packages}.\n"
    )
    yield from _table(
        "Server CPU per delivered frame, µs",
        [_Column(name, name, _one("cpu_us_per_delivered")) for name in _FAN_OUT],
        results,
    )
    yield from _table(
        "Latency from the camera's send call until the viewer has the whole frame, p50 / p99 in ms",
        [_Column(name, name, _pair("latency_p50_ms", "latency_p99_ms")) for name in (*_FAN_OUT, "20x1")],
        results,
    )
    yield from _table(
        "Server CPU per frame received from a camera, µs",
        [_Column(name, name, _one("cpu_us_per_ingested")) for name in ("ingest-20", "ingest-200", "20x1")],
        results,
    )
    yield from _table(
        "With envelopes from cameras and acknowledgements from viewers, as our own programs send them, and without",
        [
            _Column("own-50", "1x50, µs per delivered frame", _one("cpu_us_per_delivered")),
            _Column("own-50", "p50 / p99, ms", _pair("latency_p50_ms", "latency_p99_ms")),
            _Column("own", "1x200, µs per delivered frame", _one("cpu_us_per_delivered")),
            _Column("own", "p50 / p99, ms", _pair("latency_p50_ms", "latency_p99_ms")),
            _Column("own-ingest", "20 cameras, µs per received frame", _one("cpu_us_per_ingested")),
        ],
        results,
    )
    yield from _table(
        "A slow viewer, which reads at a third of the rate for 20 s, beside 50 fast viewers",
        [
            _Column("slow", "age of its frames, s", _one("slow_viewer_lag_s")),
            _Column("slow", "p99 of the fast viewers before, ms", _one("p99_without_slow_viewer_ms")),
            _Column("slow", "p99 of the fast viewers beside it, ms", _one("latency_p99_ms")),
            _Column("slow", "frames that the fast viewers missed", _one("dropped")),
        ],
        results,
    )
    yield from _table(
        "Resident memory",
        [
            _Column("ingest-20", "before any client, MB", _one("rss_idle_mb")),
            _Column("ingest-20", "20 cameras, MB", _one("rss_mb")),
            _Column("ingest-200", "200 cameras, MB", _one("rss_mb")),
            _Column("idle", "one of 5000 idle viewers, kB", _one("rss_kb_per_viewer")),
        ],
        results,
    )
    yield "Memory of skysentry-trio before any client, by import, MB:\n"
    yield "| | |\n|---|---|"
    for title, size in document["memory_of_imports_mb"].items():
        yield f"| {title} | {size:.1f} |"
    yield ""
    yield from _table(
        "100 requests a second for `latest.jpg`, each on a new connection, while 10 viewers watch",
        [
            _Column("rest", "CPU per request, µs", _one("cpu_us_per_request")),
            _Column("rest", "p50 / p99, ms", _pair("request_p50_ms", "request_p99_ms")),
        ],
        results,
    )


def _table(title: str, columns: list[_Column], results: Results) -> Iterator[str]:
    columns = [column for column in columns if column.scenario in results]
    rows = []
    for peer in PEERS:
        cells = [column.cell(results[column.scenario].get(peer, {})) for column in columns]
        if any(cells):
            rows.append(f"| {TITLES[peer]} | {' | '.join(cells)} |")
    if rows:
        yield f"{title}:\n"
        yield f"| | {' | '.join(column.title for column in columns)} |\n|---|{'---|' * len(columns)}"
        yield from rows
        yield ""


def _one(name: str) -> Callable[[Figures], str]:
    return lambda figures: show_number(figures[name]) if name in figures else ""


def _pair(first: str, second: str) -> Callable[[Figures], str]:
    return lambda figures: f"{show_number(figures[first])} / {show_number(figures[second])}" if first in figures else ""


def show_number(value: float) -> str:
    """Return a number with about three digits."""
    if value >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
