"""The right to have a camera: one server of a cluster has it at a time; a server alone always has it."""

from __future__ import annotations

from typing import Final, Protocol

from attrs import frozen

from skysentry_trio.base.principal import Principal


@frozen
class Lease:
    """The right of this server to publish frames of one camera, until a lease with a higher epoch is granted."""

    epoch: int = 0
    """Counts who has had the camera, over all servers: the higher epoch wins. 0 for a server alone."""
    sequence: int = 0
    """No server has given a higher sequence to a frame of this camera, as far as is known."""


NO_LEASE: Final = Lease()


class Leases(Protocol):
    """Grants leases; a cluster's directory does, and `ServerAlone`."""

    async def claim(self, camera_id: str, name: str | None, principal: Principal) -> Lease:
        """Return the lease of a camera that connects here; any other server loses the camera.

        Args:
            camera_id: id of the camera.
            name: label for people; None keeps the current label.
            principal: who sends. Only the same principal or an administrator takes a live camera over.

        Raises:
            ProtocolViolation: with code ``in-use``, or ``replaced`` if the camera connected elsewhere in the meantime.
        """
        ...

    def leave(self, camera_id: str, lease: Lease, sequence: int, *, stopped: bool) -> None:
        """Note that a camera has left; this server keeps its frames, and any principal may claim it.

        Args:
            camera_id: id of the camera.
            lease: of the session that has ended; an older lease changes nothing.
            sequence: of the newest frame.
            stopped: whether the camera was stopped on purpose.
        """
        ...

    def release(self, camera_id: str) -> None:
        """Note that this server has forgotten a camera."""
        ...


class ServerAlone:
    """Grants every lease, for a server that belongs to no cluster."""

    async def claim(self, camera_id: str, name: str | None, principal: Principal) -> Lease:  # noqa: ARG002
        """Grant the lease."""
        return NO_LEASE

    def leave(self, camera_id: str, lease: Lease, sequence: int, *, stopped: bool) -> None:
        """Do nothing."""

    def release(self, camera_id: str) -> None:
        """Do nothing."""
