from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import benchmarks.__main__
import pytest
from benchmarks import against, documents
from benchmarks.documents import write_documents


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


def test_a_run_renews_its_scenarios_and_leaves_the_others(docs: Path) -> None:
    """All of it takes the better part of an hour: a change of one half needs only that measured."""
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


def test_a_run_that_is_broken_off_shows_what_it_has(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever loses patience after half an hour does not go away empty-handed."""

    class Figures:
        def as_dict(self) -> dict[str, float]:
            return {"cpu_us_per_delivered": 12.3}

    def measure(peer: str, _scenario: Any) -> Figures:
        if peer == "websockets":
            raise KeyboardInterrupt
        return Figures()

    monkeypatch.setattr(benchmarks.__main__, "measure", measure)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr("resource.setrlimit", lambda *_: None)
    monkeypatch.setattr("sys.argv", ["benchmarks", "--scenario", "1x200", "--write"])
    with pytest.raises(KeyboardInterrupt):
        benchmarks.__main__.main()
    table = capsys.readouterr().out
    assert "1x200: 1 camera, 200 viewers" in table
    assert table.count("12.3") == 2
    assert "to picows: 1.00" in table


def test_two_checkouts_are_measured_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order alternates, and each ratio is of one pair, so that what slows the machine meets both."""
    order: list[str] = []

    class Figures:
        def __init__(self, value: float) -> None:
            self.value = value

        def as_dict(self) -> dict[str, float]:
            return dict.fromkeys(("cpu_us_per_delivered", "cpu_us_per_ingested", "rss_idle_mb"), self.value)

    def measure(_peer: str, _scenario: Any, checkout: Path | None) -> Figures:
        order.append("new" if checkout is None else "old")
        return Figures(float(len(order)))

    monkeypatch.setattr(against, "measure", measure)
    delivered, ingested, memory = against.compare(Path("old"), 2)
    assert order[:4] == ["old", "new", "new", "old"]
    assert delivered.ratios == [2.0, 0.75]
    assert str(delivered) == "CPU per delivered frame, 1x200: 1.375 (0.750 to 2.000)"
    assert ingested.ratios == memory.ratios
