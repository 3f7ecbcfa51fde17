"""The janitor of the hub: a task that forgets what is too old."""

from __future__ import annotations

from typing import Final

import trio

from skysentry_trio.base.logs import get_logger
from skysentry_trio.server.relay.hub import Hub

log = get_logger(__name__)

_BATCH_OF_RINGS: Final = 64
"""Number of rings whose old frames are dropped before other tasks run."""


async def keep_tidy(hub: Hub) -> None:
    """Forget cameras that left long ago, and drop frames that are too old; never returns."""
    while True:
        await trio.sleep(hub.settings.cleanup_interval)
        forgotten = list[str]()
        for slice_of_ids in hub.evict_idle_in_slices():
            forgotten += slice_of_ids
            await trio.lowlevel.checkpoint()
        if forgotten:
            log.info("idle cameras forgotten", cameras=forgotten)
        cameras = list(hub.cameras)
        for start in range(0, len(cameras), _BATCH_OF_RINGS):
            hub.discard_expired(cameras[start : start + _BATCH_OF_RINGS])
            await trio.lowlevel.checkpoint()
