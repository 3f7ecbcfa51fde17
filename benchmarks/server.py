"""One relay as a process: start it, read its CPU time and memory from the system, end it."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parent.parent
"""This checkout."""
_START_TIMEOUT = 20.0
_ADDRESS = re.compile(rb"(?:https?://(?:127\.0\.0\.1|0\.0\.0\.0):|listening on )(\d+)")


@frozen
class Server:
    """A running relay."""

    pid: int
    port: int

    def cpu_seconds(self) -> float:
        """Return the CPU time of all its threads so far in seconds, user and system, in nanosecond resolution.

        ``/proc/PID/stat`` has the same time as utime + stime, but in ticks of 10 ms.
        """
        # The number of the clock is computed as clock_getcpuclockid(3) does.
        return time.clock_gettime((~self.pid << 3) | 2)

    def resident_bytes(self) -> int:
        """Return the resident memory (VmRSS)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
        if found is None:
            raise RuntimeError(f"the server has ended:\n{status}")
        return int(found[1]) * 1024


@contextmanager
def running(arguments: Sequence[str], processors: frozenset[int], checkout: Path | None = None) -> Iterator[Server]:
    """Run ``python ARGUMENTS`` until the context ends.

    Args:
        arguments: of the Python interpreter.
        processors: on which the process runs.
        checkout: directory whose ``src`` comes first on the module path; None for the installed package.

    Raises:
        RuntimeError: the process does not print in time on which port it listens, or it ends too early.
    """
    launch = [sys.executable, "-m", "benchmarks.launch", ",".join(map(str, sorted(processors)))]
    paths = [ROOT] if checkout is None else [checkout / "src", ROOT]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*map(str, paths), *filter(None, sys.path)])}
    process = subprocess.Popen(  # noqa: S603  (the program is one of our own peers)
        [*launch, sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output: list[bytes] = []
    found = threading.Event()
    port = 0

    def read_output() -> None:
        nonlocal port
        with process.stdout or io.BytesIO() as pipe:
            for line in pipe:
                if not port and (match := _ADDRESS.search(line)):
                    port = int(match[1])
                    found.set()
                # Enough lines to show an error, and few enough for a server that logs for hours.
                output[:] = [*output[-50:], line]
        found.set()

    reader = threading.Thread(target=read_output, daemon=True)
    reader.start()
    try:
        found.wait(_START_TIMEOUT)
        if not port:
            process.kill()
            reader.join()
            raise RuntimeError(f"{' '.join(arguments)} did not listen; its output:\n{b''.join(output).decode()}")
        yield Server(process.pid, port)
        if process.poll() is not None:
            raise RuntimeError(f"{' '.join(arguments)} ended; its output:\n{b''.join(output).decode()}")
    finally:
        process.kill()
        process.wait()
        reader.join()
