"""What cameras and the server say to each other, both ways."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.capture import (
    CapturedJpeg,
    Demand,
    Registration,
    RegistrationError,
    RegistrationSuccess,
    decode_camera_message,
    decode_jpeg,
    decode_server_message,
    encode_registration,
)
from skysentry_trio.wire.envelope import join_envelope
from skysentry_trio.wire.messages import Clock, ClockReply, ErrorNotice, encode_message
from tests.wire.pictures import KINDS

JPEG, SIZE = KINDS["baseline"]
IDS = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}", fullmatch=True)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | FINITE | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(camera_id=IDS, name=st.none() | st.text(), capabilities=st.lists(st.text(), max_size=4))
def test_a_registration_comes_back_as_it_was(camera_id: str, name: str | None, capabilities: list[str]) -> None:
    """What a camera says of itself is what the server reads."""
    text = encode_registration(camera_id, name=name, capabilities=tuple(capabilities))

    assert decode_camera_message(text) == Registration(camera_id, name, tuple(capabilities))


@given(timestamp=ANY_JSON)
def test_a_registration_may_have_any_timestamp(timestamp: Any) -> None:
    """Clients of SkySentry Go send what they like."""
    text = json.dumps({"type": "client-registration", "clientId": "door", "timestamp": timestamp})

    assert isinstance(decode_camera_message(text), Registration)


@given(
    message=st.builds(RegistrationSuccess, IDS, st.text())
    | st.builds(RegistrationError, st.none() | st.text(), st.text(), st.text())
    | st.builds(ErrorNotice, st.text(), st.text())
    | st.builds(ClockReply, FINITE, FINITE)
)
def test_what_the_server_says_comes_back_as_it_was(message: Any) -> None:
    """Cameras written with our client read what our server wrote."""
    assert decode_server_message(encode_message(message)) == message


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"client-registration"}',
        '{"type":"client-registration","clientId":null}',
        '{"type":"client-registration","clientId":7}',
        '{"type":"client-registration","clientId":""}',
        '{"type":"client-registration","clientId":"../a"}',
        '{"type":"client-registration","clientId":"a","capabilities":"envelope"}',
        '{"type":"client-registration","clientId":"a","name":7}',
        '{"type":"client-registration","clientId":"a","timestamp":' + "1" * 5000 + "}",
        '{"type":"clock"}',
    ],
    ids=lambda text: text[:70],
)
def test_a_malformed_message_of_a_camera_is_refused(text: str) -> None:
    """An id that is none, fields of the wrong type, numbers and depths without measure."""
    with pytest.raises(ProtocolViolation):
        decode_camera_message(text)


def test_what_is_null_is_left_out() -> None:
    """Programs that have no value for a key write null."""
    keys = '"name":null,"capabilities":null,"timestamp":null,"token":null'
    registration = decode_camera_message(f'{{"type":"client-registration","clientId":"a",{keys}}}')

    assert isinstance(registration, Registration)
    assert (registration.name, registration.supports("demand")) == (None, False)


def test_nesting_without_measure_is_refused_or_ignored() -> None:
    """How deep JSON may be depends on the interpreter; deeper is a violation like any other, and never a crash."""
    deep = '{"type":"client-registration","clientId":"a","timestamp":' + "[" * 5000 + "]" * 5000 + "}"

    with suppress(ProtocolViolation):
        assert isinstance(decode_camera_message(deep), Registration)


def test_what_a_camera_asks_for_and_what_we_do_not_know() -> None:
    """The clock is a question, other types are for servers to come."""
    assert decode_camera_message('{"type":"clock","sentAt":5}') == Clock(5.0)
    assert decode_camera_message('{"type":"telemetry","battery":0.3}') is None
    assert decode_server_message('{"type":"demand","viewers":3}') == Demand(3)
    assert decode_server_message('{"type":"weather"}') is None


@given(text=st.text(st.characters(codec=None)))
def test_any_text_is_decoded_or_refused(text: str) -> None:
    """No text raises anything but a ProtocolViolation on either side."""
    for decode in (decode_camera_message, decode_server_message):
        with suppress(ProtocolViolation):
            decode(text)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("envelope", [False, True])
def test_a_bare_jpeg_is_taken_from_every_camera(kind: str, envelope: bool) -> None:
    """Also one that may send envelopes may send the JPEG as it is."""
    jpeg, size = KINDS[kind]

    assert decode_jpeg(jpeg, max_size=10**6, envelope=envelope) == CapturedJpeg(jpeg, size, None)


@given(milliseconds=FINITE)
def test_an_envelope_tells_when_the_picture_was_taken(milliseconds: float) -> None:
    """The header's milliseconds become seconds, however far from now."""
    header = json.dumps({"capturedAt": milliseconds, "later": True}).encode()

    taken = decode_jpeg(join_envelope(header, JPEG), max_size=len(JPEG), envelope=True)

    assert taken == CapturedJpeg(JPEG, SIZE, milliseconds / 1000)


