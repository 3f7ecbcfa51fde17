from __future__ import annotations

import os
import signal

import pytest
import trio

from skysentry_trio.cli.signals import cancel_on_signal


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_cancels(number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end a program in good order."""
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            await nursery.start(cancel_on_signal, nursery.cancel_scope)
            os.kill(os.getpid(), number)
            await trio.sleep_forever()
    assert nursery.cancel_scope.cancelled_caught
