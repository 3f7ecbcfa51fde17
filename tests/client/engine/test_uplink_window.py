from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from skysentry_trio.base.ledbat import TARGET
from skysentry_trio.client.engine.uplink_window import FIRST, LARGEST, UplinkWindow

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "uplink.json").read_text("utf-8"))


@pytest.mark.parametrize("case", GOLDEN["window"], ids=lambda case: str(case["name"]))
def test_the_window_follows_the_receipts(case: dict[str, Any]) -> None:
    """Event by event as in the golden cases, which the capture page is tested with too."""
    window = UplinkWindow()
    for event in case["events"]:
        now = event["at"] / 1000
        if "send" in event:
            window.send(event["send"], now)
        elif "receipt" in event:
            window.take_answer(event["receipt"], now)
        else:
            window.note_round_trip(event["roundTrip"] / 1000, now)
        assert window.size == event["size"], event


def round_trips(window: UplinkWindow, count: int, seconds: float, *, start: float = 0.0) -> float:
    """Keep the window full while each frame takes so long; return the time at the end."""
    now, key = start, 0.0
    under_way: list[tuple[float, float]] = []
    for _ in range(count):
        while window.is_open:
            key += 1
            window.send(key, now)
            under_way.append((key, now))
        first, sent_at = under_way.pop(0)
        now = max(now, sent_at + seconds)
        window.take_answer(first, now)
    return now


def test_two_frames_may_be_under_way() -> None:
    """The third has to wait for an answer to the first."""
    window = UplinkWindow()
    window.send(1, 0.0)
    assert window.is_open
    window.send(2, 0.0)
    assert not window.is_open
    window.take_answer(1, 0.01)
    assert window.is_open


def test_an_answer_stands_for_all_before() -> None:
    """Frames arrive in the order they were sent."""
    window = UplinkWindow()
    window.send(1, 0.0)
    window.send(2, 0.0)
    window.take_answer(2, 0.01)
    window.send(3, 0.02)
    assert window.is_open


def test_other_answers_mean_nothing() -> None:
    """A question that was asked for the clock's sake is no receipt."""
    window = UplinkWindow()
    window.send(1, 0.0)
    window.send(2, 0.0)
    window.take_answer(0.5, 0.01)
    assert not window.is_open


def test_one_slow_receipt_alone_is_no_queue() -> None:
    """It may be the scheduler's doing."""
    window = UplinkWindow()
    for sent_at, seconds in ((0.0, 0.02), (0.1, 0.02), (0.2, 0.4)):
        window.send(sent_at, sent_at)
        window.take_answer(sent_at, sent_at + seconds)
    assert window.queueing(0.6) == pytest.approx(0.0)


def test_the_window_has_a_limit() -> None:
    """However quickly the receipts come."""
    window = UplinkWindow()
    round_trips(window, 200, 0.2)
    assert window.size == LARGEST


def test_a_link_that_is_not_filled_keeps_its_window() -> None:
    """Who sends less than the window lets through learns nothing about a larger one."""
    window = UplinkWindow()
    for number in range(100):
        window.send(number, number / 10)
        window.take_answer(number, number / 10 + 0.05)
    assert window.size == FIRST


def test_a_queue_makes_the_window_smaller() -> None:
    """What takes longer than the fastest message ever did by more than the target waits in a queue."""
    window = UplinkWindow()
    now = round_trips(window, 100, 0.05)
    assert window.size > 5
    round_trips(window, 300, 0.05 + 4 * TARGET, start=now)
    assert window.size == 1


def test_the_fastest_message_may_be_no_frame() -> None:
    """A frame's own length counts as delay: a slow link is not idle because it never was faster."""
    window = UplinkWindow()
    window.note_round_trip(0.001, 0.0)
    window.send(1, 0.0)
    window.take_answer(1, 0.121)
    assert window.queueing(0.121) == pytest.approx(0.12)
    assert window.is_congested(0.121)


def test_what_was_fastest_long_ago_is_forgotten() -> None:
    """A route that became longer for good is not a queue for ever."""
    window = UplinkWindow()
    window.note_round_trip(0.001, 0.0)
    for minute in range(1, 12):
        window.note_round_trip(0.2, minute * 60.0)
    window.send(1, 700.0)
    window.take_answer(1, 700.2)
    assert window.queueing(700.2) == pytest.approx(0.0)


def test_a_link_is_crowded_when_nothing_is_answered_any_more() -> None:
    """What was answered before does not count for ever."""
    window = UplinkWindow()
    assert not window.is_congested(0.0)
    window.send(1, 0.0)
    window.take_answer(1, 0.01)
    assert not window.is_congested(0.02)
    window.send(2, 1.0)
    assert not window.is_congested(1.02)
    assert window.is_congested(1.2)
