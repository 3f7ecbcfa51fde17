"""One budget for all bytes that the server holds for peers: frames in rings, unfinished messages, and unsent bytes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, Protocol, Self

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import ProtocolViolation

_SENDING_SHARE: Final = 32
"""Unsent bytes may take this fraction of the budget: 1/32."""
_LEAST_SENDING: Final = 32 * 1024 * 1024
"""Bytes that may be unsent even if the share of a small budget is less; at most half of the budget."""
_SPARE: Final = 256
"""Rings make room until 1/256 of the budget is free, so that few messages make them search for old frames."""
_STALE_MESSAGE: Final = 10.0
"""Seconds after which an unfinished message must give way when the budget is used up."""
_STALE_WRITE: Final = 1.0
"""Seconds after which a write that waits for its peer must give way when too many bytes are unsent."""


class Rings(Protocol):
    """The frames in memory, of which the old ones make room for everything else."""

    @property
    def nbytes(self) -> int:
        """Bytes in all rings."""
        ...

    def shrink_to(self, nbytes: float) -> None:
        """Drop old frames until the rings hold at most this many bytes, or only the newest frame of each camera."""
        ...


class _NoRings:
    nbytes = 0

    def shrink_to(self, nbytes: float) -> None:
        pass


@define(eq=False)
class HeldMemory:
    """Bytes held for peers, besides the frames in rings.

    If the budget is used up, old frames in rings are dropped first. Then the messages that are unfinished for the
    longest time end with their connections. If none is old enough, the message that needs more memory is refused.

    Unsent bytes have a bound of their own. Beyond the bound, the writes that wait for the longest time end.
    """

    limit: float = math.inf
    """Bytes for everything, rings included."""
    rings: Rings = field(factory=_NoRings, init=False, repr=False)
    receiving: int = field(default=0, init=False)
    """Bytes of messages and uploads that are not complete."""
    sending: int = field(default=0, init=False)
    """Bytes of which a peer has taken only a part; bytes that several peers share count once."""
    refused: int = field(default=0, init=False)
    """Number of messages that were refused because there was no memory for them."""
    cut: Counter[str] = field(factory=Counter, init=False)
    """Number of connections that were ended to free memory: ``receiving`` or ``sending``."""
    receivers: dict[Receiving, None] = field(factory=dict, init=False, repr=False)
    """Unfinished messages, the oldest first."""
    _senders: dict[Sending, None] = field(factory=dict, init=False, repr=False)
    _shared: Counter[int] = field(factory=Counter, init=False, repr=False)
    """Number of writes for each object that is being sent, by the object's id."""

    @property
    def nbytes(self) -> int:
        """Bytes that are held besides the rings."""
        return self.receiving + self.sending

    @property
    def sending_limit(self) -> float:
        """Bytes that may be unsent."""
        return min(max(self.limit / _SENDING_SHARE, _LEAST_SENDING), self.limit / 2)

    def is_full(self) -> bool:
        """Return whether more is held than the limit allows."""
        return self.rings.nbytes + self.nbytes > self.limit

    def _make_room(self) -> None:
        if self.is_full():
            self.rings.shrink_to(self.limit - self.nbytes - self.limit / _SPARE)

    def fit(self, receiver: Receiving) -> None:
        """Make room for a message that has become larger, or refuse it.

        Raises:
            ProtocolViolation: with code ``server-full``.
        """
        self._make_room()
        stale = trio.current_time() - _STALE_MESSAGE
        for oldest in list(self.receivers):
            if not self.is_full():
                return
            if oldest.began > stale or oldest is receiver:
                break
            self.cut["receiving"] += 1
            oldest.release()
            oldest.cut()
        if self.is_full():
            self.refused += 1
            receiver.release()
            raise ProtocolViolation(
                f"the server has no memory for more of this message in {self.limit:.0f} bytes", "server-full"
            )

    def begin_sending(self, sender: Sending) -> None:
        """Count a write that waits for its peer."""
        self._senders[sender] = None
        self._shared[sender.key] += 1
        if self._shared[sender.key] == 1:
            self.sending += sender.nbytes
            self._make_room()
        self.cut_stale_senders()

    def end_sending(self, sender: Sending) -> None:
        """Forget a write."""
        # A sender that was cut has ended already.
        if sender in self._senders:
            del self._senders[sender]
            self._shared[sender.key] -= 1
            if not self._shared[sender.key]:
                del self._shared[sender.key]
                self.sending -= sender.nbytes

    def cut_stale_senders(self) -> None:
        """End the writes that wait for the longest time, as long as too many bytes are unsent."""
        if self.sending <= self.sending_limit:
            return
        stale = trio.current_time() - _STALE_WRITE
        for oldest in list(self._senders):
            if oldest.began > stale or self.sending <= self.sending_limit:
                break
            self.cut["sending"] += 1
            self.end_sending(oldest)
            oldest.cut()


@define(eq=False)
class Receiving:
    """The bytes of a message or an upload of one peer, as long as it is not complete."""

    _memory: HeldMemory
    cut: Callable[[], None]
    """Ends the connection."""
    nbytes: int = field(default=0, init=False)
    began: float = field(default=0.0, init=False)
    """When the first bytes came, in seconds of the monotonic clock."""

    def grow_to(self, nbytes: int) -> None:
        """Count bytes before memory is taken for them.

        Args:
            nbytes: size of the message so far.

        Raises:
            ProtocolViolation: with code ``server-full``; nothing is held any more.
        """
        memory = self._memory
        if not self.nbytes:
            self.began = trio.current_time()
            memory.receivers[self] = None
        memory.receiving += nbytes - self.nbytes
        self.nbytes = nbytes
        if memory.is_full():
            memory.fit(self)

    def release(self) -> None:
        """Hold nothing any more: the message is complete, or its connection has ended."""
        if self.nbytes:
            self._memory.receiving -= self.nbytes
            self.nbytes = 0
            del self._memory.receivers[self]


@define(eq=False)
class Sending:
    """A context in which bytes wait for a peer to take them."""

    _memory: HeldMemory
    data: Any
    """The object that is being sent, as bytes or as a view of bytes; several peers may be sent the same object."""
    cut: Callable[[], None]
    """Ends the connection."""
    began: float = field(factory=trio.current_time, init=False)
    """When the write began to wait, in seconds of the monotonic clock."""
    key: int = field(init=False)
    nbytes: int = field(init=False)
    """Size of the whole object, because a view keeps all of it in memory."""

    def __attrs_post_init__(self) -> None:
        if isinstance(self.data, memoryview):
            self.data = self.data.obj
        self.key, self.nbytes = id(self.data), len(self.data)

    def __enter__(self) -> Self:
        self._memory.begin_sending(self)
        return self

    def __exit__(self, *_error: object) -> None:
        self._memory.end_sending(self)
        self.data = None
