"""What an endpoint needs of the connection it serves."""

from __future__ import annotations

from typing import Protocol


class Peer(Protocol):
    """Whole messages in and out; `PeerGone` from both when the remote party left or stopped reading."""

    async def receive(self) -> str | bytes:
        """Return the next message."""
        ...

    async def send(self, message: str | bytes) -> None:
        """Send a message."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """Say goodbye with a WebSocket close code; never raises, and only the first call counts."""
        ...
