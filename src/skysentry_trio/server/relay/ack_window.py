"""Limit the number of unacknowledged frames to a viewer by the delay of its acknowledgements.

Buffers between server and viewer (in a modem, a radio, a proxy) accept frames quickly, and deliver them seconds later.
A sender that looks only at its socket fills these buffers. So the window follows the delay, as in LEDBAT (RFC 6817).
The window grows while acknowledgements come little later than over an empty link, and shrinks when they come late.
"""

from __future__ import annotations

import math
from collections.abc import Collection

from attrs import define, field, frozen

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.ledbat import TARGET, BaseDelay, off_target

_FIRST_SIZE = 2.0
_LARGEST_SIZE = 64
_FASTEST_FALL = 0.5
"""Most frames by which one acknowledgement shrinks the window: full buffers then empty in a few round trips."""
_BASE_PERIOD = 10.0
"""Seconds after which the delay of the empty link is measured again."""
_GIVE_UP_AFTER = 2.0
"""A frame is given up after this many seconds plus four times the last delay."""


@frozen
class SentFrame:
    """A frame that was sent, without its JPEG."""

    camera_id: str
    sequence: int
    sent_at: float
    """Seconds of the clock of `JpegFrame.arrived`."""
    arrived: float
    received_at: float
    captured_at: float | None
    fresh: bool
    """False for a frame that comes from the ring and may be old: the age of such a frame is not a latency."""
    transit: float | None = None
    """As in `JpegFrame`."""


@define(eq=False)
class AckWindow:
    """The unacknowledged frames of one viewer, all its cameras together; times are seconds of one monotonic clock."""

    size: float = field(default=_FIRST_SIZE, init=False)
    """Frames that may be unacknowledged; rounded down, and at least 1."""
    unacked: int = field(default=0, init=False)
    """Frames that were given up because no acknowledgement came in time."""
    _unacked_frames: list[SentFrame] = field(factory=list, init=False, repr=False)
    _given_up: list[SentFrame] = field(factory=list, init=False, repr=False)
    """The frames given up last: their acknowledgements may still come, and then show the delay of the link."""
    _base: BaseDelay = field(factory=lambda: BaseDelay(_BASE_PERIOD, 2), init=False, repr=False)
    """The delay of the empty link."""
    _probing: bool = field(default=False, init=False)
    """Whether the next frame waits until every frame is acknowledged."""
    _delay: float = field(default=0.0, init=False)
    """Delay of the last acknowledgement in seconds."""
    _limits: bool = field(default=False, init=False)
    """Whether a frame has waited for the window since the last acknowledgement."""

    def admits(self, now: float) -> bool:
        """Return whether another frame may be sent."""
        if self._has_room(now):
            return True
        if now >= self.gives_up_at:
            # The viewer dropped the frames without acknowledging them, or the acknowledgements were lost.
            self.unacked += len(self._unacked_frames)
            self._given_up = [*self._given_up, *self._unacked_frames][-_LARGEST_SIZE:]
            self._unacked_frames = []
            self.size, self._probing = 1.0, True
            return True
        self._limits = True
        return False

    def _has_room(self, now: float) -> bool:  # noqa: ARG002
        return len(self._unacked_frames) < (1 if self._probing else int(self.size))

    @property
    def gives_up_at(self) -> float:
        """When the oldest unacknowledged frame is given up; infinite if there is no unacknowledged frame."""
        return self._unacked_frames[0].sent_at + _GIVE_UP_AFTER + 4 * self._delay if self._unacked_frames else math.inf

    def sent(self, camera_id: str, frame: JpegFrame, now: float, *, fresh: bool = True) -> None:
        """Record that a frame is sent now."""
        self._unacked_frames.append(
            SentFrame(
                camera_id,
                frame.sequence,
                now,
                frame.arrived,
                frame.received_at,
                frame.captured_at,
                fresh,
                frame.transit,
            )
        )

    def forget(self, camera_id: str) -> None:
        """Expect no acknowledgement of this camera's frames."""
        self.forget_many({camera_id})

    def forget_many(self, camera_ids: Collection[str]) -> None:
        """Expect no acknowledgements of these cameras' frames."""
        self._unacked_frames = [frame for frame in self._unacked_frames if frame.camera_id not in camera_ids]
        self._given_up = [frame for frame in self._given_up if frame.camera_id not in camera_ids]

    def forget_all(self, *, except_of: Collection[str]) -> None:
        """Expect acknowledgements of these cameras' frames only."""
        self._unacked_frames = [frame for frame in self._unacked_frames if frame.camera_id in except_of]
        self._given_up = [frame for frame in self._given_up if frame.camera_id in except_of]

    def acknowledge(self, camera_id: str, sequence: int, now: float) -> SentFrame | None:
        """Take an acknowledgement of a frame, and of all frames of its camera that were sent before.

        Returns:
            The frame; None if it is neither unacknowledged nor given up recently.
        """
        # A playback may have sent a frame twice. The first sending is the one that counts, so that the measured delay
        # is never too short.
        for frames in (self._given_up, self._unacked_frames):
            for index, frame in enumerate(frames):
                if frame.sequence == sequence and frame.camera_id == camera_id:
                    frames[: index + 1] = [other for other in frames[:index] if other.camera_id != camera_id]
                    if frames is self._unacked_frames:
                        self._given_up = [other for other in self._given_up if other.camera_id != camera_id]
                    self._adapt(now - frame.sent_at, now)
                    return frame
        return None

    def _adapt(self, delay: float, now: float) -> None:
        self._delay = delay
        if not self._unacked_frames:
            self._probing = False
        if self._base.is_over(now):
            # If the buffers of the link never empty, their delay looks like the delay of an empty link. So let the
            # buffers empty before the new base delay is measured.
            self._probing = delay - self._base.least > TARGET / 4
        self._base.note(delay, now)
        change = off_target(delay - self._base.least)
        if change < 0:
            self.size = max(1.0, self.size + max(-1.0, change) * _FASTEST_FALL)
        elif self._limits:
            self.size = min(_LARGEST_SIZE, self.size + change / self.size)
        self._limits = False
