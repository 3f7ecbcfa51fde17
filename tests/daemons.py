"""A daemon inside the process that runs the tests, for what needs a hand inside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import trio

from skysentry_trio.server import daemon
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.transport.systemd import Notifier
from tests.raw_peer import Address


@asynccontextmanager
async def running_daemon(**settings: Any) -> AsyncIterator[Address]:
    """Run a daemon on a free port, and cancel it in the end."""
    async with trio.open_nursery() as nursery:
        serve = partial(daemon.serve, Settings(port=0, **settings), notifier=Notifier())
        urls = await nursery.start(serve)
        yield Address.parse(urls[0])
        nursery.cancel_scope.cancel()
