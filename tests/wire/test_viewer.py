"""What viewers and the server say to each other beside frames, both ways."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.messages import Clock, ClockReply, ErrorNotice, encode_message
from skysentry_trio.wire.viewer import (
    ClientConnected,
    ClientDisconnected,
    Clients,
    ClientSummary,
    Pause,
    Resume,
    Subscribe,
    Unsubscribe,
    decode_notice,
    decode_viewer_message,
)
from skysentry_trio.wire.viewer_query import MAX_SUBSCRIBED

IDS = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}", fullmatch=True)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
RATES = st.floats(0.001, 1000)


@given(
    message=st.builds(Subscribe, st.just("*") | st.lists(IDS, max_size=5), st.none() | RATES)
    | st.builds(Unsubscribe, st.lists(IDS, max_size=5))
    | st.builds(Clock, FINITE)
    | st.sampled_from([Pause(), Resume()])
)
def test_what_a_viewer_says_comes_back_as_it_was(message: Any) -> None:
    """The server reads what a viewer wrote."""
    assert decode_viewer_message(encode_message(message)) == message


@given(
    message=st.builds(Clients, st.lists(st.builds(ClientSummary, IDS, st.none() | st.text(), st.booleans(), RATES)))
    | st.builds(ClientConnected, IDS, st.none() | st.text())
    | st.builds(ClientDisconnected, IDS, st.booleans())
    | st.builds(ErrorNotice, st.text(), st.text())
    | st.builds(ClockReply, FINITE, FINITE)
)
def test_what_the_server_says_comes_back_as_it_was(message: Any) -> None:
    """A viewer reads what the server wrote."""
    assert decode_notice(encode_message(message)) == message


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"subscribe"}',
        '{"type":"subscribe","clients":"all"}',
        '{"type":"subscribe","clients":["a/b"]}',
        '{"type":"subscribe","clients":[7]}',
        '{"type":"subscribe","clients":["a"],"maxFps":0}',
        '{"type":"subscribe","clients":["a"],"maxFps":-5}',
        '{"type":"subscribe","clients":"*","maxFps":1e300}',
        '{"type":"subscribe","clients":"*","maxFps":1e-320}',
        '{"type":"subscribe","clients":"*","maxFps":"5"}',
        '{"type":"unsubscribe","clients":"*"}',
        '{"type":"unsubscribe","clients":[""]}',
        json.dumps({"type": "subscribe", "clients": ["a"] * (MAX_SUBSCRIBED + 1)}),
        json.dumps({"type": "unsubscribe", "clients": ["a"] * (MAX_SUBSCRIBED + 1)}),
    ],
    ids=lambda text: text[:60],
)
def test_a_malformed_message_of_a_viewer_is_refused(text: str) -> None:
    """Ids that are none, rates that make no sense, too many of either."""
    with pytest.raises(ProtocolViolation):
        decode_viewer_message(text)


@pytest.mark.parametrize("verb", ["subscribe", "unsubscribe"])
def test_a_viewer_may_name_as_many_cameras_as_the_limit_says(verb: str) -> None:
    """The limit itself is fine."""
    text = json.dumps({"type": verb, "clients": [f"c{number}" for number in range(MAX_SUBSCRIBED)]})

    assert decode_viewer_message(text) is not None


@given(text=st.text(st.characters(codec=None)))
def test_any_text_is_decoded_or_refused(text: str) -> None:
    """No text raises anything but a ProtocolViolation on either side."""
    for decode in (decode_viewer_message, decode_notice):
        with suppress(ProtocolViolation):
            decode(text)


def test_the_list_of_as_many_cameras_as_there_may_be_is_read() -> None:
    """What a server says is not bounded as what anybody may say to it."""
    cameras = Clients([ClientSummary(f"{number:064}", "\N{SNOWMAN}" * 80, True, 15.02) for number in range(10_000)])

    assert decode_notice(encode_message(cameras)) == cameras
