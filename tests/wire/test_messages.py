"""JSON messages: typed, bounded, and refused in one way only."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.messages import (
    MAX_TEXT_LENGTH,
    Clock,
    ClockReply,
    ErrorNotice,
    MessageDecoder,
    encode_json,
    encode_message,
    rfc3339,
)

DECODER = MessageDecoder[Clock | ErrorNotice](Clock | ErrorNotice)


@pytest.mark.parametrize("number", [0.0, -1.5, 1700000000250.5, 1e308, 5e-324])
def test_a_clock_message_comes_back_as_it_was(number: float) -> None:
    """Any finite number of milliseconds survives the way over the wire."""
    assert DECODER.decode(encode_message(Clock(number))) == Clock(number)


@given(error=st.text(), code=st.text())
def test_any_text_comes_back_as_it_was(error: str, code: str) -> None:
    """Texts with quotes, controls and other scripts survive the way over the wire."""
    assert DECODER.decode(encode_message(ErrorNotice(error, code))) == ErrorNotice(error, code)


def test_a_type_we_do_not_know_is_nothing() -> None:
    """A newer peer may say more than we understand, and messages may have keys we do not know."""
    assert DECODER.decode('{"type":"of the future","sentAt":"later"}') is None
    assert DECODER.decode('{"type":"clock","sentAt":1,"zone":[{}]}') == Clock(1.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"clock"',
        "1",
        "{}",
        "nonsense",
        '{"type":"clock"}',
        '{"type":"clock","sentAt":null}',
        '{"type":"clock","sentAt":"1"}',
        '{"type":"clock","sentAt":true}',
        '{"type":"clock","sentAt":NaN}',
        '{"type":"clock","sentAt":Infinity}',
        '{"type":"clock","sentAt":1e999}',
        '{"type":"clock","sentAt":-1e999}',
        '{"type":"clock","sentAt":' + "9" * 5000 + "}",
        '{"type":"clock","type":"error","sentAt":1}',
        '{"type":["clock"],"sentAt":1}',
        '{"type":null}',
        '{"type":"error","error":"\\ud800","code":""}',
        '{"type":"error","error":"\ud800","code":""}',
        '{"type":"clock","sentAt":1} trailing',
        '{"type":"clock","sentAt":1}\0',
        "[" * 60_000,
        '{"type":"clock","sentAt":1,"x":' + "[" * 20_000 + "]" * 20_000 + "}",
        '{"x":' * 10_000 + "1" + "}" * 10_000,
    ],
    ids=lambda text: ascii(text[:50]),
)
def test_what_has_no_known_shape_is_refused(text: str) -> None:
    """Deep, huge, not finite, not an object: each is the peer's fault and says so in a sentence that can be sent."""
    with pytest.raises(ProtocolViolation) as refused:
        DECODER.decode(text)

    assert (refused.value.code, refused.value.close_code) == ("invalid-message", 1008)
    assert len(encode_json(str(refused.value))) < 1000


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"type":"clock"}', "Object missing required field `sentAt`"),
        ('{"type":"clock","sentAt":"now"}', "Expected `float`, got `str` - at `$.sentAt`"),
        ('{"sentAt":1}', "Object missing required field `type`"),
        ('{"type":7}', "Expected `str`, got `int` - at `$.type`"),
        ('["clock"]', "Expected `object`, got `array`"),
        ('{"type":"of the future"', "Input data was truncated"),
    ],
)
def test_a_refusal_names_the_field_and_what_was_expected(text: str, reason: str) -> None:
    """The reason is about the message that its type announces, not about all messages that it might have been."""
    with pytest.raises(ProtocolViolation) as refused:
        DECODER.decode(text)

    assert str(refused.value) == f"expected a JSON object with a known shape: {reason}"


@given(text=st.text(st.characters(codec=None)))
def test_any_text_is_decoded_or_refused(text: str) -> None:
    """No text raises anything but a ProtocolViolation."""
    with suppress(ProtocolViolation):
        DECODER.decode(text)


def test_a_message_that_is_too_long_is_refused_unread() -> None:
    """One character above the limit is too much, and the connection closes with 1009."""
    filler = MAX_TEXT_LENGTH - len('{"type":"x","y":""}')
    DECODER.decode('{"type":"x","y":"' + "y" * filler + '"}')

    with pytest.raises(ProtocolViolation, match="65536 characters, got 65537") as refused:
        DECODER.decode('{"type":"x","y":"' + "y" * (filler + 1) + '"}')
    assert (refused.value.code, refused.value.close_code) == ("message-too-large", 1009)


def test_every_key_is_present_and_in_camel_case() -> None:
    """What a message does not say is said to be null, so that readers need not guess."""
    assert encode_message(ClockReply(1.0, 2.5)) == '{"type":"clock","sentAt":1.0,"serverAt":2.5}'


@given(moment=st.floats(0, 1e11))
def test_a_moment_in_rfc_3339_is_the_moment(moment: float) -> None:
    """Written and read again it is the same to the millisecond, in UTC, and always as long."""
    text = rfc3339(moment)

    assert abs(datetime.fromisoformat(text).timestamp() - moment) < 0.0011
    assert text.endswith("+00:00")
    assert len(text) == len("2023-11-14T22:13:20.250+00:00")
