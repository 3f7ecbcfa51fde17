from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.query import Query, decode_query


def test_the_last_of_a_name_counts() -> None:
    """Names without a value have an empty one, and nothing at all is an empty query."""
    query = decode_query("a=1&b&a=2&c=%2Fx+y")
    assert [query.text(name) for name in "abcd"] == ["2", "", "/x y", None]
    assert decode_query("") == Query({})


@pytest.mark.parametrize("query", ["a=%ff", "&".join(["a=1"] * 200)])
def test_what_is_no_query_is_refused(query: str) -> None:
    """Not UTF-8, or a number of fields that nobody needs."""
    with pytest.raises(ProtocolViolation, match="the query cannot be read"):
        decode_query(query)


@given(st.text())
def test_any_text_is_a_query_or_a_violation(text: str) -> None:
    """Nothing else comes of it."""
    try:
        query = decode_query(text)
    except ProtocolViolation:
        return
    for name in query.fields:
        for read in (query.flag, query.moment, lambda name: query.whole(name, 0, 5)):
            with suppress(ProtocolViolation):
                read(name)


@pytest.mark.parametrize(("text", "value"), [("x=1", True), ("x", True), ("x=0", False), ("", False)])
def test_a_flag_is_on_or_off(text: str, value: bool) -> None:
    """Its name alone switches it on."""
    assert decode_query(text).flag("x") is value


@pytest.mark.parametrize("text", ["x=yes", "x=2"])
def test_a_flag_is_nothing_else(text: str) -> None:
    """Guessing would be wrong half of the time."""
    with pytest.raises(ProtocolViolation, match="x is 0 or 1"):
        decode_query(text).flag("x")


@pytest.mark.parametrize(("text", "value"), [("", None), ("x=0.5", 0.5), ("x=2", 2.0), ("x=1e0", 1.0)])
def test_a_number_within_limits(text: str, value: float | None) -> None:
    """The limits are allowed."""
    assert decode_query(text).number("x", 0.5, 2) == value


@pytest.mark.parametrize("text", ["x=", "x=one", "x=0.4", "x=2.1", "x=nan", "x=inf", "x=1,5"])
def test_a_number_that_is_none_or_out_of_limits(text: str) -> None:
    """The message names the limits."""
    with pytest.raises(ProtocolViolation, match=r"x is a number from 0\.5 to 2"):
        decode_query(text).number("x", 0.5, 2)


def test_small_and_large_limits_are_written_without_an_exponent() -> None:
    """People read them."""
    with pytest.raises(ProtocolViolation, match=r"x is a number from 0\.000001 to 9007199254740992, got "):
        decode_query("x=-1").number("x", 1e-6, 2**53)


@pytest.mark.parametrize("text", ["x=", "x=one", "x=nan"])
def test_what_is_no_number_at_all(text: str) -> None:
    """Without limits the message names none."""
    with pytest.raises(ProtocolViolation, match=r"x is a number, got "):
        decode_query(text).number("x")


def test_a_whole_number() -> None:
    """A fraction is none, and neither is what has no end."""
    assert decode_query("x=3").whole("x", 0, 5) == 3
    assert decode_query("").whole("x", 0, 5) is None
    with pytest.raises(ProtocolViolation, match="x is a whole number"):
        decode_query("x=3.5").whole("x", 0, 5)
    with pytest.raises(ProtocolViolation, match="x is a whole number"):
        decode_query("x=inf").whole("x")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("x=1700000000.25", 1700000000.25),
        ("x=2023-11-14T22:13:20.250Z", 1700000000.25),
        ("x=2023-11-14T23:13:20%2B01:00", 1700000000.0),
        ("x=2023-11-14T23:13:20+01:00", 1700000000.0),
        ("x=2023-11-14 22:13:20Z", 1700000000.0),
    ],
)
def test_a_moment(text: str, value: float | None) -> None:
    """Seconds since the epoch, or RFC 3339, with or without the care that a plus sign needs."""
    assert decode_query(text).moment("x") == value


@pytest.mark.parametrize(
    "text", ["x=", "x=now", "x=2023-11-14T22:13:20", "x=1700000000250", "x=-1", "x=0001-01-01T00:00:00%2B14:00"]
)
def test_what_is_no_moment(text: str) -> None:
    """A time without an offset is nobody's, and milliseconds are no seconds."""
    with pytest.raises(ProtocolViolation, match="x is a moment such as"):
        decode_query(text).moment("x")


def test_a_query_of_percent_signs_is_refused() -> None:
    """To decode 16,000 of them would take longer than other peers should wait."""
    with pytest.raises(ProtocolViolation, match="may have 5500 percent signs, got 16000"):
        decode_query("%" * 16_000)
