"""Outlets for outboxes without a connection."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from skysentry_trio.base.sink import WriteResult


@frozen
class CallingOutlet:
    """Leaves it to a function what becomes of a frame."""

    _try_send: Callable[[bytes], WriteResult]

    def try_send(self, rendering: bytes) -> WriteResult:
        """Call it."""
        return self._try_send(rendering)
