"""What viewers ask for and what they get, both ways."""

from __future__ import annotations

import json
import math
from base64 import b64decode
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.demand import NO_LIMITS, Limits
from skysentry_trio.exceptions import ProtocolViolation
from skysentry_trio.frames import Frame, RingStatistics
from skysentry_trio.wire.capture import join_envelope
from skysentry_trio.wire.messages import Clock, ClockReply, ErrorNotice, encode_message
from skysentry_trio.wire.viewer import (
    MAX_SUBSCRIBED,
    ClientConnected,
    ClientDisconnected,
    Clients,
    ClientSummary,
    FrameHeader,
    FrameUpdate,
    Pause,
    Resume,
    RingSummary,
    Subscribe,
    Unsubscribe,
    ViewerFormat,
    ViewerRequest,
    decode_envelope,
    decode_notice,
    decode_viewer_message,
    decode_viewer_query,
    encode_envelope,
    encode_frame_update,
    summarize_ring,
)

IDS = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}", fullmatch=True)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
RATES = st.floats(0.001, 1000)
FRAMES = st.builds(
    Frame,
    sequence=st.integers(1, 2**53),
    received_at=st.floats(0, 4e9),
    captured_at=st.none() | FINITE,
    jpeg=st.binary(max_size=200),
    width=st.integers(1, 65535),
    height=st.integers(1, 65535),
)
STATISTICS = st.builds(
    RingStatistics,
    size=st.integers(0, 16),
    capacity=st.integers(1, 16),
    frame_count=st.integers(0, 2**53),
    latest_at=st.none() | st.floats(0, 4e9),
    fps=st.floats(0, 1000),
)


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


@given(client_id=IDS, frame=FRAMES, stats=STATISTICS)
def test_an_envelope_comes_apart_as_it_was_put_together(client_id: str, frame: Frame, stats: RingStatistics) -> None:
    """Header and JPEG are the frame's, times in the units of the protocol."""
    header, jpeg = decode_envelope(encode_envelope(client_id, frame, stats))

    assert jpeg == frame.jpeg
    assert (header.client_id, header.sequence, header.size, header.format) == (
        client_id,
        frame.sequence,
        len(frame.jpeg),
        "jpeg",
    )
    assert header.fps == pytest.approx(stats.fps, abs=0.01)
    if frame.captured_at is None or math.isinf(frame.captured_at * 1000):
        assert header.captured_at is None
    else:
        assert header.captured_at == pytest.approx(frame.captured_at * 1000)


@given(message=st.binary())
def test_any_bytes_are_an_envelope_or_refused(message: bytes) -> None:
    """No bytes raise anything but a ProtocolViolation."""
    with suppress(ProtocolViolation):
        decode_envelope(message)


@pytest.mark.parametrize("header", [b"", b"{}", b'{"type":"frame"}', b'{"type":"other"}', b"[" * 4000])
def test_an_envelope_with_a_wrong_header_is_refused(header: bytes) -> None:
    """All keys of the header have to be there."""
    with pytest.raises(ProtocolViolation, match="the envelope's header is not as expected"):
        decode_envelope(join_envelope(header, b"jpeg"))


def test_a_header_that_knows_more_than_we_do_is_read() -> None:
    """Servers to come may add keys."""
    header = FrameHeader("a", 1, "2023-11-14T22:13:20.250+00:00", None, 4, 1.0)
    text = encode_message(header)[:-1] + ',"later":{}}'

    assert decode_envelope(join_envelope(text.encode(), b"jpeg")) == (header, b"jpeg")


@given(client_id=IDS, frame=FRAMES, stats=STATISTICS)
def test_old_viewers_get_the_frame_in_base64(client_id: str, frame: Frame, stats: RingStatistics) -> None:
    """The text message is that of SkySentry Go."""
    update = json.loads(encode_frame_update(client_id, frame, stats))

    assert list(update) == ["type", "clientId", "image", "timestamp", "size", "stats", "format"]
    assert list(update["stats"]) == ["size", "capacity", "frameCount", "latestTimestamp", "fps"]
    kind, _, data = update["image"].partition(",")
    assert (kind, b64decode(data)) == ("data:image/jpeg;base64", frame.jpeg)
    assert (update["type"], update["clientId"], update["size"]) == ("frame_update", client_id, len(frame.jpeg))
    assert isinstance(msgspec.json.decode(json.dumps(update), type=FrameUpdate), FrameUpdate)


def test_a_rings_statistics_in_wire_terms() -> None:
    """A ring without a frame has no latest moment, and the rate has two digits."""
    assert summarize_ring(RingStatistics(0, 16, 5, None, 0.0)) == RingSummary(0, 16, 5, None, 0.0)
    assert summarize_ring(RingStatistics(2, 16, 5, 1700000000.25, 29.97499)) == RingSummary(
        2, 16, 5, "2023-11-14T22:13:20.250+00:00", 29.97
    )
