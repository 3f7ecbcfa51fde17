"""One relay as a process: start it, read what the system says of it, end it."""

from __future__ import annotations

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

_START_TIMEOUT = 20.0
_ADDRESS = re.compile(rb"(?:http://127\.0\.0\.1:|listening on )(\d+)")


@frozen
class Server:
    """A running relay."""

    pid: int
    port: int

    def cpu_seconds(self) -> float:
        """Return the CPU time of all its threads so far, user and system, in nanosecond resolution.

        It is what utime + stime in ``/proc/PID/stat`` say in ticks; the clock's number is that of
        ``clock_getcpuclockid(3)``.
        """
        return time.clock_gettime((~self.pid << 3) | 2)

    def resident_bytes(self) -> int:
        """Return VmRSS."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
        if found is None:
            raise RuntimeError(f"the server has no memory any more:\n{status}")
        return int(found[1]) * 1024


@contextmanager
def running(arguments: Sequence[str], processors: frozenset[int], checkout: Path | None = None) -> Iterator[Server]:
    """Run ``python ARGUMENTS`` on these processors until the context ends; of ``checkout``, if one is given.

    Raises:
        RuntimeError: it does not say in time on which port it listens.
    """
    root = Path(__file__).parent.parent
    launch = [sys.executable, "-m", "benchmarks.launch", ",".join(map(str, sorted(processors)))]
    paths = [root] if checkout is None else [checkout / "src", root]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*map(str, paths), *filter(None, sys.path)])}
    process = subprocess.Popen(  # noqa: S603  (the program is one of our own peers)
        [*launch, sys.executable, *arguments],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    pipe = process.stdout
    output: list[bytes] = []
    found = threading.Event()
    port = 0

    def read_output() -> None:
        nonlocal port
        for line in pipe or ():
            if not port and (match := _ADDRESS.search(line)):
                port = int(match[1])
                found.set()
            # Enough to say why something failed; a server that logs without end must not fill the memory.
            output[:] = [*output[-50:], line]
        found.set()

    reader = threading.Thread(target=read_output, daemon=True)
    reader.start()
    try:
        found.wait(_START_TIMEOUT)
        if not port:
            process.kill()
            reader.join()
            raise RuntimeError(f"{' '.join(arguments)} did not listen; it said:\n{b''.join(output).decode()}")
        yield Server(process.pid, port)
        if process.poll() is not None:
            raise RuntimeError(f"{' '.join(arguments)} ended; it said:\n{b''.join(output).decode()}")
    finally:
        process.kill()
        process.wait()
        reader.join()
