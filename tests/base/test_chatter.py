from __future__ import annotations

import errno
import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TextIO

import pytest

from skysentry_trio.base.chatter import Chatter, chatter_of, lines_dropped, open_chatter

LINE = b"x" * 99 + b"\n"
PATIENCE = 30.0


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Yield the reading and the writing end of a pipe."""
    ends = os.pipe()
    yield ends
    for end in ends:
        with suppress(OSError):
            os.close(end)


def read_all(descriptor: int, until: Callable[[bytes], bool]) -> bytes:
    received = b""
    while not until(received):
        received += os.read(descriptor, 65536)
    return received


def test_lines_arrive_in_order(pipe: tuple[int, int]) -> None:
    """A reader gets what was written, and waiting for the end waits until it is written."""
    reading, writing = pipe
    chatter = Chatter(writing)
    for number in range(100):
        assert chatter.write(b"%d\n" % number) > 1
    chatter.drain()
    assert chatter.is_idle
    assert os.read(reading, 65536).split() == [b"%d" % number for number in range(100)]
    assert chatter.dropped == 0


def test_a_pipe_that_nobody_reads_stops_nothing(pipe: tuple[int, int]) -> None:
    """All writes return; the lines that have no room are counted, and reported when there is room again."""
    reading, writing = pipe
    chatter = Chatter(writing, max_pending=10_000)
    for _ in range(2000):
        assert chatter.write(LINE) == len(LINE)
    assert chatter.dropped > 1000

    def reported(text: bytes) -> int:
        return sum(int(line.split()[1]) for line in text.splitlines() if line.endswith(b"could not be written"))

    def is_complete(text: bytes) -> bool:
        return reported(text) >= chatter.dropped and text.count(LINE) + chatter.dropped >= 2000

    received = read_all(reading, is_complete)
    reports = [line for line in received.splitlines(keepends=True) if line != LINE]
    assert all(report.startswith(b"skysentry-trio: ") for report in reports)
    assert len(reports) < 100
    assert received.count(LINE) + chatter.dropped == 2000


def test_waiting_for_the_end_does_not_wait_for_a_reader_that_is_stuck(pipe: tuple[int, int]) -> None:
    """The process can end although nobody reads."""
    chatter = Chatter(pipe[1])
    chatter.write(b"x" * 100_000)
    chatter.drain()
    assert not chatter.is_idle


def test_a_full_disk_is_no_error() -> None:
    """Each line that cannot be written is counted."""
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        chatter = Chatter(descriptor)
        for _ in range(3):
            chatter.write(LINE)
            chatter.drain()
        assert chatter.dropped == 3
        assert chatter.is_idle
    finally:
        os.close(descriptor)


def test_a_disk_that_was_full_gets_the_report_and_whole_lines(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line after the one that was cut off by the error begins at the start of a line."""
    reading, writing = pipe
    write, room = os.write, [5, 0]

    def write_until_full(descriptor: int, data: memoryview) -> int:
        if not room:
            return write(descriptor, data)
        if not (size := room.pop(0)):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[:size])

    monkeypatch.setattr(os, "write", write_until_full)
    chatter = Chatter(writing)
    chatter.write(b"one line\n")
    chatter.drain()
    chatter.write(b"two\n")
    chatter.drain()
    expected = b"one l\nskysentry-trio: 1 lines dropped, because they could not be written\ntwo\n"
    assert os.read(reading, 65536) == expected


@pytest.mark.parametrize("end", [0, 1])
def test_a_reader_that_has_left_is_no_error(pipe: tuple[int, int], end: int) -> None:
    """Neither is a descriptor that was closed."""
    chatter = Chatter(pipe[1])
    os.close(pipe[end])
    for _ in range(3):
        chatter.write(LINE)
    chatter.drain()
    assert chatter.dropped == 3


def test_a_descriptor_that_another_process_made_nonblocking_loses_nothing(pipe: tuple[int, int]) -> None:
    """The flag belongs to the open file, which several processes share."""
    reading, writing = pipe
    os.set_blocking(writing, False)
    chatter = Chatter(writing)
    for _ in range(2000):
        chatter.write(LINE)
    assert read_all(reading, lambda text: len(text) == 2000 * len(LINE)) == 2000 * LINE
    assert chatter.dropped == 0


def test_the_rest_of_a_dropped_line_is_dropped_too(pipe: tuple[int, int]) -> None:
    """No line begins in the middle."""
    reading, writing = pipe
    chatter = Chatter(writing, max_pending=10)
    for piece in (b"a long beginning, ", b"end\n", b"next\n"):
        chatter.write(piece)
        chatter.drain()
    assert os.read(reading, 65536).endswith(b"next\n")
    assert chatter.dropped == 1


def test_a_thread_that_cannot_be_started_is_no_error(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of threads may be reached."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    chatter = Chatter(pipe[1])
    chatter.write(LINE)
    assert (chatter.dropped, chatter.is_idle) == (1, True)


def test_text_is_written_line_by_line(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream can replace stderr: it has its descriptor, and takes any text."""
    reading, writing = pipe
    with os.fdopen(writing, "w", encoding="ascii", closefd=False) as original:
        stream = open_chatter(original)
    assert (stream.fileno(), stream.isatty(), lines_dropped()) == (writing, False, 0)
    print("tür \ud800", file=stream)
    chatter = chatter_of(stream)
    assert chatter is not None
    chatter.drain()
    assert os.read(reading, 100) == b"t\\xfcr \\ud800\n"
    chatter.dropped = 7
    monkeypatch.setattr("sys.stderr", stream)
    assert lines_dropped() == 7


def test_passwords_in_addresses_are_not_written(pipe: tuple[int, int]) -> None:
    """Tracebacks of a crash and lines of libraries come through here too; other bytes stay as they are."""
    reading, writing = pipe
    chatter = Chatter(writing)
    text = b"\xff ValueError: cannot open 'rtsp://u:secret@cam/live'\n"
    assert chatter.write(text) == len(text)
    chatter.drain()
    assert os.read(reading, 100) == b"\xff ValueError: cannot open 'rtsp://cam/live'\n"


def test_a_link_for_the_person_at_the_terminal_is_written(pipe: tuple[int, int]) -> None:
    """Without its query, the link that signs them in would lead nowhere."""
    reading, writing = pipe
    chatter = Chatter(writing)
    chatter.show_secret("open https://cam.local/admin?link=secret")
    chatter.drain()
    assert os.read(reading, 100) == b"open https://cam.local/admin?link=secret\n"


def test_memory_needs_no_thread() -> None:
    """A stream without a descriptor cannot block, and is left alone."""
    stream: TextIO = io.StringIO()
    assert open_chatter(stream) is stream
    assert chatter_of(stream) is None
