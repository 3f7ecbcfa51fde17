"""Write log lines, status lines and banners without ever waiting or failing: what cannot be written is counted.

Nobody may read our stderr, a terminal may be stopped with Ctrl-S, and a disk may be full. None of this may stop the
cameras. So a thread of its own writes, and only the thread waits.
"""

from __future__ import annotations

import io
import os
import select
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple, TextIO

from skysentry_trio.base.addresses import mask_addresses

MAX_PENDING: Final = 256 * 1024
"""Maximum number of bytes that wait for the thread; later lines are dropped and counted."""
_STALL: Final = 0.5
"""Seconds without progress after which `Chatter.drain` gives up."""
_MAX_WRITE: Final = 4096
"""Maximum number of bytes in one write; `Chatter.drain` sees progress after each write."""


class _Chunk(NamedTuple):
    data: bytes
    lines: int
    """Number of lines that are lost if the chunk cannot be written."""
    is_report: bool = False
    """Whether the chunk reports dropped lines, which have been counted already."""


def describe_dropped_lines(count: int) -> str:
    """Return the line that reports dropped lines to people."""
    return f"skysentry-trio: {count} lines dropped, because they could not be written\n"


class Chatter(io.RawIOBase):
    """A binary file over a descriptor; `write` never waits and never fails.

    Put an ``io.TextIOWrapper`` around it (`open_chatter`), and the object can replace ``sys.stderr``.
    """

    def __init__(self, descriptor: int, *, max_pending: int = MAX_PENDING) -> None:
        """Make a file for chatter.

        Args:
            descriptor: where to write. It stays open, and its flags stay unchanged, because other processes share them.
            max_pending: maximum number of bytes that wait.
        """
        super().__init__()
        self.dropped = 0
        """Number of lines that were dropped since the start."""
        self.describe_drops: Callable[[int], str] = describe_dropped_lines
        """Makes the line that reports how many lines were dropped; called by any thread."""
        self._descriptor = descriptor
        self._max_pending = max_pending
        self._changed = threading.Condition()
        self._waiting: deque[_Chunk] = deque()
        self._pending = 0
        """Bytes that are accepted and not yet written."""
        self._gap = 0
        """Lines that were dropped and not yet reported."""
        self._cuts_line = False
        """Whether the start of the current line was dropped, so the rest of this line is dropped too."""
        self._is_torn = False
        """Whether writing failed in the middle of a line, so that the next line needs a line end before it."""
        self._thread: threading.Thread | None = None

    @property
    def is_idle(self) -> bool:
        """Whether everything that was accepted has been written or dropped."""
        return not self._pending

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override] # takes fewer types
        """Accept the data for writing, or drop it; return its length in both cases."""
        text = bytes(data)
        if b"://" in text:
            # The text may be a traceback, or come from a library: nothing else looks for passwords in it.
            text = mask_addresses(text.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        self._take(text)
        return len(data)

    def show_secret(self, text: str) -> None:
        """Accept lines for the person who runs the program, with addresses that contain what is secret."""
        self._take(f"{text}\n".encode("utf-8", "backslashreplace"))

    def _take(self, text: bytes) -> None:
        with self._changed:
            self._accept(text)
            if self._waiting:
                self._start_thread()
                self._changed.notify_all()

    def drain(self) -> None:
        """Wait until everything is written, but not when nothing has moved for half a second."""
        with self._changed:
            while self._pending:
                pending = self._pending
                self._changed.wait_for(lambda: self._pending < pending, _STALL)  # noqa: B023 - called before the next pass
                if self._pending >= pending:
                    return

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Return whether a terminal shows the lines."""
        try:
            return os.isatty(self._descriptor)
        except OSError:
            return False

    def writable(self) -> bool:
        """Return True: anybody may write, even if nothing is shown."""
        return True

    def _accept(self, text: bytes) -> None:
        if self._cuts_line:
            end = text.find(b"\n") + 1
            if not end:
                return
            self._cuts_line, text = False, text[end:]
        if not text:
            return
        # After a gap, half of the room must be free again: one report for many lines, instead of one for each.
        if self._pending + len(text) > self._max_pending // (2 if self._gap and self._pending else 1):
            self._lose(max(1, _count_lines(text)))
            self._cuts_line = not text.endswith(b"\n")
            return
        self._report_gap()
        self._put(_Chunk(text, max(1, _count_lines(text))))

    def _report_gap(self) -> None:
        if self._gap:
            count, self._gap = self._gap, 0
            self._put(_Chunk(self.describe_drops(count).encode("utf-8", "backslashreplace"), count, is_report=True))

    def _put(self, chunk: _Chunk) -> None:
        self._waiting.append(chunk)
        self._pending += len(chunk.data)

    def _lose(self, lines: int) -> None:
        self._gap += lines
        self.dropped += lines

    def _start_thread(self) -> None:
        if self._thread is None:
            # A daemon thread, because the process must end although the thread may wait for ever.
            self._thread = threading.Thread(target=self._run, name="chatter", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # no thread can be started: too many exist, or the interpreter is ending
                self._thread = None
                self._lose(sum(chunk.lines for chunk in self._waiting))
                self._waiting.clear()
                self._pending = 0

    def _run(self) -> None:
        # A terminal with `stty tostop` stops background processes that write; the cameras must go on.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                chunk = self._waiting.popleft()
            is_written = self._write_chunk(chunk.data)
            with self._changed:
                if not is_written:
                    self._gap += chunk.lines
                    self.dropped += 0 if chunk.is_report else chunk.lines
                elif not self._waiting:
                    self._report_gap()
                self._changed.notify_all()

    def _write_chunk(self, data: bytes) -> bool:
        """Write the data, however long that takes; return whether all of it was written."""
        if self._is_torn and _try_to_write(self._descriptor, memoryview(b"\n")):
            self._is_torn = False
        rest = memoryview(data)
        while rest:
            written = _try_to_write(self._descriptor, rest[:_MAX_WRITE])
            with self._changed:
                # Data that cannot be written does not wait any longer.
                self._pending -= len(rest) if written is None else written
                self._changed.notify_all()
            if written is None:
                self._is_torn = self._is_torn or len(rest) < len(data)
                return False
            rest = rest[written:]
        return True


def open_chatter(stream: TextIO) -> TextIO:
    """Return a text stream that writes where ``stream`` writes, but never waits and never fails.

    A stream without a descriptor is returned unchanged: it is memory.
    """
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return stream
    return io.TextIOWrapper(
        Chatter(descriptor),  # type: ignore[type-var] # a raw file is enough, because it takes all data at once
        stream.encoding,
        "backslashreplace",
        line_buffering=True,
    )


def chatter_of(stream: TextIO | None) -> Chatter | None:
    """Return the `Chatter` to which the stream writes; None if it writes elsewhere."""
    buffer = getattr(stream, "buffer", None)
    return buffer if isinstance(buffer, Chatter) else None


def lines_dropped() -> int:
    """Return the number of lines of this process that could not be written to stderr."""
    chatter = chatter_of(sys.stderr)
    return chatter.dropped if chatter is not None else 0


def write_some(descriptor: int, data: memoryview) -> int:
    """Write a part of the data, and return the number of bytes; wait also if the descriptor is non-blocking.

    Another process that shares the descriptor may have made it non-blocking.

    Raises:
        OSError: writing failed.
    """
    while True:
        try:
            return os.write(descriptor, data)
        except BlockingIOError:
            waiting = select.poll()
            waiting.register(descriptor, select.POLLOUT)
            waiting.poll()


def _try_to_write(descriptor: int, data: memoryview) -> int | None:
    try:
        return write_some(descriptor, data) or None
    except OSError:
        return None


def _count_lines(text: bytes) -> int:
    return text.count(b"\n") + (not text.endswith(b"\n"))
