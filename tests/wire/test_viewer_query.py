"""What stands in the address that a viewer opens."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.demand import NO_LIMITS, Limits
from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.viewer_query import ViewerFormat, ViewerRequest, decode_viewer_query


def ask(query: str) -> ViewerRequest:
    return decode_viewer_query(query, ViewerFormat.ENVELOPE)


@pytest.mark.parametrize(
    ("query", "request_"),
    [
        ("", ViewerRequest(ViewerFormat.ENVELOPE, None, NO_LIMITS)),
        ("format=json", ViewerRequest(ViewerFormat.JSON, None, NO_LIMITS)),
        ("format=envelope", ViewerRequest(ViewerFormat.ENVELOPE, None, NO_LIMITS)),
        ("format=jpeg&client=door", ViewerRequest(ViewerFormat.JPEG, frozenset({"door"}), NO_LIMITS)),
        ("format=jpeg&client=door&client=door", ViewerRequest(ViewerFormat.JPEG, frozenset({"door"}), NO_LIMITS)),
        ("client=a&client=b", ViewerRequest(ViewerFormat.ENVELOPE, frozenset({"a", "b"}), NO_LIMITS)),
        ("client=front%2Ddoor", ViewerRequest(ViewerFormat.ENVELOPE, frozenset({"front-door"}), NO_LIMITS)),
        ("maxFps=5", ViewerRequest(ViewerFormat.ENVELOPE, None, Limits(5.0))),
        ("maxFps=9&maxFps=0.5", ViewerRequest(ViewerFormat.ENVELOPE, None, Limits(0.5))),
        ("maxWidth=640&quality=0.6", ViewerRequest(ViewerFormat.ENVELOPE, None, Limits(None, 640, 0.6))),
        ("later=1&format=json", ViewerRequest(ViewerFormat.JSON, None, NO_LIMITS)),
    ],
)
def test_a_query_says_what_a_viewer_wants(query: str, request_: ViewerRequest) -> None:
    """Format, cameras and rate are read, unknown keys ignored."""
    assert ask(query) == request_


def test_who_asks_for_nothing_gets_the_default_format() -> None:
    """The operator may choose what old viewers get."""
    assert decode_viewer_query("client=a", ViewerFormat.JSON).format is ViewerFormat.JSON


@pytest.mark.parametrize(
    "query",
    [
        "format=xml",
        "format=",
        "format=JPEG",
        "format=jpeg",
        "format=jpeg&client=a&client=b",
        "client=",
        "client=a%2Fb",
        "client=%00",
        "client=%ff",
        "client=" + "a" * 65,
        "maxFps=",
        "maxFps=0",
        "maxFps=-1",
        "maxFps=nan",
        "maxFps=inf",
        "maxFps=1e7",
        "maxFps=1e-320",
        "maxFps=fast",
        "maxWidth=0",
        "maxWidth=65536",
        "maxWidth=6.5",
        "quality=0",
        "quality=1.01",
        "quality=nan",
        "&" * 5000,
        "client=a&" * 1025,
    ],
    ids=lambda query: query[:40],
)
def test_a_query_that_makes_no_sense_is_refused(query: str) -> None:
    """Each wrong value is said in printable words."""
    with pytest.raises(ProtocolViolation) as refused:
        ask(query)
    assert str(refused.value).isprintable()
    assert refused.value.close_code == 1008


@given(query=st.text(st.characters(codec=None)))
def test_any_query_is_read_or_refused(query: str) -> None:
    """No query raises anything but a ProtocolViolation."""
    with suppress(ProtocolViolation):
        ask(query)
