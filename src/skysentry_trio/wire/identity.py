"""Ids and labels of cameras: check an id, clean a label."""

from __future__ import annotations

import re

from skysentry_trio.base.exceptions import ProtocolViolation

MAX_LABEL_LENGTH = 80

_CAMERA_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


def check_camera_id(text: str) -> str:
    """Return the id if it is valid.

    An id is used unchanged in addresses and file names, so ``.`` and ``..`` are refused as well.

    Raises:
        ProtocolViolation: with code ``invalid-client-id``.
    """
    if _CAMERA_ID.fullmatch(text) and text not in {".", ".."}:
        return text
    shown = ascii(text if len(text) <= 80 else text[:77] + "...")
    raise ProtocolViolation(
        f"a camera id is 1 to 64 letters, digits, '.', '_' or '-' (and not '.' or '..'), got {shown}",
        "invalid-client-id",
    )


def clean_label(text: str | None) -> str | None:
    """Return the printable characters of a label, at most 80; None if there are none."""
    if text is None:
        return None
    return "".join(character for character in text if character.isprintable())[:MAX_LABEL_LENGTH].strip() or None
