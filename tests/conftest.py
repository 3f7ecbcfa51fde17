"""What holds for all tests."""

from __future__ import annotations

import atexit
import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
import trio
from hypothesis import settings
from trio.testing import MockClock

from skysentry_trio.server.access.changes import RulesEditor
from skysentry_trio.server.access.records import Allowed, UserRecord
from tests.clocks import NOON
from tests.e2e import several_nodes
from tests.printed_secrets import find_secrets, note_password

T = TypeVar("T")

if TYPE_CHECKING:
    from tests.daemons import CertificateFiles

# A server that a test starts must neither find the rules of the person who runs the tests, nor change them.
_state = tempfile.mkdtemp(prefix="skysentry-state-")
os.environ["XDG_STATE_HOME"] = _state
os.environ.pop("STATE_DIRECTORY", None)
atexit.register(shutil.rmtree, _state, ignore_errors=True)

_ALL_ARE_E2E = re.compile(r"^pytestmark = (\[[^\]]*)?pytest\.mark\.e2e", re.MULTILINE)

# Examples are not timed: on a busy machine any of them may be slow for a moment.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that lets several servers take the place of one."""
    default = os.environ.get(several_nodes.VARIABLE, "1")
    parser.addoption("--nodes", default=default, metavar="N", help="run a cluster of N servers where a test has one")


def pytest_configure(config: pytest.Config) -> None:
    """Tell the tests, and the processes that they start, how many servers they are to have."""
    os.environ[several_nodes.VARIABLE] = config.getoption("--nodes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the tests of which a cluster is not to give the same results as one server."""
    if config.getoption("--nodes") != "1":
        skip = pytest.mark.skip(reason="this test is about one server")
        for item in items:
            if {"timed", "one_server"} & {mark.name for mark in item.iter_markers()}:
                item.add_marker(skip)


@pytest.fixture
def autojump_clock(monkeypatch: pytest.MonkeyPatch) -> MockClock:
    """Virtual time that stands still while a thread works; otherwise years of it pass before a busy machine runs it."""
    clock = MockClock(autojump_threshold=0)
    run_sync, working = trio.to_thread.run_sync, 0

    async def run_sync_outside_time(function: Callable[..., T], *args: object, **options: Any) -> T:
        nonlocal working
        working += 1
        clock.autojump_threshold = inf
        try:
            return await run_sync(function, *args, **options)
        finally:
            working -= 1
            if not working:
                clock.autojump_threshold = 0

    monkeypatch.setattr(trio.to_thread, "run_sync", run_sync_outside_time)
    return clock


@pytest.fixture
def wall_clock(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> MockClock:
    """Let the time of day follow the clock of the test, from `NOON` on."""
    monkeypatch.setattr(time, "time", lambda: NOON + autojump_clock.current_time())
    return autojump_clock


@pytest.fixture
def in_karachi(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be where the clock is five hours ahead of UTC."""
    monkeypatch.setenv("TZ", "Asia/Karachi")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """Give the root logger its handlers and its level back in the end; meanwhile it has none."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(params=["plain", "tls"])
def perhaps_tls(request: pytest.FixtureRequest, tmp_path: Path) -> CertificateFiles | None:
    """Run a test twice: without TLS, and with it."""
    # Most tests need no server, and its modules take a moment.
    from tests.daemons import CertificateFiles  # noqa: PLC0415

    return CertificateFiles(tmp_path) if request.param == "tls" else None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import modules of which no test is wanted: that takes longer than many a test."""
    wanted = config.getoption("markexpr")
    if not collection_path.name.startswith("test_") or not (wanted == "not e2e" or wanted.startswith("e2e")):
        return None
    text = collection_path.read_text("utf-8")
    if wanted == "not e2e":
        return _ALL_ARE_E2E.search(text) is not None or None
    return "mark.e2e" not in text or None


def _set_user_and_note(editor: RulesEditor, name: str, password: str, allow: Allowed) -> UserRecord:
    note_password(password)
    return _set_user(editor, name, password, allow)


_set_user = RulesEditor.set_user
RulesEditor.set_user = _set_user_and_note  # type: ignore[assignment, method-assign]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, Any]:
    """Fail a test if a secret is in what the test, or a server in its process, has printed or logged."""
    report = yield
    if report.when == "teardown" and (lines := find_secrets("\n".join(text for _, text in report.sections))):
        report.outcome, report.longrepr = "failed", "a secret was printed:\n" + "\n".join(lines)
    return report
