from __future__ import annotations

import pytest

from skysentry_trio.base.suggestions import closest, did_you_mean


@pytest.mark.parametrize(
    ("wrong", "found"), [("serv", "serve"), ("SERVE", "serve"), ("patterm", "pattern"), ("xyz", None), ("", None)]
)
def test_the_most_similar_word_is_suggested(wrong: str, found: str | None) -> None:
    """Capital letters do not matter, and what is like nothing gets no suggestion."""
    assert closest(wrong, ["serve", "pattern", "watch"]) == found


def test_a_suggestion_ends_a_sentence() -> None:
    """With what goes before the word."""
    assert did_you_mean("prot", ["port", "host"], "--") == "; did you mean --port?"
    assert did_you_mean("zzz", ["rtsp"]) == ""
