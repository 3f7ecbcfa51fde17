"""The interface through which playback and clips read a camera's frames in the order in which the frames came."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from attrs import frozen


class Mark(Protocol):
    """One frame's place in a timeline; a frame that is in memory is its own mark."""

    @property
    def sequence(self) -> int:
        """Number of the frame among those of its camera, counted from 1."""
        ...

    @property
    def received_at(self) -> float:
        """When the server had received the frame: seconds since the epoch."""
        ...

    @property
    def arrived(self) -> float:
        """The time of `received_at` in seconds of the monotonic clock, which nobody can set: for intervals."""
        ...


M = TypeVar("M", bound=Mark)
M_co = TypeVar("M_co", bound=Mark, covariant=True)


class Timeline(Protocol[M_co]):
    """The frames of one camera, ordered by sequence and by `Mark.arrived`, which both grow from frame to frame.

    Each look-up returns without waiting. A later look-up may return another frame, because new frames are added at the
    end and old frames are removed at the beginning.
    """

    @property
    def oldest(self) -> M_co | None:
        """The first frame; None if there are no frames."""
        ...

    @property
    def newest(self) -> M_co | None:
        """The last frame; None if there are no frames."""
        ...

    def at(self, timestamp: float) -> M_co | None:
        """Return the last frame received at or before a time in seconds since the epoch; None if all came later."""
        ...

    def back(self, seconds: float, now: float) -> M_co | None:
        """Return the frame that was the newest some seconds before ``now``; None if all came later.

        Args:
            seconds: distance from ``now``.
            now: the time, in seconds of the monotonic clock.
        """
        ...

    def after(self, sequence: int) -> M_co | None:
        """Return the first frame with a higher sequence; None if there is none."""
        ...

    def up_to(self, sequence: int) -> M_co | None:
        """Return the last frame with this sequence or a lower one; None if there is none."""
        ...


@frozen
class LaterFrames(Generic[M]):
    """The frames of a timeline that the server had received at a moment or later, as if there were no others."""

    _timeline: Timeline[M]
    _begin: float
    """Seconds since the epoch."""

    @property
    def oldest(self) -> M | None:
        """The first frame."""
        found = self._timeline.at(self._begin)
        if found is None:
            return self._timeline.oldest
        return self._visible(found) or self._visible(self._timeline.after(found.sequence))

    @property
    def newest(self) -> M | None:
        """The last frame."""
        return self._visible(self._timeline.newest)

    def at(self, timestamp: float) -> M | None:
        """Return the same as `Timeline.at`."""
        return self._visible(self._timeline.at(timestamp))

    def back(self, seconds: float, now: float) -> M | None:
        """Return the same as `Timeline.back`."""
        return self._visible(self._timeline.back(seconds, now))

    def after(self, sequence: int) -> M | None:
        """Return the same as `Timeline.after`."""
        return self._visible(self._timeline.after(sequence)) or self._oldest_after(sequence)

    def up_to(self, sequence: int) -> M | None:
        """Return the same as `Timeline.up_to`."""
        return self._visible(self._timeline.up_to(sequence))

    def _oldest_after(self, sequence: int) -> M | None:
        oldest = self.oldest
        return oldest if oldest is not None and oldest.sequence > sequence else None

    def _visible(self, frame: M | None) -> M | None:
        return frame if frame is not None and frame.received_at >= self._begin else None
