"""Count the passes of Trio's loop: a task that is ready runs once in each of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio


class Passes(trio.abc.Instrument):
    """The number of the current pass."""

    number = 0

    def after_io_wait(self, timeout: float) -> None:
        """Begin the next pass."""
        self.number += 1


@contextmanager
def counting_passes() -> Iterator[Passes]:
    """Count the passes as long as the context lasts."""
    passes = Passes()
    trio.lowlevel.add_instrument(passes)
    try:
        yield passes
    finally:
        trio.lowlevel.remove_instrument(passes)
