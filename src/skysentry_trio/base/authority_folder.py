"""The files of this machine's own certificate authority, and of the certificate that it has issued for the server."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from attrs import frozen

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.base.local_authority import Issued, Names, create_authority, issue, why_renew
from skysentry_trio.base.state_folder import AUTHORITY, TLS_FOLDER, create_private_folder, write_private_file


@frozen
class AuthorityFolder:
    """A folder with two certificates and their keys; only the user of the server can read it."""

    path: Path

    @classmethod
    def inside(cls, state: Path) -> AuthorityFolder:
        """Return the folder inside the state folder of a server."""
        return cls(state / TLS_FOLDER)

    @property
    def authority_file(self) -> Path:
        """The certificate of the authority, which other devices are made to trust."""
        return self.path / AUTHORITY

    @property
    def certificate_file(self) -> Path:
        """The certificate of the server, followed by that of the authority."""
        return self.path / "server.pem"

    @property
    def key_file(self) -> Path:
        """The key of the server."""
        return self.path / "server-key.pem"

    @property
    def _authority_key_file(self) -> Path:
        return self.path / "authority-key.pem"

    def load_authority(self) -> Issued | None:
        """Return the authority; None if there is none yet.

        Raises:
            ConfigurationError: its files cannot be read.
        """
        return self._load(self.authority_file, self._authority_key_file)

    def load_certificate(self) -> Issued | None:
        """Return the certificate of the server; None if there is none yet.

        Raises:
            ConfigurationError: its files cannot be read.
        """
        return self._load(self.certificate_file, self.key_file)

    def prepare(self, names: Names, *, again: bool = False) -> str | None:
        """Create what is missing, and issue a certificate again if that is necessary.

        Args:
            names: what the certificate of the server has to be for.
            again: issue the certificate again even if it is good.

        Returns:
            Why a certificate was issued; None if there was a good one.

        Raises:
            ConfigurationError: the files cannot be read or written.
        """
        create_private_folder(self.path)
        authority = self.load_authority()
        if authority is None or datetime.now(UTC) > authority.parsed.not_valid_after_utc:
            authority = create_authority(names)
            self._store(authority, self.authority_file, self._authority_key_file)
        issued = self.load_certificate()
        reason = "there was none" if issued is None else why_renew(issued, authority, names)
        if reason is None and again:
            reason = "it was asked for"
        if reason is not None:
            self._store(issue(authority, names), self.certificate_file, self.key_file)
        return reason

    def forget_authority(self) -> None:
        """Remove the authority, so that the next one is made for the names that this machine has now.

        Raises:
            ConfigurationError: the files cannot be removed.
        """
        try:
            for path in (self.authority_file, self._authority_key_file):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise _cannot("remove", path, error) from error

    def _load(self, certificate_file: Path, key_file: Path) -> Issued | None:
        try:
            loaded = Issued(certificate_file.read_bytes(), key_file.read_bytes())
            is_pair = loaded.is_pair
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _cannot("read", certificate_file, error) from error
        except ValueError:
            raise ConfigurationError(
                f"file {certificate_file}: expected a certificate and its key, got something else; "
                f"remove the folder {self.path} to make a new one, which all devices then have to trust again"
            ) from None
        # The files are written one after the other, and the second write may have failed.
        return loaded if is_pair else None

    def _store(self, issued: Issued, certificate_file: Path, key_file: Path) -> None:
        try:
            write_private_file(key_file, issued.key)
            write_private_file(certificate_file, issued.certificate)
        except OSError as error:
            raise _cannot("write", certificate_file, error) from error


def _cannot(what: str, path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"cannot {what} the file {path}: {error.strerror or error}")
