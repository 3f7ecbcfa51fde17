"""Limit the unacknowledged frames to another server by their age instead of by their number.

`AckWindow` is for viewers: it keeps the queue before one screen short. A link carries the frames of many cameras, which
often come at the same moment. The other server acknowledges several of them together, and it may be busy for a moment.
A window of a few frames would then drop frames although the connection has room for them. So the window of a link stays
open while acknowledgements come within a fraction of a second, however many frames are under way. After a stall, the
link is at its full rate with the first acknowledgements.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from attrs import define, field

from skysentry_trio.server.relay.ack_window import AckWindow

_LATE: Final = 0.05
"""Acknowledgements that take this many seconds longer than over the empty link show that the link is full."""
_ROOM: Final = 0.2
"""Seconds besides the delay of the empty link for which a frame may be unacknowledged over a full link. After that,
newer frames replace those that wait, because they would come late."""
_STALL: Final = 0.6
"""As `_ROOM`, while the link is not full: the other server is busy for a moment, and then reads all of them."""
_MOST: Final = 4096
"""Most unacknowledged frames."""
_SPARE: Final = 2
"""Frames that may be unacknowledged over a full link, besides those that it carries in the time that a frame takes."""


@define(eq=False)
class LinkWindow(AckWindow):
    """The unacknowledged frames of a link to another server."""

    _acked_at: deque[float] = field(factory=lambda: deque(maxlen=_MOST), init=False, repr=False)
    """When the last acknowledgements came: how many frames the link carries."""

    def _has_room(self, now: float) -> bool:
        frames, least = self._unacked_frames, self._base.least
        if not frames:
            return True
        is_full = self._delay > least + _LATE
        limit = least + (_ROOM if is_full else _STALL)
        if self._probing or len(frames) >= _MOST or now >= frames[0].sent_at + limit:
            return False
        if not is_full:
            return True
        # Cameras that send faster than the link carries must not fill its buffers before the first frame is too old.
        since, acked_at = now - max(self._delay, limit), self._acked_at
        while acked_at and acked_at[0] < since:
            acked_at.popleft()
        return len(frames) < len(acked_at) + _SPARE

    def _adapt(self, delay: float, now: float) -> None:
        self._delay = delay
        self._acked_at.append(now)
        if not self._unacked_frames:
            self._probing = False
        if self._base.is_over(now):
            # As in `AckWindow`: a queue that never empties must not be taken for the delay of an empty link.
            self._probing = delay - self._base.least > _ROOM / 2
        self._base.note(delay, now)