@pytest.mark.parametrize("header", [b"{}", b'{"capturedAt":null}', b'{"type":"frame","clientId":"x"}'])
def test_an_envelope_need_not_tell_when(header: bytes) -> None:
    """A header without a moment is one, too."""
    assert decode_jpeg(join_envelope(header, JPEG), max_size=len(JPEG), envelope=True) == CapturedJpeg(JPEG, SIZE, None)


def test_an_envelope_that_was_not_agreed_on_is_no_jpeg() -> None:
    """Only a camera that registered with the capability may send envelopes."""
    with pytest.raises(ProtocolViolation) as refused:
        decode_jpeg(join_envelope(b"{}", JPEG), max_size=10**6)
    assert refused.value.code == "not-a-jpeg"


@pytest.mark.parametrize(
    "header",
    [b"{", b'{"capturedAt":1', b"{capturedAt:1}", b'{"capturedAt":1}{}', b'{"x":' + b"[" * 4000],
)
def test_an_envelope_with_a_wrong_header_is_refused(header: bytes) -> None:
    """The header is a JSON object, or the frame is not taken."""
    with pytest.raises(ProtocolViolation) as refused:
        decode_jpeg(join_envelope(header, JPEG), max_size=10**6, envelope=True)
    assert refused.value.code == "invalid-message"


@pytest.mark.parametrize(
    "moment",
    ["NaN", "-Infinity", "1e999", "9" * 4000, '"now"', '"2026-05-01T12:00:00Z"', "true", "[]", "{}"],
    ids=lambda moment: moment[:20],
)
def test_a_wrong_time_in_an_envelope_does_not_cost_the_picture(moment: str) -> None:
    """The frame is taken, and its time is no number."""
    message = join_envelope(b' {"capturedAt": %b}' % moment.encode(), JPEG)

    jpeg, size, captured_at, _ = decode_jpeg(message, max_size=10**6, envelope=True)

    assert (jpeg, size) == (JPEG, SIZE)
    assert captured_at is not None
    assert math.isnan(captured_at)


@pytest.mark.parametrize("envelope", [False, True])
@pytest.mark.parametrize(
    "before", [b"", b"\0", b"\r\n", b"\r\n\r\n", b"\0\0", b"junk", b"  {}", b'{"id":1}\n', 96 * b"\xff"], ids=repr
)
@pytest.mark.parametrize("behind", [b"", b"\0", 512 * b"\0", b"\r\n", JPEG], ids=lambda behind: f"{len(behind)} bytes")
def test_bytes_around_a_jpeg_are_cut_off(before: bytes, behind: bytes, envelope: bool) -> None:
    """In front of it and behind it, bare and in an envelope; the limit is on what is left."""
    message = before + JPEG + behind
    assert decode_jpeg(message, max_size=len(JPEG), envelope=envelope) == CapturedJpeg(JPEG, SIZE, None)
    if envelope:
        message = join_envelope(b'{"capturedAt":1000}', message)
        assert decode_jpeg(message, max_size=len(JPEG), envelope=True) == CapturedJpeg(JPEG, SIZE, 1.0)


def test_the_size_limit_is_that_of_the_jpeg() -> None:
    """A JPEG of exactly the limit is taken, one byte more is refused with 1009, header or not."""
    message = join_envelope(b'{"capturedAt":1}', JPEG)
    assert decode_jpeg(message, max_size=len(JPEG), envelope=True).jpeg == JPEG

    for sent in (JPEG, message):
        with pytest.raises(ProtocolViolation) as refused:
            decode_jpeg(sent, max_size=len(JPEG) - 1, envelope=True)
        assert (refused.value.code, refused.value.close_code, refused.value.http_status) == (
            "frame-too-large",
            1009,
            413,
        )


@given(message=st.binary(), envelope=st.booleans())
def test_any_bytes_are_a_frame_or_refused(message: bytes, envelope: bool) -> None:
    """No bytes raise anything but a ProtocolViolation."""
    with suppress(ProtocolViolation):
        decode_jpeg(message, max_size=1000, envelope=envelope)


@given(header=st.binary(max_size=60))
def test_any_header_is_read_or_refused(header: bytes) -> None:
    """The same with a real JPEG behind the header."""
    with suppress(ProtocolViolation):
        assert decode_jpeg(join_envelope(header, JPEG), max_size=10**6, envelope=True).jpeg == JPEG
