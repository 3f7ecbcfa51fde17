"""The newest value of each key, from one thread to whoever asks for it: in another thread, in Trio or in asyncio."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

from attrs import define, field

from skysentry_trio.base.exceptions import SkySentryError
from skysentry_trio.client.thread.loops import checkpoint, waker

T = TypeVar("T")


class Closed(SkySentryError):
    """It was closed, so there is nothing more to come."""


@define(eq=False)
class Handover(Generic[T]):
    """Values that wait to be taken, at most one a key: a newer one takes its place.

    The key that has waited longest comes first, so that one that is put often does not keep others from being seen.
    """

    _waiting: dict[str, T] = field(factory=dict, init=False)
    _end: Exception | None = field(default=None, init=False)
    _condition: threading.Condition = field(factory=threading.Condition, init=False)
    _wakers: list[Callable[[], object]] = field(factory=list, init=False)
    """Of the loops in which somebody waits."""

    def put(self, key: str, value: T) -> None:
        """Hand a value over."""
        with self._condition:
            self._waiting[key] = value
            self._wake()

    def end(self, error: Exception | None) -> None:
        """Say that no more values come; those that wait are dropped."""
        with self._condition:
            self._waiting.clear()
            self._end = error or Closed("closed")
            self._wake()

    def wait(self, timeout: float | None = None) -> T:
        """Take a value, blocking this thread until there is one.

        Raises:
            TimeoutError: there was none for so many seconds.
            Closed: there will be none any more; or whatever else it ended with.
        """
        with self._condition:
            taken = self._condition.wait_for(self._take, timeout)
        if taken is None:
            raise TimeoutError(f"nothing came for {timeout:g} s")
        return taken

    async def receive(self) -> T:
        """Take a value, waiting in this loop, of Trio or asyncio, until there is one.

        Raises:
            Closed: there will be none any more; or whatever else it ended with.
        """
        # Others get their turn even if there always is a value; what is the newest is looked up after that.
        await checkpoint()
        while True:
            with self._condition:
                taken = self._take()
                if taken is not None:
                    return taken
                wake, wait = waker()
                self._wakers.append(wake)
            await wait()

    def _take(self) -> T | None:
        if self._end is not None:
            raise self._end
        for key in self._waiting:
            return self._waiting.pop(key)
        return None

    def _wake(self) -> None:
        self._condition.notify_all()
        for wake in self._wakers:
            # Whoever waited may have given up, and its loop may have ended.
            with suppress(RuntimeError):
                wake()
        self._wakers.clear()
