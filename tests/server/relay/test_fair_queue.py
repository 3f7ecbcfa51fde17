"""All get the same number of turns, as far as they want them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from skysentry_trio.server.relay.fair_queue import FairQueue


def take(turns: FairQueue, always: Collection[str], times: int) -> str:
    """Let some cameras wait again as soon as they had a turn; return who had one, in order."""
    taken = ""
    for _ in range(times):
        camera_id = turns.take()
        taken += camera_id
        if camera_id in always:
            turns.join(camera_id)
    return taken


def test_those_who_always_wait_take_turns() -> None:
    """In the order in which they came."""
    turns = FairQueue()
    for camera_id in "bac":
        turns.join(camera_id)

    assert take(turns, "abc", 9) == "bacbacbac"


def test_one_that_waits_seldom_goes_first() -> None:
    """It does not stand in line behind one that is always there."""
    turns = FairQueue()
    turns.join("f")
    take(turns, "f", 10)
    turns.join("s")

    assert take(turns, "f", 3) == "sff"


def test_missed_turns_are_kept_but_not_for_ever() -> None:
    """After a long silence a camera is first two times more often, and then one among others."""
    turns = FairQueue()
    turns.join("a")
    take(turns, "a", 100)
    turns.join("b")

    assert Counter(take(turns, "ab", 12)) == {"a": 5, "b": 7}


def test_what_is_forgotten_begins_anew() -> None:
    """A camera that comes back is like any other that had nothing for long, whether it waited or not."""
    turns = FairQueue()
    for camera_id in "abc":
        turns.join(camera_id)
    assert take(turns, "b", 2) == "ab"
    turns.forget("a")
    turns.forget("c")
    turns.join("c")
    turns.join("a")

    assert take(turns, "", 3) == "cab"
    assert turns._had.keys() == {"a", "b", "c"}


def test_a_camera_that_comes_and_goes_takes_no_more_and_more_memory() -> None:
    """Whoever is never sent anything can change its mind for ever."""
    turns = FairQueue()
    turns.join("a")
    for _ in range(1000):
        turns.join("b")
        turns.forget("b")

    assert len(turns._queue) < 50
    assert take(turns, "a", 2) == "aa"


def test_one_among_thousands_is_found_at_once() -> None:
    """Nobody is asked but those at the head of the queue: 5000 cameras have 20 turns each in no time."""
    turns, ids = FairQueue(), [f"camera-{number}" for number in range(5000)]
    for camera_id in ids:
        turns.join(camera_id)
    taken = Counter[str]()
    for _ in range(100_000):
        camera_id = turns.take()
        taken[camera_id] += 1
        turns.join(camera_id)

    assert set(taken.values()) == {20}
