"""Whether the server is to stop, and how long its peers have to leave before the server aborts their connections."""

from __future__ import annotations

import trio
from attrs import define, field


@define(eq=False)
class Shutdown:
    """The request to stop the server, for all parts that end with the server; the request cannot be taken back."""

    grace: float = 2.0
    """Seconds from the request until the server aborts the connections that are still open."""
    requested: trio.Event = field(factory=trio.Event, init=False)
    """Set when the server is to stop."""
    grace_period: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    """The scope in which the server waits for its peers to leave; it ends at the deadline."""

    def request(self) -> None:
        """Stop the server; a second request ends the grace period immediately."""
        if self.requested.is_set():
            self.grace_period.cancel()
        else:
            self.grace_period.deadline = trio.current_time() + self.grace
            self.requested.set()
