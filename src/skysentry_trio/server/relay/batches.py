"""Act on many objects, a few at a time: each action may wake a task, and all woken tasks run before any other task."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final, Generic, TypeVar

import trio
from attrs import define, field

T = TypeVar("T")

_SIZE: Final = 64
"""Number of objects in a batch. If each of them wakes a task, these tasks take some milliseconds."""


@define(eq=False)
class Batches(Generic[T]):
    """The objects on which `run` is still to act."""

    _act: Callable[[T], None]
    _left: dict[T, None] = field(factory=dict, init=False, repr=False)
    _added: trio.Event = field(factory=trio.Event, init=False, repr=False)

    def add(self, objects: Iterable[T]) -> None:
        """Act on the first few of these objects now, and let `run` act on the rest."""
        remaining = iter(objects)
        for one in islice(remaining, _SIZE):
            self._act(one)
        before = len(self._left)
        self._left.update(dict.fromkeys(remaining))
        if len(self._left) > before:
            self._added.set()

    async def run(self) -> None:
        """Act on the objects that `add` has left out; never returns."""
        while True:
            while self._left:
                for one in list(islice(self._left, _SIZE)):
                    del self._left[one]
                    self._act(one)
                await trio.lowlevel.checkpoint()
            self._added = trio.Event()
            await self._added.wait()
