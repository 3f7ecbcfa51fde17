"""Start the server, and other programs beside it, as processes of their own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from attrs import define, field

from tests.e2e.several_nodes import count_nodes, serve_program
from tests.printed_secrets import find_secrets

SKYSENTRY = ("-m", "skysentry_trio")
PATIENCE = 30.0 * count_nodes()
"""Seconds to wait for a process to do what it should; machines that run tests are slow at times."""


@define(eq=False)
class Program:
    """A running ``skysentry-trio``; what it says on stderr is collected."""

    process: subprocess.Popen[bytes]
    lines: list[str] = field(factory=list)
    _said: threading.Condition = field(factory=threading.Condition)

    def collect(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._said:
                self.lines.append(line.decode())
                self._said.notify_all()
        with self._said:
            self.lines.append("")
            self._said.notify_all()

    def wait_for_line(self, pattern: str) -> re.Match[str]:
        """Return the first match in what was said on stderr, waiting for it."""
        with self._said:
            found: list[re.Match[str]] = []

            def said_it() -> bool:
                found.extend(match for line in self.lines if (match := re.search(pattern, line)))
                return bool(found)

            assert self._said.wait_for(said_it, PATIENCE), f"{pattern} was not said:\n{''.join(self.lines)}"
        return found[0]

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def running(*arguments: str, program: tuple[str, ...] = SKYSENTRY, before: Sequence[str] = ()) -> Iterator[Program]:
    """Run ``skysentry-trio`` with these arguments; it is killed in the end if it still runs.

    With ``pytest --nodes 3``, three servers run instead of one.

    Args:
        arguments: of the command.
        program: what Python runs; a test may run the command in a changed form.
        before: what runs Python, such as a command that puts it on another host.
    """
    if arguments[0] == "serve" and program == SKYSENTRY:
        program = serve_program()
    command = [*before, sys.executable, *program, *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        started = Program(process)
        collector = threading.Thread(target=started.collect)
        collector.start()
        try:
            yield started
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(PATIENCE)
                except subprocess.TimeoutExpired:
                    process.kill()
            collector.join(PATIENCE)
    assert find_secrets("".join(started.lines)) == []


@contextmanager
def running_server(*arguments: str) -> Iterator[str]:
    """Run a server on a free port and give its address, ``127.0.0.1:PORT``."""
    with running("serve", "--host", "127.0.0.1", "--port", "0", *arguments) as server:
        yield server.wait_for_line(r"127\.0\.0\.1:\d+").group()
