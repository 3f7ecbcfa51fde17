"""Keys are random, recognizable, and show typing errors."""

from __future__ import annotations

import pytest

from skysentry_trio.server.access.keys import hash_key, is_key, make_key


def test_a_key_is_recognized() -> None:
    """By its beginning, its length and its checksum; no two are the same."""
    one, two = make_key(), make_key()
    assert one.startswith("sky_")
    assert is_key(one)
    assert one != two
    assert hash_key(one) != hash_key(two)


@pytest.mark.parametrize(
    "change", [lambda key: key[:-1], lambda key: key + "A", str.lower, lambda key: key[:10] + key[9:-1]]
)
def test_a_mistyped_key_is_not_one(change: object) -> None:
    """Cut, longer, in other case, or with a letter twice."""
    assert callable(change)
    assert not is_key(change("sky_" + "Ab-_" * 10 + "abc" + "AAAAAA"))
    assert not is_key(change(make_key()) + " ")
