"""Places for work that lasts as long as a client reads: nobody but an administrator can take all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import Principal


@define(eq=False)
class FairPlaces:
    """A number of places.

    An administrator may have what the others leave; everybody else half of it, and at least one place if one is left.
    """

    most: int
    work: str
    """What is done, for people, such as ``clips are being sent``."""
    _taken: Counter[str] = field(factory=Counter, init=False, repr=False)
    """By the identity of the principal."""
    _freed: trio.Event = field(factory=trio.Event, init=False, repr=False)

    def require(self, principal: Principal) -> None:
        """Check that there is a place; it is not taken yet.

        Raises:
            ProtocolViolation: with code ``busy``.
        """
        if (own := self._taken[principal.identity]) < self._share_of(principal):
            return
        full = self._taken.total() >= self.most
        taken = f"{self.most} {self.work}" if full else f"{own} {self.work} for {principal.name}"
        raise ProtocolViolation(f"{taken}, which is the limit; try again later", "busy")

    @asynccontextmanager
    async def take(self, principal: Principal) -> AsyncIterator[None]:
        """Keep a place for as long as the context lasts; wait for it if others were faster."""
        identity = principal.identity
        while self._taken[identity] >= self._share_of(principal):
            await self._freed.wait()
        self._taken[identity] += 1
        try:
            yield
        finally:
            self._taken[identity] -= 1
            if not self._taken[identity]:
                del self._taken[identity]
            self._freed.set()
            self._freed = trio.Event()

    def _share_of(self, principal: Principal) -> int:
        left = self.most - self._taken.total() + self._taken[principal.identity]
        return left if principal.rights.is_admin else (left + 1) // 2
