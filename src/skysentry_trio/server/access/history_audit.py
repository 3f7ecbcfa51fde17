"""Who sees old frames of which camera: one audit line a minute, however many frames it are."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import trio
from attrs import define, field

from skysentry_trio.base.principal import Principal
from skysentry_trio.server.access.sessions import audit

INTERVAL: Final = 60.0
"""Seconds between two lines about the same principal, camera and way."""
_MOST_ENTRIES: Final = 4096
"""Entries that are kept; the oldest make room, and are then logged again sooner."""


@define(eq=False)
class HistoryAudit:
    """Writes the lines: a page that plays back asks for twenty frames a second, and a person reads the log."""

    _noted: OrderedDict[tuple[str, str | None, str], float] = field(factory=OrderedDict, init=False, repr=False)
    """When each line was written last, in seconds of the monotonic clock; the latest is last."""

    def note(self, principal: Principal, camera_id: str | None, how: str) -> None:
        """Write a line, unless the same one was written a moment ago.

        Args:
            principal: who sees the frames.
            camera_id: of the camera; None for all cameras of the principal.
            how: a word for the way, such as ``playback``.
        """
        entry, now = (principal.identity, camera_id, how), trio.current_time()
        if now < self._noted.get(entry, float("-inf")) + INTERVAL:
            return
        self._noted[entry] = now
        self._noted.move_to_end(entry)
        if len(self._noted) > _MOST_ENTRIES:
            self._noted.popitem(last=False)
        audit.info("old frames seen", who=principal.name, camera="all" if camera_id is None else camera_id, how=how)
