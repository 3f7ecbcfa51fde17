"""Run services for ever: restart those that crash, and report those that keep failing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import trio

from skysentry_trio.base.logs import get_logger
from skysentry_trio.server.health import Health

log = get_logger(__name__)

_FIRST_RESTART: Final = 0.1
"""Seconds."""
_LAST_RESTART: Final = 30.0
"""Seconds."""
_FAILURES_IN_A_ROW: Final = 5
"""Crashes in a row after which a service is reported."""
_PROVEN: Final = 30.0
"""Seconds after which a restarted service counts as recovered."""


async def supervise(name: str, service: Callable[[], Awaitable[None]], health: Health) -> None:
    """Run a service for ever; restart it with back-off when it crashes.

    Args:
        name: name of the service, for the log and for ``/api/health``.
        service: a function that never returns.
        health: lists the service as failing after several crashes in a row, until the service has recovered.
    """
    failures, delay = 0, _FIRST_RESTART
    while True:
        started = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_report_recovery, name, health)
            try:
                await service()
            except Exception as error:
                if trio.current_time() - started > _PROVEN:
                    failures, delay = 0, _FIRST_RESTART
                failures += 1
                log.exception("service crashed", service=name, failures=failures, restart_in=delay)
                if failures >= _FAILURES_IN_A_ROW:
                    health.failing[name] = str(error) or type(error).__name__
            nursery.cancel_scope.cancel()
        await trio.sleep(delay)
        delay = min(2 * delay, _LAST_RESTART)


async def _report_recovery(name: str, health: Health) -> None:
    await trio.sleep(_PROVEN)
    health.failing.pop(name, None)
