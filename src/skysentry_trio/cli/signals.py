"""End a program in good order on SIGINT and SIGTERM."""

from __future__ import annotations

import signal

import trio


async def cancel_on_signal(
    scope: trio.CancelScope, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Cancel the scope at the first SIGINT or SIGTERM; a second signal ends the process immediately."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for _ in signals:
            scope.cancel()
            return
