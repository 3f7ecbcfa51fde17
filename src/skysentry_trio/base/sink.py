"""Send encoded frames without waiting: the interface of a sink, and the result of a write."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final, Protocol


class WriteResult(Enum):
    """How much of a frame was sent without waiting."""

    ALL = auto()
    PART = auto()
    """The beginning of the frame was sent; its rest must be sent before anything else."""
    NOTHING = auto()


ALL: Final = WriteResult.ALL
PART: Final = WriteResult.PART
NOTHING: Final = WriteResult.NOTHING
# These are constants, because access to a member of an Enum costs a function call on Python 3.11, and each delivery
# needs a member.


class FrameSink(Protocol):
    """Sends the encoded frames of one viewer, without waiting."""

    # This is a method, not a function that is passed around. A bound method would be one more object for each viewer,
    # and the cost of a delivery depends mostly on the number of objects that it touches.
    def try_send(self, encoded: bytes) -> WriteResult:
        """Send as much of an encoded frame as is possible without waiting: all, a part, or nothing."""
        ...


class _NoSink:
    def try_send(self, encoded: bytes) -> WriteResult:  # noqa: ARG002
        return NOTHING


NO_SINK: Final[FrameSink] = _NoSink()
"""A sink that never sends anything, for viewers that take every frame from their outbox."""
