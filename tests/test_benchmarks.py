from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import benchmarks.__main__
import pytest
from benchmarks import access, against, documents, snapshots
from benchmarks.aims import Measured, report
from benchmarks.documents import write_documents
from benchmarks.measure import measure
from benchmarks.scenarios import OURS, OWN_LOAD, PEERS, Scenario
from benchmarks.server import ROOT, running


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory of documents with an empty page."""
    monkeypatch.setattr(documents, "memory_of_imports", lambda: {"Python": 10.0})
    for name in ("explanation", "images"):
        (tmp_path / name).mkdir()
    page = "before\n<!-- measured: begin -->\nold\n<!-- measured: end -->\nafter\n"
    (tmp_path / "explanation" / "performance.md").write_text(page)
    return tmp_path


def of_both(name: str, ours: float, theirs: float) -> dict[str, dict[str, float]]:
    return {"skysentry-trio": {name: ours}, "picows": {name: theirs}}


def test_a_run_replaces_the_figures_of_its_scenarios_only(docs: Path) -> None:
    """A run of a few scenarios keeps the figures of all others, because a run of all takes most of an hour."""
    write_documents({"1x200": of_both("cpu_us_per_delivered", 20.0, 20.0)}, 3, docs)
    write_documents({"ingest-20": of_both("cpu_us_per_ingested", 150.0, 100.0)}, 3, docs)
    write_documents({"1x200": of_both("cpu_us_per_delivered", 19.0, 20.0)}, 1, docs)
    document = json.loads((docs / "benchmark.json").read_text())
    assert list(document["scenarios"]) == ["1x200", "ingest-20"]
    assert {line["what"]: line["value"] for line in document["ratios"]} == {
        "CPU per delivered frame, 1x200, to picows": 0.95,
        "CPU per ingested frame, ingest-20, to picows": 1.5,
    }
    page = (docs / "explanation" / "performance.md").read_text()
    assert page.startswith("before\n")
    assert page.endswith("after\n")
    assert "old" not in page
    assert "Medians of 1 to 3 rounds" in page
    assert "| skysentry-trio | 19 |" in page
    assert "| skysentry-trio | 150 |" in page
    assert "20 cameras, no viewer" in (docs / "images" / "benchmark.svg").read_text()


def test_an_interrupted_run_prints_its_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C after half an hour prints the figures of the rounds that are done."""

    class Figures:
        def as_dict(self) -> dict[str, float]:
            return {"cpu_us_per_delivered": 12.3}

    def fake_measure(peer: str, _scenario: Any) -> Figures:
        if peer == "websockets":
            raise KeyboardInterrupt
        return Figures()

    monkeypatch.setattr(benchmarks.__main__, "measure", fake_measure)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr("resource.setrlimit", lambda *_: None)
    monkeypatch.setattr("sys.argv", ["benchmarks", "--scenario", "1x200", "--write"])
    with pytest.raises(KeyboardInterrupt):
        benchmarks.__main__.main()
    table = capsys.readouterr().out
    assert "1x200: 1 camera, 200 viewers" in table
    assert table.count("12.3") == 2
    assert "to picows: 1.00" in table


def test_the_load_of_our_own_programs_has_its_own_table(docs: Path) -> None:
    """The ratio compares the two loads of one scenario, and has no aim."""
    loads = {
        "skysentry-trio": {"cpu_us_per_delivered": 20.0, "latency_p50_ms": 2.5, "latency_p99_ms": 5.0},
        "skysentry-trio-own-load": {"cpu_us_per_delivered": 50.0, "latency_p50_ms": 4.5, "latency_p99_ms": 9.0},
    }
    write_documents({"own": loads}, 3, docs)
    title = "CPU per delivered frame, own, with envelopes and acknowledgements to without"
    assert json.loads((docs / "benchmark.json").read_text())["ratios"] == [{"what": title, "value": 2.5, "aim": None}]
    page = (docs / "explanation" / "performance.md").read_text()
    assert "| skysentry-trio | 20 | 2.50 / 5 |" in page
    assert "| skysentry-trio with envelopes and acknowledgements | 50 | 4.50 / 9 |" in page


