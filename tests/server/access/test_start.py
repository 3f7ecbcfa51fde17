"""A server is never open by accident."""

from __future__ import annotations

from pathlib import Path

import pytest

from skysentry_trio.server.access.changes import RulesEditor
from skysentry_trio.server.access.start import is_loopback, parse_groups, prepare_access, state_folder
from skysentry_trio.server.settings import Settings

LOOPBACK = [("127.0.0.1", 8080)]
WORLD = [("127.0.0.1", 8080), ("0.0.0.0", 8080)]


@pytest.mark.parametrize(
    ("address", "is_local"),
    [
        (("127.0.0.1", 1), True),
        (("127.8.8.8", 1), True),
        (("::1", 1, 0, 0), True),
        (("::ffff:127.0.0.1", 1, 0, 0), True),
        ("/run/sky.sock", True),
        (("0.0.0.0", 1), False),
        (("::", 1, 0, 0), False),
        (("192.0.2.1", 1), False),
        (("fe80::1%eth0", 1, 0, 2), False),
        (("::ffff:192.0.2.1", 1, 0, 0), False),
    ],
)
def test_loopback_is_known_by_the_address_that_is_listened_on(address: object, *, is_local: bool) -> None:
    """In all families and forms."""
    assert is_loopback(address) == is_local


def test_loopback_without_rules_is_open_and_writes_nothing(tmp_path: Path) -> None:
    """As for somebody who tries the server."""
    folder = tmp_path / "state"
    setup = prepare_access(Settings(state_dir=str(folder)), LOOPBACK)
    assert (setup.access.is_open, setup.invitation, folder.exists()) == (True, None, False)


def test_one_other_address_closes_the_server(tmp_path: Path) -> None:
    """The first administrator is invited."""
    setup = prepare_access(Settings(state_dir=str(tmp_path)), WORLD)
    assert not setup.access.is_open
    assert setup.invitation is not None


def test_rules_close_a_server_on_loopback(tmp_path: Path) -> None:
    """And invite nobody."""
    RulesEditor(tmp_path).add_key("a", {"view": ["*"]})
    setup = prepare_access(Settings(state_dir=str(tmp_path)), LOOPBACK)
    assert (setup.access.is_open, setup.invitation) == (False, None)


def test_open_is_open_whatever_the_rules_are(tmp_path: Path) -> None:
    """The operator says so."""
    RulesEditor(tmp_path).add_key("a", {"view": ["*"]})
    setup = prepare_access(Settings(state_dir=str(tmp_path), open=True), WORLD)
    assert (setup.access.is_open, setup.invitation) == (True, None)


@pytest.mark.parametrize(
    ("given", "environ", "folder"),
    [
        ("/a", {"STATE_DIRECTORY": "/b"}, "/a"),
        ("", {"STATE_DIRECTORY": "/b:/c", "HOME": "/h"}, "/b"),
        ("", {"XDG_STATE_HOME": "/x", "HOME": "/h"}, "/x/skysentry-trio"),
        ("", {"HOME": "/h"}, "/h/.local/state/skysentry-trio"),
    ],
)
def test_the_state_folder_is_found(given: str, environ: dict[str, str], folder: str) -> None:
    """The setting comes first, then systemd, then the person's own folder."""
    assert state_folder(Settings(state_dir=given), environ) == Path(folder)


def test_groups_collect_their_entries() -> None:
    """In the order in which they are written."""
    assert parse_groups(("a=x", "b=y-*", "a=z")) == {"a": ["x", "z"], "b": ["y-*"]}
