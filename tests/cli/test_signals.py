from __future__ import annotations

import os
import signal

import pytest
import trio
import trio.testing

from skysentry_trio.cli import signals
from skysentry_trio.cli.signals import cancel_on_signal, outlive_terminal


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_cancels(number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end a program in good order."""
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            await nursery.start(cancel_on_signal, nursery.cancel_scope)
            os.kill(os.getpid(), number)
            await trio.sleep_forever()
    assert nursery.cancel_scope.cancelled_caught


@pytest.mark.parametrize(("terminal", "ends"), [([True, True], True), ([False, False], True), ([True, False], False)])
async def test_only_the_hangup_of_the_terminal_is_ignored(
    terminal: list[bool], ends: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A SIGHUP that somebody sends ends the program as SIGTERM does; the end of the terminal does not."""
    answers = iter([*terminal, False])
    monkeypatch.setattr(signals, "_has_terminal", lambda: next(answers))
    received = []
    with trio.fail_after(5), trio.open_signal_receiver(signal.SIGTERM) as terminations:
        async with trio.open_nursery() as nursery:
            await nursery.start(outlive_terminal)
            os.kill(os.getpid(), signal.SIGHUP)
            await trio.testing.wait_all_tasks_blocked(0.01)
            if ends:
                received.append(await anext(terminations))
            nursery.cancel_scope.cancel()
    assert received == [signal.SIGTERM] * ends


async def test_a_hangup_that_is_ignored_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """As nohup wishes."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(outlive_terminal)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
