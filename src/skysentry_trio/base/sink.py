"""Sending without waiting: where encoded frames go, and what became of one."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final, Protocol


class WriteResult(Enum):
    """What became of a frame that was to be sent at once."""

    ALL = auto()
    PART = auto()
    """The frame has begun; its rest must be sent before anything else."""
    NOTHING = auto()


ALL: Final = WriteResult.ALL
PART: Final = WriteResult.PART
NOTHING: Final = WriteResult.NOTHING
# Constants, because naming a member of an Enum costs a function call on Python 3.11, and each delivery names one.


class FrameSink(Protocol):
    """Where the frames of one viewer go out."""

    # A method instead of a function that is handed around: a bound method is one more object for each viewer, and the
    # cost of a delivery is above all the number of objects it touches.
    def try_send(self, encoded: bytes) -> WriteResult:
        """Send an encoded frame if that is possible without waiting; never waits."""
        ...


class _NoSink:
    def try_send(self, encoded: bytes) -> WriteResult:  # noqa: ARG002
        return NOTHING


NO_SINK: Final[FrameSink] = _NoSink()
"""Sends nothing at once, for viewers that wait for every frame."""
