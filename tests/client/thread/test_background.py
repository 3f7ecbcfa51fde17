from __future__ import annotations

import queue
import threading

import trio

from skysentry_trio.client.thread.background import Background


def test_it_runs_beside_and_can_be_stopped() -> None:
    """Calls are made in its thread until it ends; after that they do nothing."""
    ends: queue.Queue[Exception | None] = queue.Queue()
    threads: queue.Queue[str] = queue.Queue()

    def call() -> None:
        threads.put(threading.current_thread().name)

    background = Background(trio.sleep_forever, ends.put, "beside")
    background.start()
    background.call_soon(call)
    assert threads.get(timeout=10) == "beside"
    assert background.is_running
    background.stop()
    assert ends.get(timeout=10) is None
    background.join(10)
    assert not background.is_running
    background.call_soon(call)
    background.stop()
    assert threads.empty()


def test_what_it_ends_with_is_told() -> None:
    """An error is handed on to those who can do something about it."""
    ends: queue.Queue[Exception | None] = queue.Queue()
    error = ValueError("wrong")

    async def fail() -> None:
        raise error

    background = Background(fail, ends.put, "failing")
    background.start()
    assert ends.get(timeout=10) is error
    background.join(10)
