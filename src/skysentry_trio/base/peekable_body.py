"""The body of an HTTP message whose beginning can be looked at before it is read."""

from __future__ import annotations

from abc import ABC, abstractmethod

from attrs import define, field


@define(eq=False)
class PeekableBody(ABC):
    """A body that is read in pieces; a subclass says where they come from."""

    _peeked: bytes = field(default=b"", init=False, repr=False)

    @abstractmethod
    async def _receive(self) -> bytes:
        """Return the next piece of the body from its source, b"" at the end."""

    async def receive(self) -> bytes:
        """Return the next piece of the body, b"" at the end."""
        if self._peeked:
            data, self._peeked = self._peeked, b""
            return data
        return await self._receive()

    async def peek(self, size: int) -> bytes:
        """Return the first ``size`` bytes, or fewer if the body is shorter, without consuming them."""
        while len(self._peeked) < size and (data := await self._receive()):
            self._peeked += data
        return self._peeked[:size]
