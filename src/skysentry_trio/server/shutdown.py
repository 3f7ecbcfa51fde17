"""Whether the server is to stop, and how long its peers have to leave by themselves."""

from __future__ import annotations

import trio
from attrs import define, field


@define(eq=False)
class Shutdown:
    """One state for everything that ends with the server: set once, and never taken back."""

    grace: float = 2.0
    """Seconds from the request until connections are closed."""
    requested: trio.Event = field(factory=trio.Event, init=False)
    """Set when the server is to stop."""
    grace_period: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    """The scope in which the server waits for its peers to leave; it ends at the deadline."""

    def request(self) -> None:
        """Stop the server; a second request ends the grace period at once."""
        if self.requested.is_set():
            self.grace_period.cancel()
        else:
            self.grace_period.deadline = trio.current_time() + self.grace
            self.requested.set()
