"""What ``capture`` and ``watch`` present to a server: a token from a file or a variable, or a password from netrc."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from netrc import NetrcParseError, netrc
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from attrs import evolve, frozen

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.cli.variables import TOKEN_VARIABLE
from skysentry_trio.client.engine.access import Token, check_token
from skysentry_trio.client.engine.addresses import ServerAddress

_MAX_FILE: Final = 64 * 1024
_NETRC_VARIABLE: Final = "NETRC"

F = TypeVar("F", bound=Callable[..., Any])


def token_option(command: F) -> F:
    """Add ``--token-file`` to a command; its parameter is ``token_file``."""
    return click.option(
        "--token-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help=f"File with the key for the server, read again if refused.  [env: {TOKEN_VARIABLE}, the key]",
    )(command)


@frozen
class TokenFile:
    """A file that holds one token. Replace the file to renew the token."""

    path: Path

    def read(self) -> str:
        """Return the token.

        Raises:
            ConfigurationError: the file cannot be read, or holds no token.
        """
        try:
            with self.path.open("rb") as file:
                text = file.read(_MAX_FILE).decode("ascii", "replace")
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"--token-file: expected a readable file, got an error: {getattr(error, 'strerror', None) or error}"
            ) from None
        try:
            return check_token(text.strip())
        except ConfigurationError as error:
            raise ConfigurationError(f"--token-file: {error}") from None

    def __call__(self) -> str:
        """Return the token while the client runs, when somebody may be about to replace the file.

        Raises:
            OSError: there is no token now.
        """
        try:
            return self.read()
        except ConfigurationError as error:
            raise OSError(str(error)) from error


def find_credentials(
    server: ServerAddress, token_file: Path | None, environ: Mapping[str, str]
) -> tuple[ServerAddress, Token]:
    """Return the server's address with the password to use, and the token to use.

    The first of these counts: the file, the variable, the user and password in the address, netrc. A password in the
    address is also used together with a token: then a proxy in front of the server wants the password.

    Raises:
        ConfigurationError: the token is missing or invalid.
    """
    if token_file is not None:
        file = TokenFile(token_file)
        file.read()
        return server, file
    if text := environ.get(TOKEN_VARIABLE, "").strip():
        try:
            return server, check_token(text)
        except ConfigurationError as error:
            raise ConfigurationError(f"variable {TOKEN_VARIABLE}: {error}") from None
    if server.credentials is None:
        return evolve(server, credentials=_password_from_netrc(server.host, environ)), None
    return server, None


def _password_from_netrc(host: str, environ: Mapping[str, str]) -> str | None:
    """Return ``user:password`` for a host.

    The entry ``default`` does not count: a server that wants no password refuses a wrong one.
    """
    given = environ.get(_NETRC_VARIABLE)
    path = Path(given) if given else Path("~/.netrc").expanduser()
    try:
        entry = netrc(str(path)).hosts.get(host)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, NetrcParseError) as error:
        # The file belongs to other programs too, so it does not end this one.
        line = f", line {error.lineno}" if isinstance(error, NetrcParseError) else ""
        click.echo(f"skysentry-trio: ignores {path}{line}: it cannot be read as a netrc file", err=True)
        return None
    if entry is None or not entry[2] or ":" in entry[0]:
        return None
    return f"{entry[0]}:{entry[2]}"
