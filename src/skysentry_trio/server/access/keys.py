"""API keys: 256 random bits as text that is recognized wherever it turns up, and that shows typing errors."""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from base64 import urlsafe_b64encode
from typing import Final

PREFIX: Final = "sky_"
_RANDOM_BYTES: Final = 32
_KEY: Final = re.compile(r"sky_[A-Za-z0-9_-]{43}[A-Za-z0-9_-]{6}", re.ASCII)
_CHECKSUM_LENGTH: Final = 6


def make_key() -> str:
    """Return a new key: ``sky_``, 43 random characters, and a checksum of 6."""
    text = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    return text + _checksum(text)


def is_key(text: str) -> bool:
    """Return whether a text has the form and the checksum of a key."""
    return _KEY.fullmatch(text) is not None and _checksum(text[:-_CHECKSUM_LENGTH]) == text[-_CHECKSUM_LENGTH:]


def hash_key(key: str) -> str:
    """Return what is kept of a key.

    One round of SHA-256 is enough, because nobody can guess 256 random bits. It takes a microsecond, so a thousand
    cameras that return at the same moment do not wait for each other.
    """
    return hashlib.sha256(key.encode()).hexdigest()


def _checksum(text: str) -> str:
    return urlsafe_b64encode(zlib.crc32(text.encode()).to_bytes(4, "big")).decode("ascii").rstrip("=")
