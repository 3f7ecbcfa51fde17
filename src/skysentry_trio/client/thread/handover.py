"""Hand the newest value of each key from one thread to another thread, a Trio loop or an asyncio loop."""

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
    """The camera or viewer was closed, so nothing more will come."""


@define(eq=False)
class Handover(Generic[T]):
    """Values that wait to be taken, at most one for each key: a newer value replaces the older one.

    The value whose key has waited longest is taken first. So a key that gets many values does not hold up other keys.
    """

    _waiting: dict[str, T] = field(factory=dict, init=False)
    _end: Exception | None = field(default=None, init=False)
    _condition: threading.Condition = field(factory=threading.Condition, init=False)
    _wakers: list[Callable[[], object]] = field(factory=list, init=False)
    """Wake functions of the loops that wait for a value."""

    def put(self, key: str, value: T) -> None:
        """Put in the newest value of a key; it replaces a value of this key that still waits."""
        with self._condition:
            self._waiting[key] = value
            self._wake()

    def end(self, error: Exception | None) -> None:
        """End the handover; waiting values are dropped."""
        with self._condition:
            self._waiting.clear()
            self._end = error or Closed("closed")
            self._wake()

    def wait(self, timeout: float | None = None) -> T:
        """Take a value; block this thread until there is one.

        Raises:
            TimeoutError: no value came within the timeout.
            Closed: the handover has ended; if `end` got another error, that error is raised instead.
        """
        with self._condition:
            taken = self._condition.wait_for(self._take, timeout)
        if taken is None:
            raise TimeoutError(f"nothing came for {timeout:g} s")
        return taken

    async def receive(self) -> T:
        """Take a value; wait in this Trio or asyncio loop until there is one.

        Raises:
            Closed: the handover has ended; if `end` got another error, that error is raised instead.
        """
        # Yield to the scheduler even if a value waits already, and take the newest value after that.
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
            # The task that waited may have given up, and its loop may have ended.
            with suppress(RuntimeError):
                wake()
        self._wakers.clear()
