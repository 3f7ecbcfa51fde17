"""The file of rules: keys, users, and the secrets that sign links; read whole, and replaced whole."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from skysentry_trio.base.exceptions import ConfigurationError

FILE_NAME: Final = "access.json"
_VERSION: Final = 1
_MAX_SIZE: Final = 64 * 1024 * 1024
COOKIE_SECONDS: Final = 30 * 86400.0
"""Seconds for which a person stays signed in."""
_ROTATE_AFTER: Final = 90 * 86400.0
"""Seconds after which a new secret signs; the secret before it is still accepted until the next rotation."""
_SECRETS: Final = 2
_LOCK_TIMEOUT: Final = 10.0
"""Seconds that another program may take for its change, which takes some milliseconds."""
_LOCK_PAUSE: Final = 0.01
"""Seconds between two looks at the lock; nothing can wait for a lock with a deadline."""
T = TypeVar("T")

Allowed = dict[str, list[str]]
"""For each action, the cameras: ids, globs and groups."""


class KeyRecord(msgspec.Struct, omit_defaults=True):
    """A key that is accepted; the key itself is not kept."""

    id: str
    name: str
    hash: str
    allow: Allowed
    created: float
    """Seconds since the epoch, as all times in here."""
    expires: float | None = None


class UserRecord(msgspec.Struct, omit_defaults=True):
    """A person with a password."""

    name: str
    password: str
    """The hash, by argon2id."""
    allow: Allowed
    created: float


class SecretRecord(msgspec.Struct):
    """Signs links and cookies."""

    secret: str
    created: float


class AccessRecords(msgspec.Struct, omit_defaults=True):
    """The whole file."""

    version: int = _VERSION
    keys: list[KeyRecord] = []
    users: list[UserRecord] = []
    secrets: list[SecretRecord] = []
    """The newest is the last one."""
    ended: dict[str, float] = {}
    """Signed tickets that no longer count, and when they would have expired."""
    signed_out: dict[str, float] = {}
    """For each person or program with too many tickets that have ended: those made until then count no longer."""
    invitation: str | None = None
    """The id of the link with which the first administrator may still sign in; the only key is that of the link."""

    @property
    def has_rules(self) -> bool:
        """Whether anyone was given access: an invitation that nobody has accepted is no rule yet."""
        return self.invitation is None and bool(self.keys or self.users)

    def rotate_secrets(self, now: float) -> None:
        """Add a secret if there is none that is new enough, and drop those that are too old."""
        if not self.secrets or self.secrets[-1].created < now - _ROTATE_AFTER:
            self.secrets.append(SecretRecord(secrets.token_urlsafe(32), now))
        del self.secrets[:-_SECRETS]

    def forget_expired(self, now: float) -> None:
        """Drop tickets that count no longer in any case."""
        self.ended = {ticket: until for ticket, until in self.ended.items() if until > now}
        self.signed_out = {tag: made for tag, made in self.signed_out.items() if made > now - COOKIE_SECONDS}


def fingerprint(record: KeyRecord | UserRecord) -> str:
    """Return a text that changes with everything in a record."""
    return hashlib.sha256(msgspec.json.encode(record)).hexdigest()[:16]


def read_records(folder: Path) -> AccessRecords:
    """Return the content of the file; without a file, no rules.

    Raises:
        ConfigurationError: the file cannot be read, or has an unexpected content.
    """
    path = folder / FILE_NAME
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_SIZE)
    except FileNotFoundError:
        return AccessRecords()
    except OSError as error:
        raise ConfigurationError(f"file {path}: expected a readable file of rules: {error.strerror}") from error
    return decode_records(content, str(path))


def decode_records(content: bytes, path: str) -> AccessRecords:
    """Decode the content of the file; ``path`` is for errors.

    Raises:
        ConfigurationError: the content is not as expected.
    """
    try:
        records = msgspec.json.decode(content, type=AccessRecords)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise ConfigurationError(f"file {path}: expected rules as this program writes them: {error}") from None
    if records.version != _VERSION:
        raise ConfigurationError(f"file {path}: expected version {_VERSION}, got {records.version}")
    return records


def change_records(folder: Path, change: Callable[[AccessRecords], T]) -> T:
    """Change the file; other programs that change it wait, and readers see the old or the new content.

    Args:
        folder: contains the file; it is created, for this user only, if it does not exist.
        change: changes the records, and returns what this function returns.

    Raises:
        ConfigurationError: the file cannot be read or written, or another program does not end its change.
    """
    path = folder / FILE_NAME
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (folder / f"{FILE_NAME}.lock").open("a+b") as lock:
            _give_to_owner(folder, lock.fileno())
            _wait_for(lock.fileno(), path)
            records = read_records(folder)
            result = change(records)
            _replace(folder, path, msgspec.json.format(msgspec.json.encode(records), indent=1))
            return result
    except OSError as error:
        raise ConfigurationError(f"file {path}: cannot be written: {error.strerror or error}") from error


def _wait_for(lock: int, path: Path) -> None:
    """Take the lock.

    Raises:
        ConfigurationError: another program has had it for too long.
    """
    deadline = time.monotonic() + _LOCK_TIMEOUT
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise ConfigurationError(
                    f"file {path}: another program has been changing the rules for {_LOCK_TIMEOUT:g} s; try again later"
                ) from None
            time.sleep(_LOCK_PAUSE)
        else:
            return


def _replace(folder: Path, path: Path, content: bytes) -> None:
    temporary = folder / f".{FILE_NAME}.{secrets.token_hex(4)}"
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            _give_to_owner(folder, file.fileno())
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _give_to_owner(folder: Path, descriptor: int) -> None:
    """Let the owner of the folder read what root writes: the server may run as another user than its administrator."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
