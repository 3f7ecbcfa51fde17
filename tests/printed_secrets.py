"""No key, link, cookie, token or password that tests use is in what tests, servers and programs print.

The forms of all but passwords are recognized, also of those that a server has made. Passwords are noted where tests
make them.
"""

from __future__ import annotations

import re
from typing import Final

from skysentry_trio.server.access.keys import is_key

_KEY: Final = re.compile(r"sky_[A-Za-z0-9_-]{49}", re.ASCII)
# Links, cookies and tokens of identity providers: JSON in base64, perhaps compressed, and a signature.
_SIGNED: Final = re.compile(r"(?:lnk_)?\.?e[yJ][A-Za-z0-9_-]{16,}\.[A-Za-z0-9_.-]{20,}", re.ASCII)
# The links that a server prints on purpose: for the first administrator, and for a phone.
_INVITATION: Final = re.compile(r"^\s*http\S+/(?:admin|capture)\?link=lnk_\S+$", re.MULTILINE)
_passwords: Final = set[str]()


def note_password(password: str) -> None:
    """Let nothing contain a password from now on."""
    _passwords.add(password)


def find_secrets(text: str) -> list[str]:
    """Return the lines of a text that have a secret in them."""
    text = _INVITATION.sub("", text)
    if not ("sky_" in text or _SIGNED.search(text) or any(password in text for password in _passwords)):
        return []
    return [line for line in text.splitlines() if _has_secret(line)]


def _has_secret(line: str) -> bool:
    return (
        any(map(is_key, _KEY.findall(line)))
        or _SIGNED.search(line) is not None
        or any(password in line for password in _passwords)
    )
