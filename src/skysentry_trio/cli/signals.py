"""End a program in good order on SIGINT and SIGTERM, and let it continue when its terminal is closed."""

from __future__ import annotations

import os
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


async def outlive_terminal(*, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """Ignore the SIGHUP with which the kernel reports that the terminal was closed; turn any other SIGHUP into SIGTERM.

    A program that was started with SIGHUP ignored, as nohup does, continues to ignore it.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        task_status.started()
        return
    had_terminal = _has_terminal()
    with trio.open_signal_receiver(signal.SIGHUP) as signals:
        task_status.started()
        async for _ in signals:
            if not had_terminal or _has_terminal():
                signal.raise_signal(signal.SIGTERM)
            had_terminal = _has_terminal()


def _has_terminal() -> bool:
    """Return whether the process has a controlling terminal: tty(4)."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
