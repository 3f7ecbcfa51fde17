"""Connections between two requests: how long they stay open, and which one goes when others need its place."""

from __future__ import annotations

from typing import Final

import trio
from attrs import define, field

from skysentry_trio.base.nurseries import CONNECTION_LOST
from skysentry_trio.server.transport.peer_stream import PeerStream

LONGEST_IDLE: Final = 15.0
"""Seconds for which a connection stays open between two requests."""
_LINGER: Final = 1.0
"""Seconds that a client has to notice the end of its connection."""


@define(eq=False)
class IdleConnections:
    """The connections of a server on which no request is being served or sent."""

    _idle: dict[PeerStream, None] = field(factory=dict, init=False, repr=False)
    """The longest idle first."""
    _is_closing: bool = field(default=False, init=False)

    async def wait_for_request(self, peer: PeerStream) -> bool:
        """Wait until a request begins, and put its beginning back; if none comes in time, close the connection.

        Returns:
            Whether a request has begun.
        """
        received = b""
        if not self._is_closing:
            self._idle[peer] = None
            try:
                with trio.move_on_after(LONGEST_IDLE):
                    received = await peer.receive_some()
            except CONNECTION_LOST:
                pass
            finally:
                self._idle.pop(peer, None)
        if received:
            peer.push_back(received)
        else:
            await peer.close_gently(_LINGER)
        return bool(received)

    def close_all(self) -> None:
        """Let all idle connections end, and all that become idle from now on."""
        self._is_closing = True
        for peer in self._idle:
            peer.wake_reader()

    def close_longest(self) -> PeerStream | None:
        """Close the connection that has been idle for the longest time; return None if none is idle."""
        for peer in self._idle:
            del self._idle[peer]
            peer.abort()
            return peer
        return None
