"""Passwords of people: hashed with argon2id in a thread, at most two at the same time."""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import ProtocolViolation

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MIN_LENGTH: Final = 8
MAX_LENGTH: Final = 256
_AT_ONCE: Final = 2
"""Each takes 64 MiB and some ten milliseconds of a processor."""
_WAITING: Final = 32
"""Most passwords that wait to be checked."""
_REMEMBERED: Final = 1000


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    # Imported here, because a server without people who have passwords does not need the library.
    from argon2 import PasswordHasher  # noqa: PLC0415

    return PasswordHasher()


def hash_password(password: str) -> str:
    """Return what is kept of a password; this takes some ten milliseconds."""
    return _hasher().hash(password)


def check_length(password: str) -> None:
    """Check that a new password has an acceptable length.

    Raises:
        ValueError: it is too short or too long.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise ValueError(f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters, got {len(password)}")


@lru_cache(maxsize=1)
def _hash_of_nothing() -> str:
    return _hasher().hash(secrets.token_urlsafe())


def _matches(hashed: str | None, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 - see `_hasher`

    try:
        # Without such a user, the same work is done, so that the time does not show which users there are.
        _hasher().verify(hashed or _hash_of_nothing(), password)
    except (VerificationError, InvalidHashError):
        return False
    return hashed is not None


@define(eq=False)
class PasswordChecker:
    """Compares passwords with their hashes without delaying the event loop."""

    _threads: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(_AT_ONCE), init=False)
    _secret: bytes = field(factory=secrets.token_bytes, init=False, repr=False)
    _right: OrderedDict[bytes, None] = field(factory=OrderedDict, init=False, repr=False)
    """What was right before, as a keyed hash: programs send the password with every picture that they ask for."""

    async def matches(self, hashed: str | None, password: str) -> bool:
        """Return whether a password has this hash; None is the hash of a user who does not exist.

        Raises:
            ProtocolViolation: with code ``busy``: too many passwords are being checked.
        """
        mark = hmac.digest(self._secret, f"{hashed}\0{password}".encode(), "sha256")
        if mark in self._right:
            self._right.move_to_end(mark)
            return True
        if self._threads.statistics().tasks_waiting >= _WAITING:
            raise ProtocolViolation(f"{_WAITING} passwords wait to be checked, which is the limit", "busy")
        if len(password) > MAX_LENGTH or not await trio.to_thread.run_sync(
            _matches, hashed, password, limiter=self._threads
        ):
            return False
        self._right[mark] = None
        if len(self._right) > _REMEMBERED:
            self._right.popitem(last=False)
        return True
