"""Count connections: open, accepted, crashed, and ended before a service had them."""

from __future__ import annotations

from collections import Counter

from attrs import define, field


@define(eq=False)
class ConnectionLog:
    """Counters of connections: the router writes the counters, health and metrics read them."""

    open: int = field(default=0, init=False)
    """Connections that are open now."""
    accepted: int = field(default=0, init=False)
    """Connections accepted since the start."""
    ended_by: Counter[str] = field(factory=Counter, init=False)
    """Connections that crashed, or that ended before a service had them, by cause."""

    @property
    def ended(self) -> int:
        """Connections that have ended since the start."""
        return self.accepted - self.open
