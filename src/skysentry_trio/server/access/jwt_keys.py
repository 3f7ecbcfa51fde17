"""The public keys of an identity provider (RFC 7517): fetched when they are needed, kept for a while."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, build_opener

import msgspec
import trio
from attrs import define, field, frozen
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, import_key

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.logs import get_logger

log = get_logger(__name__)

FRESH: Final = 600.0
"""Seconds after which the keys are fetched again when a token comes."""
STALE: Final = 86400.0
"""Seconds after which keys that could not be fetched again count no more."""
RETRY: Final = 30.0
"""Seconds between two attempts to fetch: tokens with invented keys must not make the server ask all the time."""
_TIMEOUT: Final = 10.0
_AT_ONCE: Final = 2
_MAX_SIZE: Final = 256 * 1024
_MAX_KEYS: Final = 100
_ASYMMETRIC: Final = frozenset({"RSA", "EC", "OKP"})


class CannotFetch(Exception):
    """The keys cannot be fetched, or are invalid; the message says why."""


class _NoRedirects(HTTPRedirectHandler):
    """Refuses redirects, which could lead to an address without encryption."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


@frozen
class KeySource:
    """A file, or an address that begins with ``https://`` or ``http://``."""

    location: str
    # A thread that hangs is left behind. It must be none of those that the rest of the server needs.
    _threads: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(_AT_ONCE), repr=False, eq=False)

    async def fetch(self) -> bytes:
        """Return the text with the keys.

        Raises:
            CannotFetch: the file or the address cannot be read.
        """
        read = self._download if "://" in self.location else self._read_file
        try:
            with trio.fail_after(_TIMEOUT):
                return await trio.to_thread.run_sync(read, limiter=self._threads, abandon_on_cancel=True)
        except trio.TooSlowError:
            raise CannotFetch(f"no answer within {_TIMEOUT:g} s") from None
        except (OSError, HTTPException, ValueError) as error:
            # Errors of HTTP and of the address are among these.
            raise CannotFetch(str(error) or type(error).__name__) from error

    def _read_file(self) -> bytes:
        with Path(self.location).open("rb") as file:
            return file.read(_MAX_SIZE + 1)

    def _download(self) -> bytes:
        try:
            with build_opener(_NoRedirects).open(self.location, timeout=_TIMEOUT) as answer:
                data: bytes = answer.read(_MAX_SIZE + 1)
                return data
        except HTTPError as error:
            error.close()
            raise OSError(f"HTTP status {error.code}") from None


def parse_keys(data: bytes) -> KeySet:
    """Return the keys for signatures; keys for other purposes, and those of unknown kinds, are left out.

    Raises:
        CannotFetch: the text is not a set of keys, or has none that can be used.
    """
    if len(data) > _MAX_SIZE:
        raise CannotFetch(f"expected at most {_MAX_SIZE} bytes of keys, got more")
    try:
        entries = msgspec.json.decode(data, type=dict[str, Any])["keys"]
    except (msgspec.MsgspecError, KeyError, RecursionError) as error:
        raise CannotFetch(f"expected a JSON object with keys: {error}") from error
    if not isinstance(entries, list) or len(entries) > _MAX_KEYS:
        raise CannotFetch(f"expected a list of at most {_MAX_KEYS} keys")
    keys: list[Key] = []
    for entry in entries:
        if isinstance(entry, dict) and entry.get("kty") in _ASYMMETRIC and entry.get("use", "sig") == "sig":
            try:
                keys.append(import_key(entry))
            except (JoseError, ValueError, TypeError, KeyError) as error:
                log.warning("key of the identity provider ignored", error=str(error))
    if not keys:
        raise CannotFetch("expected at least one public key for signatures")
    return KeySet(keys)


@define(eq=False)
class KeyCache:
    """Keeps the keys, and fetches them again when they are old or lack the key that a token names."""

    _fetch: Callable[[], Awaitable[bytes]]
    _keys: KeySet | None = field(default=None, init=False)
    _fetched_at: float = field(default=-math.inf, init=False)
    _tried_at: float = field(default=-math.inf, init=False)
    _fetching: trio.Lock = field(factory=trio.Lock, init=False, repr=False)

    async def find(self, key_id: str | None) -> KeySet:
        """Return the keys; they may lack the key with this id, which then does not exist.

        Raises:
            ProtocolViolation: with code ``busy``: there are no keys, and none can be fetched now.
        """
        if not self._is_enough(key_id) and not (self._has(key_id) and self._fetching.locked()):
            async with self._fetching:
                # Another request may have fetched them while this one waited.
                if not self._is_enough(key_id) and trio.current_time() - self._tried_at >= RETRY:
                    await self._refresh()
        if self._keys is None or trio.current_time() - self._fetched_at > STALE:
            raise ProtocolViolation("the keys of the identity provider are missing; the log has the reason", "busy")
        return self._keys

    def _has(self, key_id: str | None) -> bool:
        return self._keys is not None and (key_id is None or any(key.kid == key_id for key in self._keys))

    def _is_enough(self, key_id: str | None) -> bool:
        return self._has(key_id) and trio.current_time() - self._fetched_at < FRESH

    async def _refresh(self) -> None:
        self._tried_at = trio.current_time()
        try:
            self._keys = parse_keys(await self._fetch())
        except CannotFetch as error:
            log.warning("cannot fetch the keys of the identity provider", error=str(error), kept=self._keys is not None)
        else:
            self._fetched_at = trio.current_time()
