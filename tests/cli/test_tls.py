"""``skysentry-trio tls``: what it prints, and what it writes."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

from skysentry_trio.base.authority_folder import AuthorityFolder
from skysentry_trio.base.local_authority import Names, fingerprint, names_in
from skysentry_trio.base.trust_page import CONTENT_TYPES

NAMES = Names(("localhost", "attic"), (ip_address("127.0.0.1"),))


def test_without_a_certificate_the_commands_say_how_to_make_one(run: Any, tmp_path: Path) -> None:
    """The sentence names the folder."""
    for command in (("show",), ("trust-page", str(tmp_path / "page"))):
        outcome = run("tls", command[0], "--state-dir", str(tmp_path), *command[1:])
        assert outcome.status == 2
        assert f"there is no certificate in {tmp_path / 'tls'}; serve --tls-self-signed" in outcome.err


def test_show_prints_what_a_person_compares(run: Any, tmp_path: Path) -> None:
    """The fingerprint of the authority, the names, and the ends of both certificates; no key."""
    folder = AuthorityFolder.inside(tmp_path)
    folder.prepare(NAMES)
    outcome = run("tls", "show", "--state-dir", str(tmp_path))
    authority = folder.load_authority()
    assert outcome.status == 0
    assert authority is not None
    assert fingerprint(authority.parsed) in outcome.out
    assert "certificate  localhost, attic, 127.0.0.1\n" in outcome.out
    assert str(folder.authority_file) in outcome.out
    assert "PRIVATE" not in outcome.out


def test_renew_issues_again(run: Any, tmp_path: Path) -> None:
    """The certificate is another one, with a further name; the authority is another one only if asked for."""
    folder = AuthorityFolder.inside(tmp_path)
    assert run("tls", "renew", "--state-dir", str(tmp_path)).status == 0
    authority, issued = folder.load_authority(), folder.load_certificate()
    outcome = run("tls", "renew", "--state-dir", str(tmp_path), "--host", "cam.home")
    assert "cam.home" in outcome.out
    renewed = folder.load_certificate()
    assert renewed is not None
    assert renewed != issued
    assert "cam.home" in names_in(renewed.parsed).hosts
    assert folder.load_authority() == authority
    assert run("tls", "renew", "--state-dir", str(tmp_path), "--authority").status == 0
    assert folder.load_authority() != authority


def test_the_page_is_written_with_its_files(run: Any, tmp_path: Path) -> None:
    """A stick carries the folder to a device that does not reach the server."""
    AuthorityFolder.inside(tmp_path).prepare(NAMES)
    outcome = run("tls", "trust-page", "--state-dir", str(tmp_path), str(tmp_path / "page"))
    assert outcome.out == f"open {tmp_path / 'page' / 'index.html'}\n"
    assert {path.name for path in (tmp_path / "page").iterdir()} == CONTENT_TYPES.keys()
    (tmp_path / "file").touch()
    outcome = run("tls", "trust-page", "--state-dir", str(tmp_path), str(tmp_path / "file" / "page"))
    assert outcome.status == 2
    assert "cannot write to" in outcome.err
