from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import click
import pytest

from skysentry_trio import __version__
from skysentry_trio.base.exceptions import ConfigurationError, PeerGone
from skysentry_trio.cli import main as main_module


def test_version_is_one_line(run: Any) -> None:
    """Scripts read it."""
    outcome = run("--version")
    assert (outcome.status, outcome.out, outcome.err) == (0, f"skysentry-trio {__version__}\n", "")


def test_the_package_can_be_run_as_a_module() -> None:
    """`python -m skysentry_trio` is the same program."""
    done = subprocess.run(
        [sys.executable, "-m", "skysentry_trio", "--version"], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == f"skysentry-trio {__version__}\n"


def test_help_lists_the_commands(run: Any) -> None:
    """Each with a line about it."""
    outcome = run("--help")
    assert outcome.status == 0
    for name in ("serve", "capture", "watch", "config"):
        assert f"\n  {name} " in outcome.out


@pytest.mark.parametrize("arguments", [("serv",), ("config", "show", "--prt", "1"), ("config", "show", "stray")])
def test_a_command_line_that_makes_no_sense_ends_with_2(run: Any, arguments: tuple[str, ...]) -> None:
    """Click explains on stderr."""
    outcome = run(*arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert "Error: No such" in outcome.err or "unexpected extra argument" in outcome.err


@pytest.mark.parametrize(
    ("word", "said"),
    [("serv", "did you mean serve?"), ("Capture", "did you mean capture?"), ("wacth", "did you mean watch?")],
)
def test_a_mistyped_command_gets_a_suggestion(run: Any, word: str, said: str) -> None:
    """Although no command is loaded before it is used."""
    outcome = run(word)
    assert outcome.status == 2
    assert said in outcome.err


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (ConfigurationError("flag --port: no"), 2, "skysentry-trio: flag --port: no\n"),
        (PeerGone("the server went away"), 1, "skysentry-trio: the server went away\n"),
        (KeyboardInterrupt(), 130, "\n"),
        (click.Abort(), 130, ""),
    ],
)
def test_the_end_of_a_command_becomes_a_status(
    run: Any, monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int, message: str
) -> None:
    """One line at most, and no traceback for what is nobody's bug."""

    @click.command()
    def serve() -> None:
        raise error

    monkeypatch.setattr(main_module, "import_module", lambda _name: SimpleNamespace(serve=serve))
    outcome = run("serve")
    assert (outcome.status, outcome.out, outcome.err) == (status, "", message)


@pytest.mark.parametrize(
    "arguments",
    [
        ("rtsp://u:secret@cam/live",),
        ("capture", "pattern", "rtsp://u:se secret@cam/live"),
        ("capture", "pattern", "--fps", "rtsp://u:secret@cam/live"),
        ("capture", "pattern", "--rtsp://u:secret@cam/live"),
        ("capture", "rtsp://u:se#secret@cam/live"),
        ("capture", "rstp://u:secret@cam/live"),
        ("capture", "u:secret@cam/live"),
        ("capture", "pattern", "--server", "http://u:secret@h?x"),
        ("capture", "pattern", "--server=http://u:se[secret@h"),
        ("capture", "pattern", "--id", "u:secret@cam"),
        ("watch", "--server", "http://h?token=secret"),
        ("watch", "--server", "http://u:secret@h:port/"),
        ("serve", "--host", "http://u:secret@h"),
        ("config", "show", "--cors-origin", "https://u:secret@h"),
        ("serve", "--config", "https://u:secret@h"),
    ],
)
def test_no_error_repeats_a_password(run: Any, arguments: tuple[str, ...]) -> None:
    """Whichever argument it was written in by mistake; each is wrong usage, and none is a traceback."""
    outcome = run(*arguments)
    assert outcome.status == 2
    assert "secret" not in outcome.out + outcome.err
    assert outcome.err
