"""The files of the authority: made once, private, and good again when they are not."""

from __future__ import annotations

import stat
from ipaddress import ip_address
from pathlib import Path

import pytest

from skysentry_trio.base import authority_folder
from skysentry_trio.base.authority_folder import AuthorityFolder
from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.base.local_authority import Names, names_in
from skysentry_trio.base.state_folder import write_private_file
from skysentry_trio.server.transport.certificate import load_context

NAMES = Names(("localhost",), (ip_address("127.0.0.1"),))
MORE = Names(("localhost",), (ip_address("127.0.0.1"), ip_address("10.0.0.1")))


def test_files_are_made_once(tmp_path: Path) -> None:
    """A second start uses the same authority and the same certificate, and only the user can read them."""
    folder = AuthorityFolder.inside(tmp_path / "state")
    assert folder.prepare(NAMES) == "there was none"
    authority, issued = folder.load_authority(), folder.load_certificate()
    assert folder.prepare(NAMES) is None
    assert (folder.load_authority(), folder.load_certificate()) == (authority, issued)
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.path.iterdir()} == {0o600}


def test_a_new_address_changes_only_the_certificate(tmp_path: Path) -> None:
    """Devices that trust the authority need to do nothing."""
    folder = AuthorityFolder.inside(tmp_path)
    folder.prepare(NAMES)
    authority = folder.load_authority()
    assert folder.prepare(MORE) == "it is not for 10.0.0.1"
    assert folder.load_authority() == authority
    issued = folder.load_certificate()
    assert issued is not None
    assert names_in(issued.parsed) == MORE
    assert folder.prepare(MORE, again=True) == "it was asked for"
    assert folder.load_certificate() != issued


def test_a_new_authority_issues_a_new_certificate(tmp_path: Path) -> None:
    """After the old authority was removed, nothing of it is left."""
    folder = AuthorityFolder.inside(tmp_path)
    folder.prepare(NAMES)
    authority = folder.load_authority()
    folder.forget_authority()
    assert folder.load_authority() is None
    assert folder.prepare(NAMES) == "another authority issued it"
    assert folder.load_authority() not in (None, authority)


def test_what_cannot_be_read_or_written_is_said(tmp_path: Path) -> None:
    """The sentence names the file, and what helps."""
    folder = AuthorityFolder.inside(tmp_path)
    folder.prepare(NAMES)
    folder.authority_file.write_bytes(b"nothing")
    with pytest.raises(ConfigurationError, match=r"authority\.pem: expected a certificate.* remove the folder"):
        folder.prepare(NAMES)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="state_dir: expected a folder that can be created"):
        AuthorityFolder.inside(tmp_path / "file").prepare(NAMES)


def test_a_certificate_without_its_key_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk may be full, or the power fail, when the key was written and the certificate was not."""
    folder = AuthorityFolder.inside(tmp_path)
    folder.prepare(NAMES)
    authority, issued = folder.load_authority(), folder.load_certificate()

    def write(path: Path, content: bytes) -> None:
        if path == folder.certificate_file:
            raise OSError(28, "No space left on device")
        write_private_file(path, content)

    with monkeypatch.context() as full:
        full.setattr(authority_folder, "write_private_file", write)
        with pytest.raises(ConfigurationError, match="No space left"):
            folder.prepare(MORE)
    assert folder.load_certificate() is None
    folder.prepare(NAMES)
    assert folder.load_certificate() not in {None, issued}
    assert folder.load_authority() == authority
    load_context(folder.certificate_file, folder.key_file)


@pytest.mark.parametrize("content", [b"", b"nothing", b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"])
def test_a_key_that_cannot_be_read_is_said(tmp_path: Path, content: bytes) -> None:
    """A new authority is made only by somebody who knows that all devices have to trust it again."""
    folder = AuthorityFolder.inside(tmp_path)
    folder.prepare(NAMES)
    (folder.path / "authority-key.pem").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"authority\.pem: expected a certificate.* remove the folder"):
        folder.prepare(NAMES)
