"""The languages of the pages that the server writes itself, and which of them a browser gets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

LANGUAGES: Final = ("en", "de")
"""Codes as in HTML; the first is for browsers that want none of them."""


def choose_language(accepted: Iterable[tuple[str, float]]) -> str:
    """Return the language to answer in.

    Args:
        accepted: tags such as ``de-AT`` and their qualities, of the ``Accept-Language`` header, the best first.
    """
    wanted = (tag.lower().partition("-")[0] for tag, quality in accepted if quality > 0)
    return next((language for language in wanted if language in LANGUAGES), LANGUAGES[0])
