"""Which servers a client trusts over https."""

from __future__ import annotations

import ssl
from ipaddress import ip_address
from pathlib import Path

import pytest

from skysentry_trio.base.authority_folder import AuthorityFolder
from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.base.local_authority import Names
from skysentry_trio.client.engine.addresses import parse_server_address
from skysentry_trio.client.engine.trust import with_trust

NAMES = Names(("localhost",), (ip_address("127.0.0.1"),))
SERVER = parse_server_address("https://localhost")


def names_of(context: ssl.SSLContext | None) -> set[str]:
    """Return the names of the trusted authorities of this project."""
    assert context is not None
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    subjects = [dict(part[0] for part in one["subject"]) for one in context.get_ca_certs()]  # type: ignore[misc]
    return {one["commonName"] for one in subjects if one.get("organizationName") == "SkySentry"}


def test_the_authority_of_this_machine_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client beside the server needs no flag, and without an authority it trusts only the system's."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    assert names_of(with_trust(SERVER, None).trust) == set()
    AuthorityFolder.inside(tmp_path).prepare(NAMES)
    assert len(names_of(with_trust(SERVER, None).trust)) == 1


def test_the_authorities_of_a_file_are_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client on another machine gets the file of the authority."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "none"))
    folder = AuthorityFolder.inside(tmp_path)
    folder.prepare(NAMES)
    assert len(names_of(with_trust(SERVER, folder.authority_file).trust)) == 1


def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    """The sentence names the file."""
    (tmp_path / "odd.pem").write_text("no certificate")
    with pytest.raises(ConfigurationError, match=r"odd\.pem: expected certificates in PEM form"):
        with_trust(SERVER, tmp_path / "odd.pem")
    with pytest.raises(
        ConfigurationError, match=r"none\.pem: expected a readable PEM file, got an error: No such file"
    ):
        with_trust(SERVER, tmp_path / "none.pem")


def test_without_https_nothing_is_loaded() -> None:
    """The file is not even looked at."""
    server = parse_server_address("http://localhost")
    assert with_trust(server, "none.pem") is server
