"""The principal of a request, after authentication, and the cameras that the principal may know of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import frozen


@frozen
class Principal:
    """The person, program or camera that a request comes from."""

    name: str
    """For the log."""
    sees: Callable[[str], bool] | None = None
    """Returns whether the principal may know of a camera, by its id; None means every camera."""

    def may_see(self, camera_id: str) -> bool:
        """Return whether the principal may know of a camera."""
        return self.sees is None or self.sees(camera_id)


ANYONE: Final = Principal("anyone")
"""The principal of every request that was not authenticated."""
