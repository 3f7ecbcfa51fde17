"""What the parts of a cluster know of each other: nodes, where cameras are, and the directory that knows both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import trio
from attrs import frozen

from skysentry_trio.server.relay.leases import Leases


@frozen
class Node:
    """One server of the cluster."""

    node_id: str
    """Chosen at random when the server starts, so a server that starts again is another node."""
    url: str
    """The base URL at which the other nodes reach this node."""
    version: str = ""
    cameras: int = 0
    """Cameras that are connected to the node."""
    viewers: int = 0
    """Viewers that are connected to the node."""


@frozen
class Location:
    """Where a camera is: the node that has its frames."""

    node_id: str
    node_url: str
    epoch: int
    """The higher epoch wins. Frames of a node that has lost the camera must not be shown any more."""
    name: str | None = None
    """Label for people."""
    since: float = 0.0
    """When the camera connected to the node, in seconds since the epoch."""
    online: bool = True
    """Whether the camera is connected; if not, the node still has its last frames."""


class Directory(Leases, Protocol):
    """What this node knows of the cluster. Only `claim` waits, and never for long."""

    node_id: str
    """Of this node."""
    changed: trio.Event
    """Set when a camera or a node has changed; there is a new event then. Take the event before you look."""
    on_lost: Callable[[str, int], None]
    """Called with a camera that this node had, and with the higher epoch of another node; must not raise."""

    def locate(self, camera_id: str) -> Location | None:
        """Return where a camera is, here or on another node; None if no node has it."""
        ...

    @property
    def cameras(self) -> Mapping[str, Location]:
        """All cameras of the cluster, also those of this node."""
        ...

    @property
    def nodes(self) -> Mapping[str, Node]:
        """All nodes by their ids, also this node."""
        ...
