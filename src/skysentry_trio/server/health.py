"""How the server itself is, for load balancers and people: separate from the cameras, which come and go."""

from __future__ import annotations

import trio
from attrs import define, field


@define(eq=False)
class Health:
    """What is wrong with this process, if anything; made when the server starts."""

    draining: bool = field(default=False, init=False)
    """Whether it is stopping: a load balancer should send nobody new."""
    failing: dict[str, str] = field(factory=dict, init=False)
    """Services that keep crashing, with their last error."""
    _started: float = field(factory=trio.current_time, init=False)

    def uptime(self) -> float:
        """Return the seconds since the start, by a clock that does not jump."""
        return trio.current_time() - self._started
