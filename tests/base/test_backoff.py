from __future__ import annotations

import json
from pathlib import Path

import pytest
import trio
import trio.lowlevel
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.backoff import Backoff, keep_trying


def test_waits_grow_up_to_the_longest() -> None:
    """The longest possible waits double from half a second to four."""
    backoff = Backoff(lambda: 1.0)
    assert [backoff.delay_after(0) for _ in range(9)] == [0.5, 1, 2, 4, 4, 4, 4, 4, 4]


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=50))
def test_waits_are_spread_over_their_whole_range(numbers: list[float]) -> None:
    """Each wait is the random number's share of the longest possible one."""
    drawn = iter(numbers)
    backoff = Backoff(lambda: next(drawn))
    for index, number in enumerate(numbers):
        assert backoff.delay_after(0) == pytest.approx(number * min(4, 0.5 * 2**index))


def test_the_back_off_is_that_of_the_pages() -> None:
    """Programs and pages wait alike: the test of the pages reads the same file."""
    golden = json.loads((Path(__file__).parents[1] / "golden" / "backoff.json").read_text("utf-8"))
    for number in golden["randoms"]:
        backoff = Backoff(lambda number=number: number)  # type: ignore[misc]
        waits = [backoff.delay_after(0) for _ in golden["ceilings"]]
        assert waits == pytest.approx([number * ceiling for ceiling in golden["ceilings"]])
        assert backoff.delay_after(golden["lasting"]) == pytest.approx(number * golden["ceilings"][0])


def test_whoever_brought_a_picture_begins_again() -> None:
    """The longest possible wait after each attempt is that of the golden file, which the pages read too."""
    golden = json.loads((Path(__file__).parents[1] / "golden" / "backoff.json").read_text("utf-8"))
    backoff = Backoff(lambda: 1.0)
    for attempt in golden["attempts"]:
        if attempt["carried"]:
            backoff.note_success()
        assert backoff.delay_after(attempt["lasted"]) == attempt["ceiling"]


def test_a_connection_that_lasted_is_a_new_beginning() -> None:
    """After ten good seconds the next wait is a short one again."""
    backoff = Backoff(lambda: 1.0)
    for _ in range(20):
        backoff.delay_after(9.9)
    assert backoff.delay_after(10.0) == 0.5
    assert backoff.delay_after(0) == 1


def test_years_of_failure_do_not_overflow() -> None:
    """The ten thousandth wait is still the longest."""
    backoff = Backoff(lambda: 1.0)
    assert [backoff.delay_after(0) for _ in range(10_000)][-1] == 4


async def test_attempts_go_on_until_one_succeeds(autojump_clock: trio.testing.MockClock) -> None:
    """Failures are reported with the wait that follows, and the result is that of the good attempt."""
    reported: list[tuple[str, float]] = []
    attempts = 0

    async def attempt() -> str:
        nonlocal attempts
        attempts += 1
        await trio.lowlevel.checkpoint()
        if attempts < 4:
            raise OSError(f"failure {attempts}")
        return "done"

    start = trio.current_time()
    result = await keep_trying(
        attempt, OSError, Backoff(lambda: 1.0), lambda error, delay: reported.append((str(error), delay))
    )
    assert result == "done"
    assert reported == [("failure 1", 0.5), ("failure 2", 1.0), ("failure 3", 2.0)]
    assert trio.current_time() - start == 3.5


async def test_other_errors_end_the_trying() -> None:
    """What no further attempt can mend is raised at once."""

    async def attempt() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await keep_trying(attempt, OSError, Backoff(lambda: 1.0), lambda *_: pytest.fail("reported"))


def test_an_attempt_that_did_its_work_starts_the_waits_anew() -> None:
    """However short it was."""
    backoff = Backoff(lambda: 1.0, first=1.0, longest=100.0)
    assert [backoff.delay_after(0) for _ in range(3)] == [1.0, 2.0, 4.0]
    backoff.note_success()
    assert backoff.delay_after(0) == 1.0