def test_figures_with_aims_are_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The figures of an earlier run are replaced, and the exit status says whether an aim is missed."""
    page = tmp_path / "performance.md"
    page.write_text("before\n<!-- tls: begin -->\nold\n<!-- tls: end -->\nafter\n")
    held = [Measured("a frame, µs", 12.34), Measured("a frame, to another", 0.9, 1.0)]
    report(held, None, page)
    assert "old" in page.read_text()
    assert capsys.readouterr().out == "a frame, µs: 12.3\na frame, to another: 0.90, at most 1\n"

    with pytest.raises(SystemExit):
        report([*held, Measured("memory", 250.0, 200.0)], "tls", page)

    assert capsys.readouterr().out.endswith("memory: 250, at most 200: missed\n")
    text = page.read_text()
    assert text.startswith("before\n<!-- tls: begin -->\n")
    assert text.endswith("| memory | 250 | 200 |\n\n<!-- tls: end -->\nafter\n")
    assert "| a frame, µs | 12.3 |  |" in text
    assert "old" not in text


def test_checkouts_are_measured_alternately(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order changes from round to round, and each ratio is of one round."""
    order: list[str] = []

    class Figures:
        def __init__(self, value: float) -> None:
            self.value = value

        def as_dict(self) -> dict[str, float]:
            return dict.fromkeys(("cpu_us_per_delivered", "cpu_us_per_ingested", "rss_idle_mb"), self.value)

    def fake_measure(_peer: str, _scenario: Any, checkout: Path) -> Figures:
        order.append("new" if checkout == ROOT else "old")
        return Figures(float(len(order)))

    monkeypatch.setattr(against, "measure", fake_measure)
    delivered, ingested, memory = against.compare(Path("old"), 2)
    assert order[:4] == ["old", "new", "new", "old"]
    assert delivered.ratios == [2.0, 0.75]
    assert str(delivered) == "CPU per delivered frame, 1x200, new to old: 1.375 (0.750 to 2.000)"
    assert ingested.ratios == memory.ratios


@pytest.mark.e2e
def test_the_source_of_another_checkout_is_run(tmp_path: Path) -> None:
    """The package of this checkout, which is on the path too, is not used instead."""
    package = tmp_path / "src" / "skysentry_trio"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("import time\nprint('listening on 4242', flush=True)\ntime.sleep(60)\n")
    with running(PEERS[OURS], frozenset(os.sched_getaffinity(0)), tmp_path) as server:
        assert server.port == 4242


def test_a_directory_without_source_is_no_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Otherwise this checkout would be compared with itself."""
    monkeypatch.setattr("sys.argv", ["benchmarks", "--against", str(tmp_path)])
    with pytest.raises(SystemExit):
        benchmarks.__main__.main()
    assert "is not a checkout of this project" in capsys.readouterr().err


@pytest.mark.e2e
def test_our_server_takes_the_load_of_our_own_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cameras and three viewers of a real server for a moment; a refused message would end the run."""
    monkeypatch.setattr("benchmarks.measure._WARM_UP", 0.2)
    tiny = Scenario("tiny", 2, 3, frame_size=5000, windows=(0.5,))
    figures = measure(OWN_LOAD, tiny, ROOT)
    assert figures.ingested > 0
    assert figures.delivered > 0
    assert figures.rss_idle_mb > 0


def test_a_ratio_above_its_aim_is_missed() -> None:
    """The median counts, and the line says so."""
    good = access.Outcome(against.Comparison("CPU", [1.0, 1.3, 0.9], "with keys to open"), 1.02)
    bad = access.Outcome(against.Comparison("CPU", [1.1, 1.0, 1.2], "with keys to open"), 1.02)
    assert (good.is_reached, bad.is_reached) == (True, False)
    assert str(bad) == "CPU, with keys to open: 1.100 (1.000 to 1.200); aim: at most 1.02, missed"


@pytest.mark.e2e
def test_frames_with_a_key_for_each_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cameras and three viewers of a server that is not open; a refused one would end the run."""
    monkeypatch.setattr("benchmarks.measure._WARM_UP", 0.2)
    tiny = Scenario("tiny", 2, 3, frame_size=5000, windows=(0.5,))
    figures = measure(OURS, tiny, ROOT, access.plan_with_keys(tmp_path, tiny))
    assert min(figures.ingested, figures.delivered) > 0


@pytest.mark.e2e
def test_a_crowd_returns_after_a_kill(tmp_path: Path) -> None:
    """With keys and without, and all of it is served."""
    titles = [outcome.comparison.title for outcome in access.compare_returns(tmp_path, 1, 2)]
    assert titles == ["time until 4 clients are back", "CPU until 4 clients are back"]


@pytest.mark.e2e
def test_requests_for_single_frames_keep_their_connection() -> None:
    """Otherwise the cost of a kept connection would be that of a new one."""
    with running(snapshots.SERVE, frozenset(os.sched_getaffinity(0))) as server, snapshots.camera(server.port):
        with snapshots.requesting(server.port, keeps=True) as request:
            answers = [request() for _ in range(5)]
        assert snapshots.Turn("now", server, keeps=False).cost(0.1) > 0
    assert answers == [False] * 5
