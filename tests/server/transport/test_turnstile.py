"""Tasks that would all work at once get through a few at a time."""

from __future__ import annotations

from collections import Counter

import trio
from trio.testing import wait_all_tasks_blocked

from skysentry_trio.server.transport.turnstile import Turnstile
from tests.loop_passes import counting_passes


async def crowd_through(turnstile: Turnstile, tasks: int) -> Counter[int]:
    """Let tasks go through the turnstile at once; return how many got through in each pass of the loop."""
    counts = Counter[int]()

    async def go_through() -> None:
        await turnstile.pass_through()
        counts[passes.number] += 1

    with counting_passes() as passes:
        async with trio.open_nursery() as nursery:
            for _ in range(tasks):
                nursery.start_soon(go_through)
    return counts


async def test_a_crowd_gets_through_a_few_in_each_pass() -> None:
    """Between two of these passes, every other task runs."""
    counts = await crowd_through(Turnstile(), 40)
    assert sorted(counts.values()) == [4] * 10


async def test_each_crowd_gets_through() -> None:
    """Nobody keeps a place in the turnstile."""
    turnstile = Turnstile()
    for tasks in (1, 3, 9, 1):
        counts = await crowd_through(turnstile, tasks)
        assert counts.total() == tasks
        assert max(counts.values()) <= 4


async def test_who_gives_up_takes_no_turn() -> None:
    """A connection that is cancelled while it waits leaves its place to the next one."""
    turnstile, through = Turnstile(), list[int]()

    async def go_through(number: int) -> None:
        await turnstile.pass_through()
        through.append(number)

    async with trio.open_nursery() as nursery:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as leaving:
                for number in range(10):
                    leaving.start_soon(go_through, number)
                scope.cancel()
        await wait_all_tasks_blocked()
        for number in range(10, 20):
            nursery.start_soon(go_through, number)
    assert sorted(through) == list(range(10, 20))
