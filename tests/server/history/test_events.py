"""Lines of files of events."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.server.history.events import (
    EventSource,
    RecordedEvent,
    decode_events,
    encode_end,
    encode_event,
    event_file,
)
from tests.clocks import NOON

EVENT = RecordedEvent("0123456789abcdef", "door", "person", EventSource.API, NOON)
moments = st.integers(0, 4_000_000_000_000).map(lambda milliseconds: milliseconds / 1000)
data = st.none() | st.booleans() | st.text(max_size=20) | st.dictionaries(st.text(max_size=5), st.integers(-9, 9))


@given(moments, moments, data)
def test_an_event_is_read_as_it_was(started_at: float, duration: float, value: object) -> None:
    """Times are the same to the millisecond, whether the end was known at the beginning or came later."""
    event = evolve(EVENT, started_at=started_at, data=value)
    over = evolve(event, ended_at=round(started_at + duration, 3))

    assert decode_events("door", [encode_event(event)]) == [event]
    assert decode_events("door", [encode_event(over)]) == [over]
    assert decode_events("door", [encode_event(event), encode_end(over)]) == [over]


def test_lines_that_cannot_be_read_are_skipped() -> None:
    """A line that was not written to its end, or by somebody else, costs no other event."""
    other = evolve(EVENT, id="f" * 16)
    lines = [
        encode_event(EVENT)[:30],
        b'{"id": "f"}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"id": "0000000000000000", "label": "no time"}',
        b'{"id": "0000000000000000", "label": "no zone", "begin": "2026-11-29T12:00:00"}',
        encode_event(other),
    ]

    assert decode_events("door", lines) == [other]


def test_a_file_is_that_of_the_day_in_utc() -> None:
    """An event before midnight and one after it are in two files."""
    midnight = NOON + 43_200

    assert event_file("door", midnight - 0.001) == "door/2026/11/29/events.jsonl"
    assert event_file("door", midnight) == "door/2026/11/30/events.jsonl"
