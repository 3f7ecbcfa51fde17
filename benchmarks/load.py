"""Processes that generate load: each one connects, reports that it is ready, follows the schedule, and reports."""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from attrs import define, frozen

_START_TIMEOUT = 120.0
"""Seconds to open all connections; five thousand take a while."""
_REPORT_TIMEOUT = 30.0


@frozen
class Schedule:
    """When the load begins and what is measured, in seconds of CLOCK_MONOTONIC."""

    start: float
    """When the cameras begin to send."""
    windows: tuple[tuple[float, float], ...]
    """Begin and end of each measured window, in order."""

    @property
    def end(self) -> float:
        """When cameras and viewers stop."""
        return self.windows[-1][1] + 0.05


class Window:
    """Finds the window of a moment, fast enough for a hundred thousand calls a second."""

    def __init__(self, schedule: Schedule) -> None:
        self._windows = iter(enumerate(schedule.windows))
        self._index, (self._begin, self._end) = next(self._windows)

    def at(self, now: float) -> int | None:
        """Return the index of the window that contains ``now``, or None; ``now`` never decreases between calls."""
        while now >= self._end:
            following = next(self._windows, None)
            if following is None:
                self._begin = self._end = float("inf")
                return None
            self._index, (self._begin, self._end) = following
        return self._index if now >= self._begin else None


@define(eq=False)
class Worker:
    """One process of the load."""

    name: str
    _process: Any
    _link: Connection

    def ready(self) -> None:
        """Wait until the process has opened its connections."""
        self._receive(_START_TIMEOUT)

    def start(self, schedule: Schedule) -> None:
        """Send the schedule to the process."""
        self._link.send(schedule)

    def report(self, schedule: Schedule) -> Any:
        """Wait for the report of the process, until shortly after the end of the schedule."""
        return self._receive(max(0.0, schedule.end - time.monotonic()) + _REPORT_TIMEOUT)

    def kill(self) -> None:
        """Kill the process."""
        self._process.kill()
        self._process.join()
        self._link.close()

    def _receive(self, seconds: float) -> Any:
        try:
            if not self._link.poll(seconds):
                raise RuntimeError(f"the process of the {self.name} did not finish within {seconds:.0f} s")
            answer = self._link.recv()
        except EOFError:
            raise RuntimeError(f"the process of the {self.name} ended early") from None
        if isinstance(answer, Exception):
            raise answer
        return answer


Task = Callable[[Any, Callable[[], Schedule]], Any]
"""Takes its plan and a function that reports "ready" and returns the schedule; returns its report."""


@contextmanager
def workers(tasks: Sequence[tuple[str, Task, object]], processors: frozenset[int]) -> Iterator[list[Worker]]:
    """Run each task in its own process on ``processors``; kill all processes when the context ends.

    Args:
        tasks: name of the process, task, and the plan that the task gets.
        processors: on which all processes run.
    """
    context = multiprocessing.get_context("spawn")
    started: list[Worker] = []
    try:
        for name, task, arguments in tasks:
            ours, theirs = context.Pipe()
            process = context.Process(target=_run, args=(task, arguments, theirs, processors), daemon=True)
            process.start()
            theirs.close()
            started.append(Worker(name, process, ours))
        yield started
    finally:
        for worker in started:
            worker.kill()


def _run(task: Task, arguments: object, link: Connection, processors: frozenset[int]) -> None:
    os.sched_setaffinity(0, processors)

    def wait_for_schedule() -> Schedule:
        link.send(None)
        schedule: Schedule = link.recv()
        # A garbage collection of this process would count as latency of the server.
        gc.collect()
        gc.freeze()
        gc.disable()
        return schedule

    try:
        link.send(task(arguments, wait_for_schedule))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return
    except Exception as error:  # noqa: BLE001  (the parent process raises it)
        link.send(RuntimeError(f"{task.__name__}: {type(error).__name__}: {error}"))
