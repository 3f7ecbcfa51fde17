"""Detection results: boxes in the pixels of a frame, and any other JSON value about the frame."""

from __future__ import annotations

import codecs
import re
from typing import Any

import msgspec

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.identity import check_camera_id, clean_label
from skysentry_trio.wire.messages import Message

MAX_BOXES = 256
"""Maximum number of boxes in one result; more boxes are a heat map, which is better sent as a JPEG."""
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}", re.ASCII)


class Box(Message, omit_defaults=True):
    """A part of a frame: its upper left corner and its size, in pixels of the frame."""

    x: float
    y: float
    width: float
    height: float
    label: str | None = None
    score: float | None = None
    color: str | None = None
    """The color in which to draw the box, as ``#rrggbb``."""


class Result(Message, tag="result", tag_field="type", omit_defaults=True):
    """Boxes and data for one frame of a camera; viewers get them as they were posted, but with cleaned labels."""

    camera_id: str
    sequence: int
    """The sequence of the frame; the camera must have sent this frame."""
    boxes: list[Box] = msgspec.field(default_factory=list)
    data: Any = None
    """Any JSON value."""

    def check(self) -> None:
        """Check the values, and reduce each label to at most 80 printable characters.

        Raises:
            ProtocolViolation: the camera's id or a color is invalid, or there are more than `MAX_BOXES` boxes.
        """
        check_camera_id(self.camera_id)
        if len(self.boxes) > MAX_BOXES:
            raise ProtocolViolation(f"a result may have {MAX_BOXES} boxes, got {len(self.boxes)}")
        for box in self.boxes:
            box.label = clean_label(box.label)
            if box.color is not None and not _COLOR.fullmatch(box.color):
                raise ProtocolViolation(f"a color is # and six hexadecimal digits, got {box.color[:40]!a}")


class _Posted(Message):
    sequence: int
    boxes: list[Box] = msgspec.field(default_factory=list)
    data: Any = None


_posted = msgspec.json.Decoder(_Posted)


def decode_posted_result(camera_id: str, body: str | bytes) -> Result:
    """Decode and check a result that was posted for a camera.

    Args:
        camera_id: from the address of the request.
        body: JSON with ``sequence``, ``boxes`` and ``data``.

    Raises:
        ProtocolViolation: the body or a value in it is invalid.
    """
    if isinstance(body, bytes):
        body = body.removeprefix(codecs.BOM_UTF8)
    try:
        posted = _posted.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ProtocolViolation(f"expected a JSON object with sequence, boxes and data: {error}") from error
    result = Result(camera_id, posted.sequence, posted.boxes, posted.data)
    result.check()
    return result
