"""Wait in the running loop, which is a Trio or an asyncio loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import trio

# asyncio is imported only in functions that an asyncio loop has called, so programs with Trio need not load it.


def waker() -> tuple[Callable[[], object], Callable[[], Awaitable[object]]]:
    """Return a function that wakes this loop from any thread, and a function that waits in this loop to be woken.

    The first function raises RuntimeError if the loop has ended.
    """
    if trio.lowlevel.in_trio_run():
        trio_event = trio.Event()
        return partial(trio.lowlevel.current_trio_token().run_sync_soon, trio_event.set), trio_event.wait
    import asyncio  # noqa: PLC0415

    event = asyncio.Event()
    return partial(asyncio.get_running_loop().call_soon_threadsafe, event.set), event.wait


async def checkpoint() -> None:
    """Yield to the scheduler; the task can be cancelled here."""
    if trio.lowlevel.in_trio_run():
        await trio.lowlevel.checkpoint()
    else:
        import asyncio  # noqa: PLC0415

        await asyncio.sleep(0)


async def run_in_thread(function: Callable[..., object], *args: object) -> None:
    """Call a blocking function without blocking the loop."""
    if trio.lowlevel.in_trio_run():
        await trio.to_thread.run_sync(function, *args)
    else:
        import asyncio  # noqa: PLC0415

        await asyncio.to_thread(function, *args)
