"""Keep full garbage collections rare: one looks at all objects of all connections, and every peer waits meanwhile.

Python frees an object when nothing refers to it any more. Only objects that refer to each other in a cycle wait for the
garbage collector. Connections of cameras and viewers leave no such cycles. Short HTTP requests leave some, but these
objects are young, and young objects are still looked at often. So a full collection finds nearly nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio
from attrs import define, field

from skysentry_trio.base.logs import get_logger
from skysentry_trio.server.transport.connection_log import ConnectionLog

log = get_logger(__name__)

_YOUNG: Final = 2000
"""New objects after which the youngest are looked at: less than a millisecond."""
_MIDDLE: Final = 10
"""Such collections after which the objects that survived them are looked at: some milliseconds."""
_NEVER: Final = 2**30
_CHECK_INTERVAL: Final = 10.0
_ENDED: Final = 1000
_ENDED_PER_OPEN: Final = 20
"""A full collection is due after `_ENDED` ended connections, and this many more for each connection that is open."""
_LONGEST_PAUSE: Final = 3600.0
"""Seconds after which a full collection is due although few connections have ended."""
_FEW_OPEN: Final = 100
"""Most open connections for this: the collection then takes a few milliseconds."""


@contextmanager
def _rare_full_collections() -> Iterator[None]:
    """Turn off full collections as long as the context lasts; other collections stay on."""
    thresholds = gc.get_threshold()
    gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


@define(eq=False)
class FullCollections:
    """Runs a full collection when it is cheap, or when thousands of connections have ended since the last one."""

    _connections: ConnectionLog
    _ended: int = field(default=0, init=False)
    """Connections that had ended at the last full collection."""
    _last: float = field(factory=trio.current_time, init=False)
    """When the last full collection was, in seconds of the monotonic clock."""

    async def run(self) -> None:
        """Run a full collection whenever it is due, and turn off those that Python would run; never returns."""
        with _rare_full_collections():
            while True:
                await trio.sleep(_CHECK_INTERVAL)
                if self._is_due():
                    found = gc.collect()
                    self._ended, self._last = self._connections.ended, trio.current_time()
                    log.debug("garbage collected", objects=found, connections=self._connections.open)

    def _is_due(self) -> bool:
        connections = self._connections
        if trio.current_time() - self._last >= _LONGEST_PAUSE and connections.open <= _FEW_OPEN:
            return True
        return connections.ended - self._ended >= _ENDED + _ENDED_PER_OPEN * connections.open
