"""The interface through which playback and clips read a camera's frames in the order in which the frames came."""

from __future__ import annotations

from typing import Protocol, TypeVar


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
