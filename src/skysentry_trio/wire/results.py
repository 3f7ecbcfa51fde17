"""What programs found in a frame: boxes in its pixels, or anything else that JSON can say."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.identity import check_camera_id, clean_label
from skysentry_trio.wire.messages import Message

MAX_BOXES = 256
"""In one result: more is a heat map, and belongs into a picture."""
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}", re.ASCII)


class Box(Message, omit_defaults=True):
    """A part of a picture; its upper left corner and its size in pixels of the frame."""

    x: float
    y: float
    width: float
    height: float
    label: str | None = None
    score: float | None = None
    color: str | None = None
    """As ``#rrggbb``."""


class Result(Message, tag="result", tag_field="type", omit_defaults=True):
    """What was found in one frame of a camera; viewers get it as it was posted."""

    camera_id: str
    sequence: int
    """Of the frame."""
    boxes: list[Box] = msgspec.field(default_factory=list)
    data: Any = None
    """Any JSON value."""

    def check(self) -> None:
        """Refuse what makes no sense, and cut labels to what can be shown.

        Raises:
            ProtocolViolation: the id is none, there are too many boxes, or a colour is none.
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
    """Read a result that was posted for a camera.

    Args:
        camera_id: of the camera, from the address.
        body: JSON with ``sequence``, ``boxes`` and ``data``.

    Raises:
        ProtocolViolation: it is none.
    """
    try:
        posted = _posted.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ProtocolViolation(f"expected a JSON object with sequence, boxes and data: {error}") from error
    result = Result(camera_id, posted.sequence, posted.boxes, posted.data)
    result.check()
    return result
