"""The attacks are measured one after the other, whatever happens to one of them."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest
from benchmarks.faults import __main__ as faults

FIGURE = json.dumps({"row": "stuck viewers", "value": 1.5, "unit": "MiB", "aim": 2})
GOOD = f"print('starting'); print('{FIGURE}')"
MODULES = ["stuck_viewers", "janitor", "hang_up"]


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return what each module does instead of its attack, by name."""
    found = dict.fromkeys(MODULES, GOOD)
    monkeypatch.setattr(faults, "_command", lambda name, _python: [sys.executable, "-c", found[name]])
    monkeypatch.setattr("resource.setrlimit", lambda *_: None)
    monkeypatch.setattr("sys.argv", ["faults", *(word for name in MODULES for word in ("--only", name))])
    return found


def test_a_module_that_fails_is_reported_and_the_others_run(
    scripts: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The table has the figures of the others, the end of the report names what failed, and the exit status is 1."""
    scripts["janitor"] = "raise SystemExit('the cameras take too long to connect')"
    with pytest.raises(SystemExit) as ended:
        faults.main()
    printed = capsys.readouterr()
    assert ended.value.code == 1
    assert printed.out.count("stuck viewers") == 2
    assert printed.err.endswith("not measured completely:\njanitor, now: ended with status 1\n")


def test_a_module_without_figures_has_failed(scripts: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """An attack that measures nothing must not look like one that was survived."""
    scripts["hang_up"] = "pass"
    with pytest.raises(SystemExit):
        faults.main()
    assert "hang_up, now: measured nothing" in capsys.readouterr().err


def test_all_is_well_when_each_module_has_figures(scripts: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Then the exit status is 0, whether the aims are held or not."""
    faults.main()
    assert capsys.readouterr().out.count("stuck viewers") == len(scripts)


def test_a_module_that_hangs_ends_with_all_that_it_started(
    scripts: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its figures so far count, and its server does not take time from the next modules."""
    scripts["janitor"] = (
        f"import subprocess, sys, time; {GOOD}; sys.stdout.flush()\n"
        "server = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(server.pid))\n"
        "time.sleep(60)"
    )
    monkeypatch.setattr(faults, "_LONGEST", 4.0)
    began = time.monotonic()
    figures, failure = faults._attack("janitor", "now", sys.executable)
    assert time.monotonic() - began < 30
    assert (list(figures), failure) == (["stuck viewers"], "did not end within 4 s")
    pid = int((tmp_path / "pid").read_text())
    # Its parent has ended, so the process that collects it is not ours; until then it may be a zombie.
    deadline = time.monotonic() + 20
    while is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_figures_of_a_module_that_failed_are_kept(
    scripts: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A run in which an attack measures nothing leaves the figures of the last run in the documentation."""
    page, known = tmp_path / "reliability.md", tmp_path / "faults.json"
    page.write_text("before\n<!-- measured: begin -->\nold\n<!-- measured: end -->\nafter\n")
    row = {"row": "the janitor", "before": 9.0, "now": 3.0, "unit": "ms", "aim": 20}
    known.write_text(json.dumps({"attacks": {"janitor": [row]}}))
    monkeypatch.setattr(faults, "_FIGURES", known)
    monkeypatch.setattr(faults, "_PAGE", page)
    monkeypatch.setattr(faults, "ROOT", tmp_path)
    monkeypatch.setattr(faults, "machine", lambda: {"processors": 2, "system": "Linux", "python": "3.11"})
    scripts["janitor"] = "raise SystemExit(2)"
    (tmp_path / "src").mkdir()
    monkeypatch.setattr("sys.argv", [*sys.argv, "--write"])
    with pytest.raises(SystemExit):
        faults.main()
    assert json.loads(known.read_text())["attacks"]["janitor"] == [row]
    assert "| the janitor | 9 | 3 | 20 | ms | yes |" in page.read_text()
    assert "| stuck viewers |  | 1.5 | 2 | MiB | yes |" in page.read_text()
