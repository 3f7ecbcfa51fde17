"""How many connections there are and were, and how those ended that did not end as they should."""

from __future__ import annotations

from collections import Counter

from attrs import define, field


@define(eq=False)
class ConnectionLog:
    """Counters of the listener; the router writes them, health and metrics read them."""

    open: int = field(default=0, init=False)
    """Connections that are open now."""
    accepted: int = field(default=0, init=False)
    """Connections accepted since the start."""
    ended_by: Counter[str] = field(factory=Counter, init=False)
    """Connections that crashed, or that the server refused before a service had them, by cause."""
