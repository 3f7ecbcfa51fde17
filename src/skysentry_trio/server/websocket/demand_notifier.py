"""Tells one camera what is needed of it, whenever that changes."""

from __future__ import annotations

import math
from contextlib import suppress

import trio
from attrs import define, field

from skysentry_trio.base.demand import CombinedDemand
from skysentry_trio.base.exceptions import PeerGone
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.websocket.peer import Peer
from skysentry_trio.wire.capture import Demand
from skysentry_trio.wire.messages import encode_message

_HOLD = 1.0
"""Seconds for which a camera goes on with what is no longer needed: viewers that reload a page come back."""
_PAUSE = 0.1
"""Seconds between two looks at what all viewers need: they come in crowds."""


@define(eq=False)
class DemandNotifier:
    """What is needed more is told at once, what is needed less after a moment."""

    _peer: Peer
    _changed: trio.Event = field(factory=trio.Event, init=False, repr=False)

    def wake(self) -> None:
        """Say that the demand may have changed; never waits."""
        self._changed.set()

    async def tell(self, hub: ScopedHub, camera: HubCamera) -> None:
        """Tell the camera now and whenever it changes, until it is gone."""
        # Whoever listens to the camera finds out as well, and ends the session.
        with suppress(PeerGone):
            await self._tell(hub, camera)

    async def _tell(self, hub: ScopedHub, camera: HubCamera) -> None:
        told: CombinedDemand | None = None
        lower_at = math.inf
        while True:
            self._changed = trio.Event()
            demand, now = hub.demand(camera), trio.current_time()
            if demand == told:
                lower_at = math.inf
            elif told is None or demand.exceeds(told) or now >= lower_at:
                limits = demand.limits
                message = Demand(demand.viewers, limits.max_fps, limits.max_width, limits.quality)
                await self._peer.send(encode_message(message))
                told, lower_at = demand, math.inf
            else:
                lower_at = min(lower_at, now + _HOLD)
            await trio.sleep(_PAUSE)
            # Programs that read single pictures lose interest without saying so.
            forgotten_at = camera.read_until if camera.read_until > now else math.inf
            with trio.move_on_at(min(lower_at, forgotten_at)):
                await self._changed.wait()
