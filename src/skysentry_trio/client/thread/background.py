"""A Trio loop in its own thread; the loop runs even while the program computes, blocks, or runs another loop."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress

import trio
from attrs import define, field


@define(eq=False)
class Background:
    """Runs one async function until it ends or is stopped."""

    main: Callable[[], Awaitable[None]]
    on_end: Callable[[Exception | None], None]
    """Called in the thread when the function has ended, with the function's error or None."""
    name: str
    _thread: threading.Thread = field(init=False)
    _ready: threading.Event = field(factory=threading.Event, init=False)
    _token: trio.lowlevel.TrioToken = field(init=False)
    _scope: trio.CancelScope = field(factory=trio.CancelScope, init=False)

    def start(self) -> None:
        """Start the thread; return when `call_soon` works."""
        # This is a daemon thread, so that a program that never closes its camera or viewer still ends.
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()
        self._ready.wait()

    @property
    def is_running(self) -> bool:
        """Whether the function still runs."""
        return self._thread.is_alive()

    def call_soon(self, function: Callable[..., object], *args: object, idempotent: bool = False) -> None:
        """Call a function in the thread; do nothing if the thread has ended.

        Args:
            function: what to call; it must not wait.
            args: the arguments of the function.
            idempotent: whether to skip this call if the same call still waits to be made.
        """
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(function, *args, idempotent=idempotent)

    def stop(self) -> None:
        """Cancel the function; this does not wait."""
        self.call_soon(self._scope.cancel)

    def join(self, timeout: float) -> None:
        """Wait until the function has ended, at most this many seconds."""
        self._thread.join(timeout)

    def _run(self) -> None:
        error: Exception | None = None
        try:
            trio.run(self._supervise)
        except Exception as caught:  # noqa: BLE001 - it is raised again in the caller's thread
            error = caught
        self.on_end(error)

    async def _supervise(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self._ready.set()
        with self._scope:
            await self.main()
