"""Suggest what a person meant who mistyped a word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def closest(wrong: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most like the wrong one; None if none is similar. Capital letters do not matter."""
    by_lower_case = {word.lower(): word for word in known}
    found = difflib.get_close_matches(wrong.lower(), by_lower_case, n=1)
    return by_lower_case[found[0]] if found else None


def did_you_mean(wrong: str, known: Iterable[str], prefix: str = "") -> str:
    """Return the end of an error's sentence: ``; did you mean ...?``, or nothing if no known word is similar.

    Args:
        wrong: what the person wrote.
        known: the words that would be right.
        prefix: written before the suggested word.
    """
    word = closest(wrong, known)
    return "" if word is None else f"; did you mean {prefix}{word}?"
