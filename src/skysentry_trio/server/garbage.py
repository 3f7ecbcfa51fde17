"""Keep garbage collections short: every peer waits meanwhile, and a full one looks at all objects of all connections.

Python frees an object when nothing refers to it any more. Only objects that refer to each other in a cycle wait for the
garbage collector. Connections of cameras and viewers leave no such cycles. Short HTTP requests leave some, but these
objects are young, and young objects are still looked at often. So a full collection finds nearly nothing.

Python looks at young objects when a number of objects more have been made than freed. A server with thousands of idle
viewers makes as many as it frees, because each pong replaces objects of its connection by younger ones. After a minute,
there would be a hundred thousand young objects to look at. So if there are many peers, the server also looks at
them twice a second.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import trio
from attrs import define, field

from skysentry_trio.base.logs import get_logger
from skysentry_trio.server.transport.connection_log import ConnectionLog

log = get_logger(__name__)

_YOUNG: Final = 2000
"""New objects after which the youngest are looked at: less than a millisecond."""
_MIDDLE: Final = 2
"""Such collections after which the objects that survived them are looked at: few milliseconds."""
_YOUNG_INTERVAL: Final = 0.5
"""Seconds after which young objects are looked at, however few more there are; only if there are many peers."""
_NEVER: Final = 2**30
_CHECK_INTERVAL: Final = 10.0
"""Seconds between two looks at the number of peers if there are few."""
_ENDED: Final = 1000
_ENDED_PER_HELD: Final = 20
"""A full collection is due after `_ENDED` ended connections, and this many more for each camera and open connection."""
_LONGEST_PAUSE: Final = 3600.0
"""Seconds after which a full collection is due although few connections have ended."""
_FEW: Final = 100
"""Most cameras and open connections for this: the collection then takes few milliseconds. More are many peers."""


@contextmanager
def _rare_full_collections() -> Iterator[None]:
    """Turn off full collections as long as the context lasts; other collections stay on."""
    thresholds = gc.get_threshold()
    gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


def _collect_young() -> None:
    """Look at the young objects, and sometimes at those of middle age, which this makes older."""
    gc.collect(1 if gc.get_count()[1] >= _MIDDLE else 0)


@define(eq=False)
class Collections:
    """Looks at young objects often, and at all objects when this is cheap or thousands of connections have ended."""

    _connections: ConnectionLog
    _count_cameras: Callable[[], int]
    """Returns the number of cameras that the server knows: they stay after their connections have ended."""
    _ended: int = field(default=0, init=False)
    """Connections that had ended at the last full collection."""
    _last: float = field(factory=trio.current_time, init=False)
    """When the last full collection was, in seconds of the monotonic clock."""

    async def run(self) -> None:
        """Run the collections, and turn off the full ones that Python would run; never returns."""
        with _rare_full_collections():
            while True:
                has_many_peers = self._held() > _FEW
                await trio.sleep(_YOUNG_INTERVAL if has_many_peers else _CHECK_INTERVAL)
                if has_many_peers:
                    _collect_young()
                if self._is_due():
                    found = gc.collect()
                    self._ended, self._last = self._connections.ended, trio.current_time()
                    log.debug("garbage collected", objects=found, connections=self._connections.open)

    def _held(self) -> int:
        return self._connections.open + self._count_cameras()

    def _is_due(self) -> bool:
        held = self._held()
        if trio.current_time() - self._last >= _LONGEST_PAUSE and held <= _FEW:
            return True
        return self._connections.ended - self._ended >= _ENDED + _ENDED_PER_HELD * held
