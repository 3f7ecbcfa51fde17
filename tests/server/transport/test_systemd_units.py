from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from skysentry_trio.cli.settings_sources import load_settings
from skysentry_trio.server.settings import Settings

UNITS = Path(__file__).parents[3] / "packaging" / "systemd"
SERVICE = (UNITS / "skysentry-trio.service").read_text("utf-8")
HOW_TO = Path(__file__).parents[3] / "docs" / "how-to" / "run-under-systemd.md"

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None and "CI" not in os.environ, reason="systemd-analyze is not here"
)


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False, timeout=30)


@needs_systemd
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    """No unknown key and no bad value, in the service and in its socket."""
    for unit in UNITS.iterdir():
        # systemd wants the program to exist, and here it is not installed.
        text = unit.read_text("utf-8").replace("/opt/skysentry-trio/bin/skysentry-trio", "/bin/true")
        (tmp_path / unit.name).write_text(text, "utf-8")
    names = ("skysentry-trio.service", "skysentry-trio.socket", "skysentry-trio@8081.service")
    verified = analyze("verify", "--man=no", *(tmp_path / name for name in names))
    assert (verified.returncode, verified.stderr) == (0, "")


@needs_systemd
def test_the_service_is_well_confined() -> None:
    """Systemd's judgement is the one the how-to promises, or better: 0 is best, 10 worst."""
    judged = analyze("security", "--offline=true", "--no-pager", UNITS / "skysentry-trio.service")
    found = re.search(r"Overall exposure level.*: (\d+\.\d)", judged.stdout)
    promised = re.search(r"exposure\s+level of (\d+\.\d)", HOW_TO.read_text("utf-8"))
    assert found is not None
    assert promised is not None
    assert float(found[1]) <= float(promised[1])


def test_the_unit_for_several_servers_has_the_same_sandbox() -> None:
    """Every line of the unit for one server is in it, but the port, a second file and a user are added."""
    lines = (UNITS / "skysentry-trio@.service").read_text("utf-8").splitlines()
    missing = [line for line in SERVICE.splitlines() if line not in lines and not line.startswith("#")]
    added = [line for line in lines if line not in SERVICE.splitlines() and not line.startswith("#")]
    assert [line.split("=")[0] for line in missing] == ["Description", "ExecStart"]
    assert added == [
        "Description=Live JPEG relay (skysentry-trio) on port %i",
        "Environment=SKYSENTRY_CLUSTER=redis://127.0.0.1",
        "EnvironmentFile=-/etc/skysentry-trio-%i.env",
        "ExecStart=/opt/skysentry-trio/bin/skysentry-trio serve --port %i \\",
        "User=skysentry-trio",
    ]


def test_the_variables_of_the_service_are_settings() -> None:
    """They say the defaults aloud, to be changed in the environment file."""
    variables = dict(re.findall(r"(SKYSENTRY_\w+)=(\S+)", SERVICE))
    assert load_settings({}, variables, None) == Settings()


def test_the_flags_of_the_service_take_those_variables() -> None:
    """A flag with a value of its own would win over the environment file."""
    flags = re.findall(r"--(\S+) (\S+)", SERVICE)
    assert [(name, value) for name, value in flags] == [
        (name, f"${{SKYSENTRY_{name.upper().replace('-', '_')}}}") for name, _ in flags
    ]
    assert [name for name, _ in flags] == ["buffer-size", "max-frame-size", "cleanup-interval", "client-timeout"]


def test_the_service_may_open_as_many_files_as_connections() -> None:
    """Else the limit of connections is never reached."""
    limit = re.search(r"^LimitNOFILE=(\d+)$", SERVICE, re.MULTILINE)
    assert limit is not None
    assert int(limit[1]) > Settings().max_connections


def test_the_service_is_not_killed_while_it_says_goodbye() -> None:
    """Systemd waits longer than the server's own grace and deadlines for writing."""
    stop = re.search(r"^TimeoutStopSec=(\d+)$", SERVICE, re.MULTILINE)
    assert stop is not None
    assert int(stop[1]) > Settings().shutdown_grace + Settings().write_timeout
