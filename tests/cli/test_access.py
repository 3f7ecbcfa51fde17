"""Keys, users and links from the command line."""

from __future__ import annotations

import io
from pathlib import Path

import click
import pytest

from skysentry_trio.server.access.keys import hash_key, is_key
from skysentry_trio.server.access.records import read_records
from skysentry_trio.server.access.tickets import TicketKind, read_ticket
from tests.cli.conftest import Run


def test_a_key_is_made_listed_and_revoked(run: Run, tmp_path: Path) -> None:
    """The key alone is on stdout, for scripts, and is kept as a hash."""
    place = ("--state-dir", str(tmp_path))
    made = run("key", "add", "--name", "porch", "--publish", "door", "--view", "@yard", "--expires", "30d", *place)
    assert made.status == 0
    key = made.out.strip()
    assert is_key(key)
    (record,) = read_records(tmp_path).keys
    assert (record.hash, record.allow) == (hash_key(key), {"publish": ["door"], "view": ["@yard"]})
    assert record.expires is not None
    assert record.expires - record.created == pytest.approx(30 * 86400, abs=5)
    listed = run("key", "list", *place)
    assert listed.out.split("\t")[:2] == [record.id, "porch"]
    assert run("key", "revoke", record.id, *place).status == 0
    assert not read_records(tmp_path).has_rules
    again = run("key", "revoke", record.id, *place)
    assert (again.status, again.err.count("there is no key")) == (1, 1)


def test_a_user_is_added_and_removed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal asks for the password, which is never shown."""
    place = ("--state-dir", str(tmp_path))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr(click, "prompt", lambda *_args, **_options: "long enough")
    added = run("user", "add", "ann", "--view", "*", *place)
    assert (added.status, "long enough" in added.out + added.err) == (0, False)
    assert run("user", "list", *place).out == "ann\tview *\n"
    assert run("user", "remove", "ann", *place).status == 0
    assert run("user", "remove", "ann", *place).status == 1


def test_a_script_gives_the_password_in_standard_input(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first line is the password; without one, the error says what was expected."""
    command = ("user", "add", "ann", "--view", "*", "--state-dir", str(tmp_path))
    monkeypatch.setattr("sys.stdin", io.StringIO("long enough\n"))
    assert run(*command).status == 0
    assert [user.name for user in read_records(tmp_path).users] == ["ann"]
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    refused = run(*command)
    assert refused.status == 2
    assert "expected a password in the first line of standard input, got none" in refused.err


def test_a_link_is_printed_with_its_page(run: Run, tmp_path: Path) -> None:
    """With a QR code on request, and signed by the server's secret."""
    made = run("link", "publish", "phone", "--once", "--qr", "--state-dir", str(tmp_path), "--server", "http://a:1")
    address, *drawn = made.out.splitlines()
    assert address.startswith("http://a:1/capture?id=phone&link=lnk_")
    assert len(drawn) > 10
    secrets = [one.secret for one in read_records(tmp_path).secrets]
    ticket = read_ticket(address.partition("link=")[2], TicketKind.LINK, secrets)
    assert ticket is not None
    assert (ticket.allow, ticket.once) == ({"publish": ["phone"]}, True)


@pytest.mark.parametrize(
    ("server", "base"), [("cams.example:8080", "http://cams.example:8080"), ("https://a/cams/", "https://a/cams")]
)
def test_a_link_can_be_opened_whatever_form_the_server_is_given_in(
    run: Run, tmp_path: Path, server: str, base: str
) -> None:
    """Without a scheme, a phone would not see an address in it."""
    made = run("link", "view", "door", "--state-dir", str(tmp_path), "--server", server)
    assert made.out.startswith(f"{base}/?client=door&link=lnk_")


@pytest.mark.parametrize(
    "words",
    [
        ("key", "add", "--name", "a"),
        ("key", "add", "--name", "a", "--view", "a b"),
        ("key", "add", "--name", "a", "--view", "a", "--expires", "soon"),
        ("link", "view", "door", "--expires", "91d"),
        ("link", "view", "door", "--server", "ftp://cams.example"),
    ],
)
def test_a_mistake_is_explained(run: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    """In one line, with status 2, and nothing is changed."""
    outcome = run(*words, "--state-dir", str(tmp_path))
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "expected" in outcome.err or "counts for up to" in outcome.err
    assert not read_records(tmp_path).has_rules
