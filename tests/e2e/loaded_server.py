"""A server in a process that has loaded its modules before: they take a second, and many tests start a server."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from multiprocessing.context import ForkServerProcess

from skysentry_trio.cli import serve
from skysentry_trio.cli.main import main

__all__ = ["serve", "start_server"]

# This starts one process, which loads these modules and makes copies of itself.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])


def start_server(arguments: Sequence[str]) -> ForkServerProcess:
    """Start `skysentry-trio` with these arguments, without waiting for it."""
    process = _CONTEXT.Process(target=_run, args=(list(arguments), dict(os.environ)), daemon=True)
    process.start()
    return process


def _run(arguments: list[str], environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    main(arguments)
