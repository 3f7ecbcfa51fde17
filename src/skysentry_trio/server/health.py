"""The health of the server process, for load balancers and people; cameras do not influence this health."""

from __future__ import annotations

import trio
from attrs import define, field

from skysentry_trio.server.shutdown import Shutdown


@define(eq=False)
class Health:
    """The state of this process; the server creates this object when it starts."""

    shutdown: Shutdown = field(factory=Shutdown)
    failing: dict[str, str] = field(factory=dict, init=False)
    """The last error of each service that keeps crashing, by the service's name."""
    degraded: dict[str, str] = field(factory=dict, init=False)
    """What does not work although the server does, by the service's name; load balancers need not know."""
    _started: float = field(factory=trio.current_time, init=False)

    @property
    def draining(self) -> bool:
        """Whether the server is stopping; if so, a load balancer should send no new clients."""
        return self.shutdown.requested.is_set()

    @property
    def status(self) -> str:
        """One word for the whole: ``unhealthy``, ``draining``, ``degraded`` or ``healthy``."""
        if self.failing:
            return "unhealthy"
        return "draining" if self.draining else "degraded" if self.degraded else "healthy"

    def uptime(self) -> float:
        """Return the seconds since the start, by a clock that does not jump."""
        return trio.current_time() - self._started
