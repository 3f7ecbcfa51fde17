"""Send one camera the demand whenever the demand has changed."""

from __future__ import annotations

import math

import trio
from attrs import define, field

from skysentry_trio.base.demand import CombinedDemand
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.websocket.peer import Peer
from skysentry_trio.wire.capture import Demand
from skysentry_trio.wire.messages import encode_message

_HOLD = 1.0
"""Seconds to wait before a lower demand is sent: a viewer that reloads its page returns within this time."""
_PAUSE = 0.1
"""Shortest time between two messages in seconds: many viewers may come or leave at the same time."""


@define(eq=False)
class DemandNotifier:
    """Sends the demand to a camera: a higher demand without delay, a lower demand only if it stays low for a second."""

    _peer: Peer
    _changed: trio.Event = field(factory=trio.Event, init=False, repr=False)

    def wake(self) -> None:
        """Let `run` compare the demand with the demand that `run` sent last; never waits."""
        self._changed.set()

    async def run(self, hub: ScopedHub, camera: HubCamera) -> None:
        """Send the demand now, and again whenever it has changed; never returns.

        Raises:
            PeerGone: the camera left.
        """
        sent: CombinedDemand | None = None
        lower_at = math.inf
        while True:
            self._changed = trio.Event()
            demand, now = hub.demand(camera), trio.current_time()
            if demand == sent:
                lower_at = math.inf
            elif sent is None or demand.exceeds(sent) or now >= lower_at:
                limits = demand.limits
                message = Demand(demand.viewers, limits.max_fps, limits.max_width, limits.quality)
                await self._peer.send(encode_message(message))
                sent, lower_at = demand, math.inf
            else:
                lower_at = min(lower_at, now + _HOLD)
            await trio.sleep(_PAUSE)
            # When the demand stops counting programs that read single frames, nothing calls `wake`.
            interest_ends_at = camera.read_until if camera.read_until > now else math.inf
            with trio.move_on_at(min(lower_at, interest_ends_at)):
                await self._changed.wait()
