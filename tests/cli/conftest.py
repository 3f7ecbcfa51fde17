"""Runs the command line in this process."""

from __future__ import annotations

import os
from collections.abc import Callable

import attrs
import pytest

from skysentry_trio.cli.main import main


@attrs.frozen
class Outcome:
    """What a command left behind."""

    status: object
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def _environment_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in list(os.environ):
        if variable.startswith("SKYSENTRY_"):
            monkeypatch.delenv(variable)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command and says how it ended."""

    def run_command(*arguments: str) -> Outcome:
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        return Outcome(caught.value.code, *capsys.readouterr())

    return run_command
