"""A part of the recordings of one camera."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from skysentry_trio.base.frames import JpegFrame


@frozen
class RecordedPart:
    """Frames of a camera between two moments, of which there is at least one."""

    first: JpegFrame
    last: JpegFrame
    frames: Iterator[JpegFrame]
    """All frames of the part, in order; each is read from disk when the caller asks for it."""
