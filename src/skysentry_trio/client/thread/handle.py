"""What a program holds of something that runs in the background, and closes by hand, by ``with`` or ``async with``."""

from __future__ import annotations

import weakref
from types import TracebackType
from typing import Protocol, Self

from skysentry_trio.client.thread.background import Background
from skysentry_trio.client.thread.loops import run_in_thread

CLOSE_TIMEOUT = 5.0
"""Seconds for the last things to be done."""


class Client(Protocol):
    """What does the work."""

    state: str
    trouble: str | None


class Handle:
    """Ends its background when it is closed, or when nobody holds it any more."""

    def __init__(self, client: Client, background: Background) -> None:
        self._client = client
        self._background = background
        background.start()
        # The thread knows nothing of this object, or it would never be let go of.
        weakref.finalize(self, background.stop)

    @property
    def state(self) -> str:
        """How it is: ``connecting``, ``live``, ``waiting`` for the next attempt to connect, or ``ended``."""
        return self._client.state

    @property
    def trouble(self) -> str | None:
        """Why there is no connection, for people; None if there is one."""
        return self._client.trouble

    def _finish(self) -> None:
        """Tell the background to come to its end."""
        self._background.stop()

    def _finish_and_wait(self) -> None:
        self._finish()
        self._background.join(CLOSE_TIMEOUT)
        self._background.stop()

    def close(self) -> None:
        """End it, blocking for some seconds at most until it has said goodbye."""
        self._finish_and_wait()

    async def aclose(self) -> None:
        """End it as `close` does, without blocking the loop, of Trio or asyncio."""
        try:
            await run_in_thread(self._finish_and_wait)
        finally:
            self._background.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
