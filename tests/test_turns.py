"""All get the same number of turns, as far as they want them."""

from __future__ import annotations

from collections import Counter

from skysentry_trio.turns import Turns


def test_those_who_always_wait_take_turns() -> None:
    """Whatever order they are named in."""
    turns = Turns()

    assert [turns.take(["a", "b", "c"]) for _ in range(3)] == ["a", "b", "c"]
    assert [turns.take(["c", "b", "a"]) for _ in range(3)] == ["c", "b", "a"]


def test_one_that_waits_seldom_goes_first() -> None:
    """It does not stand in line behind one that is always there."""
    turns = Turns()
    for _ in range(10):
        turns.take(["fast"])

    assert turns.take(["fast", "slow"]) == "slow"


def test_missed_turns_are_kept_but_not_for_ever() -> None:
    """After a long silence a camera is first two times more often, and then one among others."""
    turns = Turns()
    for _ in range(100):
        turns.take(["a"])

    taken = Counter(turns.take(["a", "b"]) for _ in range(12))
    assert taken == {"a": 5, "b": 7}


def test_what_is_forgotten_begins_anew() -> None:
    """A camera that comes back is like any other that had nothing for long."""
    turns = Turns()
    turns.take(["a"])
    turns.take(["b"])
    turns.forget("a")

    assert turns.take(["b", "a"]) == "a"
    assert turns._had.keys() == {"a", "b"}
