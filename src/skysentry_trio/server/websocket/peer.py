"""What an endpoint needs of the connection it serves."""

from __future__ import annotations

from typing import Protocol

from skysentry_trio.base.sink import FrameSink


class Peer(Protocol):
    """Whole messages in and out; `PeerGone` from both when the remote party left or stopped reading."""

    async def receive(self) -> str | bytes:
        """Return the next message."""
        ...

    async def send(self, message: str) -> None:
        """Send a text message."""
        ...

    async def send_frame(self, frame: bytes) -> None:
        """Send a message that was made into a WebSocket frame beforehand."""
        ...

    @property
    def sink(self) -> FrameSink:
        """Sends such a message now if that is possible; after `WriteResult.PART`, `finish_frame` sends the rest."""
        ...

    async def finish_frame(self) -> None:
        """Send the rest of what `sink` began."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """Say goodbye with a WebSocket close code; never raises, and only the first call counts."""
        ...
