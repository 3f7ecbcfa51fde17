"""A server is never open by accident."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from skysentry_trio.base.exceptions import ConfigurationError, ProtocolViolation
from skysentry_trio.server.access.changes import RulesEditor
from skysentry_trio.server.access.keys import hash_key, make_key
from skysentry_trio.server.access.records import KeyRecord
from skysentry_trio.server.access.start import is_loopback, prepare_access, state_folder
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


@pytest.mark.parametrize(
    "settings",
    [{"trusted_proxies": ("127.0.0.1",)}, {"trusted_proxies": ("unix",)}, {"allowed_hosts": ("cams.example",)}],
)
def test_a_server_behind_a_proxy_is_not_for_this_machine_only(tmp_path: Path, settings: dict[str, Any]) -> None:
    """Also on loopback and on a Unix socket: the first administrator is invited, unless the operator says --open."""
    for addresses in (LOOPBACK, ["/run/sky.sock"]):
        setup = prepare_access(Settings(state_dir=str(tmp_path), **settings), addresses)
        assert not setup.access.is_open
        assert setup.invitation is not None
    assert prepare_access(Settings(state_dir=str(tmp_path), open=True, **settings), LOOPBACK).access.is_open


def test_rules_close_a_server_on_loopback(tmp_path: Path) -> None:
    """And invite nobody."""
    RulesEditor(tmp_path).add_key("a", {"view": ["*"]})
    setup = prepare_access(Settings(state_dir=str(tmp_path)), LOOPBACK)
    assert (setup.access.is_open, setup.invitation) == (False, None)


def test_an_invitation_that_nobody_has_accepted_closes_no_server_on_loopback(tmp_path: Path) -> None:
    """The invitation of another server, or of an earlier start; once somebody has accepted it, there are rules."""
    settings = Settings(state_dir=str(tmp_path))
    running = prepare_access(settings, LOOPBACK)
    invitation = prepare_access(settings, WORLD).invitation
    assert invitation is not None
    running.watcher.look()
    assert running.access.is_open
    assert prepare_access(settings, LOOPBACK).access.is_open
    running.editor.accept_invitation(running.access.read_link(invitation.token).id)
    running.watcher.look()
    assert not running.access.is_open


def test_open_is_open_whatever_the_rules_are(tmp_path: Path) -> None:
    """The operator says so."""
    RulesEditor(tmp_path).add_key("a", {"view": ["*"]})
    setup = prepare_access(Settings(state_dir=str(tmp_path), open=True), WORLD)
    assert (setup.access.is_open, setup.invitation) == (True, None)


@pytest.mark.parametrize("way", ["setting", "credential"])
async def test_the_key_of_an_administrator_comes_from_a_file(tmp_path: Path, way: str) -> None:
    """Named by the setting, or passed on by systemd; it closes the server, and nobody is invited."""
    key, file = make_key(), tmp_path / "admin-key"
    file.write_text(f"{key}\n")
    given: dict[str, Any] = {"admin_key_file": str(file)} if way == "setting" else {}
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)} if way == "credential" else {}
    setup = prepare_access(Settings(state_dir=str(tmp_path / "state"), **given), LOOPBACK, (), environ)
    assert (setup.access.is_open, setup.invitation) == (False, None)
    assert (await setup.access.verify_token(key)).rights.is_admin


def test_a_file_without_a_key_stops_the_start(tmp_path: Path) -> None:
    """Instead of a server that is open by accident; the error has nothing of the file."""
    (tmp_path / "file").write_text("secret")
    for name in ("file", "none"):
        with pytest.raises(ConfigurationError, match="expected a") as error:
            prepare_access(Settings(state_dir=str(tmp_path), admin_key_file=str(tmp_path / name)), LOOPBACK)
        assert "secret" not in str(error.value)


async def test_cameras_of_this_process_get_in_and_close_nothing(tmp_path: Path) -> None:
    """A demo is open on loopback, and sends also to a server that is not open."""
    key = make_key()
    own = [KeyRecord("demo", "demo", hash_key(key), {"publish": ["demo-*"]}, 0.0)]
    assert prepare_access(Settings(state_dir=str(tmp_path / "a")), LOOPBACK, own).access.is_open
    setup = prepare_access(Settings(state_dir=str(tmp_path / "b")), WORLD, own)
    assert (await setup.access.verify_token(key)).rights.describe() == {"publish": ["demo-*"]}


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


async def test_a_key_that_another_server_has_just_made_counts(tmp_path: Path) -> None:
    """Servers that share the folder are not asked to wait for each other; a key that nobody has made is refused."""
    RulesEditor(tmp_path).add_key("first", {"admin": ["*"]})
    setup = prepare_access(Settings(state_dir=str(tmp_path)), WORLD)
    made = RulesEditor(tmp_path).add_key("second", {"view": ["door"]})
    assert (await setup.access.check_token(made.key, "192.0.2.1")).name == "second"
    with pytest.raises(ProtocolViolation, match="there is no such key"):
        await setup.access.verify_token(make_key())
