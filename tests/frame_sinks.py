"""Frame sinks for outboxes without a connection."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from skysentry_trio.base.sink import WriteResult


@frozen
class CallingSink:
    """Asks a function what becomes of a frame."""

    _try_send: Callable[[bytes], WriteResult]

    def try_send(self, encoded: bytes) -> WriteResult:
        """Call it."""
        return self._try_send(encoded)
