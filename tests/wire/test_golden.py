"""Both codecs agree with tests/golden/, and so with each other."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import msgspec
import pytest

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.capture import decode_camera_message, decode_server_message
from skysentry_trio.wire.messages import encode_json, encode_message
from skysentry_trio.wire.viewer import decode_notice, decode_viewer_message
from skysentry_trio.wire.viewer_frames import FrameUpdate, decode_envelope

GOLDEN = Path(__file__).parent.parent / "golden"
MESSAGES = json.loads((GOLDEN / "messages.json").read_text(encoding="utf-8"))
ENVELOPES = json.loads((GOLDEN / "envelopes.json").read_text(encoding="utf-8"))


def decode_update_or_notice(text: str) -> Any:
    if json.loads(text)["type"] == "frame_update":
        return msgspec.json.decode(text, type=FrameUpdate)
    return decode_notice(text)


DECODERS = {
    "camera-to-server": decode_camera_message,
    "server-to-camera": decode_server_message,
    "viewer-to-server": decode_viewer_message,
    "server-to-viewer": decode_update_or_notice,
}
GOOD = [
    pytest.param(direction, message, id=f"{direction}: {message['name']}")
    for direction in DECODERS
    for message in MESSAGES[direction]
]
REFUSED = [
    pytest.param(direction, text, id=f"{direction}: {text[:60]!a}")
    for direction, texts in MESSAGES["refused"].items()
    for text in texts
]


@pytest.mark.parametrize(("direction", "message"), GOOD)
def test_a_golden_message_decodes_to_its_value(direction: str, message: dict[str, Any]) -> None:
    """Each text message means what the golden file says it means."""
    decoded = DECODERS[direction](message["text"])

    assert message["value"] == (None if decoded is None else json.loads(encode_json(decoded)))


@pytest.mark.parametrize(("direction", "message"), [p for p in GOOD if p.values[1]["canonical"]])  # type: ignore[index]
def test_a_canonical_message_is_written_byte_for_byte(direction: str, message: dict[str, Any]) -> None:
    """What we write is what the golden file shows, key order included."""
    assert message["text"] == encode_message(DECODERS[direction](message["text"]))


@pytest.mark.parametrize(("direction", "text"), REFUSED)
def test_a_malformed_message_is_refused(direction: str, text: str) -> None:
    """What the protocol does not allow is a ProtocolViolation, never another exception."""
    with pytest.raises(ProtocolViolation):
        DECODERS[direction](text)


@pytest.mark.parametrize("envelope", [pytest.param(e, id=e["name"]) for e in ENVELOPES["frames"]])
def test_a_golden_envelope_comes_apart_into_header_and_jpeg(envelope: dict[str, Any]) -> None:
    """The header has the golden values and the JPEG is untouched."""
    header, jpeg = decode_envelope(b64decode(envelope["messageBase64"]))

    assert (envelope["header"], b64decode(envelope["jpegBase64"])) == (json.loads(encode_json(header)), jpeg)


@pytest.mark.parametrize("envelope", [pytest.param(e, id=e["name"]) for e in ENVELOPES["refused"]])
def test_a_malformed_envelope_is_refused(envelope: dict[str, Any]) -> None:
    """Whatever is no envelope is a ProtocolViolation."""
    with pytest.raises(ProtocolViolation):
        decode_envelope(b64decode(envelope["messageBase64"]))
