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
    stopped: bool = False
    """Whether the camera is offline because it was stopped on purpose."""


class Directory(Leases, Protocol):
    """What this node knows of the cluster. Only `claim` waits, and never for long."""

    on_lost: Callable[[str, int], None]
    """Called with a camera that this node had, and with the higher epoch of another node; must not raise."""

    hears: Callable[[str], bool]
    """Returns whether frames come from a node just now. Then it stays known although it cannot reach the engine."""

    @property
    def node_id(self) -> str:
        """The id of this node."""
        ...

    @property
    def changed(self) -> trio.Event:
        """Set at the next change of a camera or a node; each change makes a new event. Take it before you look."""
        ...

    def locate(self, camera_id: str) -> Location | None:
        """Return where a camera is, here or on another node; None for a camera that no node has."""
        ...

    def cameras(self) -> Mapping[str, Location]:
        """Return where each camera is, by its id: the cameras of this node too."""
        ...

    def nodes(self) -> Mapping[str, Node]:
        """Return all nodes by their ids, this node too."""
        ...
