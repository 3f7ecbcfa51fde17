"""The linter for idioms finds what it is to find, and nothing else."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("plain_english", Path(__file__).parents[1] / "docs" / "plain_english.py")
assert _spec is not None
assert _spec.loader is not None
plain_english = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(plain_english)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("After 60 frames that are none it is closed.", 1),
        ("One line.\nWhoever reads slowly misses frames.", 2),
        ("It begins anew.", 1),
        ("# so that others have\n# their turn in between", 2),
        ("at most so many frames", 1),
    ],
)
def test_an_idiom_is_found_on_its_line(text: str, line: int) -> None:
    """Also where a line break splits it."""
    assert [found for found, _, _ in plain_english.find(text)] == [line]


@pytest.mark.parametrize(
    "text", ["a frame that is not a JPEG", "It returns the next camera.", "renewed", "so manyfold"]
)
def test_plain_words_pass(text: str) -> None:
    """A part of another word is no idiom."""
    assert list(plain_english.find(text)) == []


def test_the_repository_is_in_plain_english() -> None:
    """As `nox -s lint` checks it."""
    assert plain_english.main() == 0
