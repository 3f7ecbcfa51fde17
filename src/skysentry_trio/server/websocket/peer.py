"""The interface through which the endpoints use the connection to a camera or viewer."""

from __future__ import annotations

from typing import Protocol

from skysentry_trio.base.sink import FrameSink


class Peer(Protocol):
    """One WebSocket connection.

    Every method except `close` raises `PeerGone` if the remote party has left, or has read nothing for too long.
    """

    async def receive(self) -> str | bytes:
        """Return the next whole message: a text message as `str`, a binary message as `bytes`.

        Raises:
            MessageSkipped: the peer sent a message that is too large; the next call returns the message after it.
            ProtocolViolation: the peer sent something else that is not allowed.
        """
        ...

    async def send(self, message: str) -> None:
        """Send a text message."""
        ...

    async def send_frame(self, frame: bytes) -> None:
        """Send a message that is already encoded as a WebSocket frame, or several of them one after another."""
        ...

    @property
    def sink(self) -> FrameSink:
        """Sends an encoded frame if that is possible without waiting; after `WriteResult.PART`, call `finish_frame`."""
        ...

    async def finish_frame(self) -> None:
        """Send the rest of a frame of which `sink` has sent only a part."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """Close the connection with a WebSocket close code; never raises, and only the first call counts."""
        ...
