from __future__ import annotations

import os
import sys
from typing import Any

import pytest

from skysentry_trio.cli.streams import CannotWrite, ReaderGone, descriptor_for_crashes, write_all


def test_all_of_a_result_is_written() -> None:
    """A reader that has left is a failure of its own kind."""
    reading, writing = os.pipe()
    write_all(writing, b"result")
    assert os.read(reading, 100) == b"result"
    os.close(reading)
    with pytest.raises(ReaderGone):
        write_all(writing, b"more")
    os.close(writing)


def test_a_full_disk_is_a_failure_with_a_reason() -> None:
    """The sentence has the words of the system."""
    descriptor = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(CannotWrite, match="cannot write to the standard output: No space left on device"):
        write_all(descriptor, b"result")
    os.close(descriptor)


def test_crashes_are_written_to_stderr() -> None:
    """To a pipe without waiting for its reader, to a file as to any file."""
    descriptor = descriptor_for_crashes()
    assert descriptor == 2 or not os.get_blocking(descriptor)
    if descriptor != 2:
        os.close(descriptor)


def test_memory_in_place_of_the_streams_is_left_alone(run: Any) -> None:
    """Programs that call `main` may collect what it says."""
    before = sys.stdout, sys.stderr
    assert run("--version").status == 0
    assert (sys.stdout, sys.stderr) == before
