"""The folder in which the server keeps what must survive a restart, such as its keys."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Final

from skysentry_trio.base.exceptions import ConfigurationError

TLS_FOLDER: Final = "tls"
"""Inside the state folder, the folder of the server's own certificate authority."""
AUTHORITY: Final = "authority.pem"
"""In that folder, the certificate of the authority."""


def find_state_folder(setting: str, environ: Mapping[str, str]) -> Path:
    """Return the path of the state folder, which may not exist yet.

    Args:
        setting: the value of ``state_dir``; empty for the default.
        environ: environment variables. systemd names its folder in ``STATE_DIRECTORY``, see systemd.exec(5).
    """
    if setting:
        return Path(setting)
    # With several folders, the first one is ours.
    if given := environ.get("STATE_DIRECTORY", "").split(":")[0]:
        return Path(given)
    base = environ.get("XDG_STATE_HOME") or Path(environ.get("HOME") or "/") / ".local/state"
    return Path(base) / "skysentry-trio"


def create_private_folder(path: Path) -> None:
    """Create a folder that only this user can read, unless it exists.

    Raises:
        ConfigurationError: the folder cannot be created.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"state_dir: expected a folder that can be created, got an error for {path}: {error.strerror or error}"
        ) from error


def write_private_file(path: Path, content: bytes) -> None:
    """Write a file that only this user can read; a reader sees the old content or the new one, never a part.

    Raises:
        OSError: the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
