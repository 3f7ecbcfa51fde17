"""A program's handle on a background task: closed by a call, by ``with`` or by ``async with``."""

from __future__ import annotations

import weakref
from types import TracebackType
from typing import Protocol, Self

from skysentry_trio.client.thread.background import Background
from skysentry_trio.client.thread.loops import run_in_thread

CLOSE_TIMEOUT = 5.0
"""Seconds for the background task to send its last messages and to close the connection."""


class Client(Protocol):
    """The camera client or viewer client that runs in the background task."""

    state: str
    trouble: str | None


class Handle:
    """Ends its background task when it is closed, or when it is garbage-collected."""

    def __init__(self, client: Client, background: Background) -> None:
        self._client = client
        self._background = background
        background.start()
        # The thread holds no reference to this object, because a reference would keep the object from being collected.
        weakref.finalize(self, background.stop)

    @property
    def state(self) -> str:
        """State: ``connecting``, ``live``, ``waiting`` for the next attempt to connect, or ``ended``."""
        return self._client.state

    @property
    def trouble(self) -> str | None:
        """Why there is no connection, for people; None if there is one."""
        return self._client.trouble

    def _finish(self) -> None:
        """Ask the background task to end."""
        self._background.stop()

    def _finish_and_wait(self) -> None:
        self._finish()
        self._background.join(CLOSE_TIMEOUT)
        self._background.stop()

    def close(self) -> None:
        """End the background task; block until it has closed the connection, at most 5 seconds."""
        self._finish_and_wait()

    async def aclose(self) -> None:
        """End the background task as `close` does, without blocking the Trio or asyncio loop."""
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
