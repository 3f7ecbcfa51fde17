"""Prepare the standard streams: stderr never stops a command, and a failure of stdout ends it with one sentence."""

from __future__ import annotations

import atexit
import errno
import io
import os
import stat
import sys
from contextlib import suppress
from typing import TextIO

import click

from skysentry_trio.base.chatter import chatter_of, open_chatter, write_some
from skysentry_trio.base.exceptions import SkySentryError


class CannotWrite(SkySentryError):
    """The result of a command cannot be written to stdout, for example because the disk is full."""


class ReaderGone(SkySentryError):
    """The program that read our stdout has ended, as `head` does when it has read enough."""


class _Output(io.FileIO):
    """A descriptor whose failures are errors of this package."""

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override] # takes fewer types
        write_all(self.fileno(), data)
        return len(data)


def prepare_streams() -> None:
    """Replace ``sys.stderr`` and ``sys.stdout``; streams without a descriptor are left alone: they are memory."""
    _fill_closed_descriptors()
    sys.stderr = open_chatter(sys.stderr)
    if (chatter := chatter_of(sys.stderr)) is not None:
        # The interpreter prints the traceback of a crash before it calls this function.
        atexit.register(chatter.drain)
    if (descriptor := descriptor_of(sys.stdout)) is not None:
        output = io.BufferedWriter(_Output(descriptor, "w", closefd=False))  # type: ignore[type-var] # takes fewer types
        sys.stdout = io.TextIOWrapper(
            output, sys.stdout.encoding, sys.stdout.errors, line_buffering=sys.stdout.isatty()
        )


def descriptor_for_crashes() -> int:
    """Return a descriptor to which faulthandler can write the state of a hung process, even if nobody reads stderr.

    A hung process must end when the watchdog aborts it. So a pipe or a terminal is opened a second time, without
    blocking. Changing the flags of stderr itself would change them for other processes.
    """
    mode = os.fstat(2).st_mode
    if stat.S_ISFIFO(mode) or os.isatty(2):
        with suppress(OSError):
            return os.open("/proc/self/fd/2", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    return 2


def give_up_stdout() -> None:
    """Forget what is left in the buffer, so that Python does not fail again when it writes the buffer at exit."""
    if (descriptor := descriptor_of(sys.stdout)) is not None:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, descriptor)
        os.close(null)


def write_all(descriptor: int, data: bytes | bytearray | memoryview) -> None:
    """Write to the descriptor of stdout, past the buffer of ``sys.stdout``.

    Raises:
        CannotWrite: writing failed.
        ReaderGone: nobody reads.
    """
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[write_some(descriptor, rest) :]
    except OSError as error:
        raise _failure(error) from None


def descriptor_of(stream: TextIO) -> int | None:
    """Return the descriptor of a stream; None if the stream is memory."""
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return None


def _failure(error: OSError) -> SkySentryError:
    """Return our error for an error while writing to stdout."""
    # EIO: the terminal is gone.
    if error.errno in {errno.EPIPE, errno.EIO, errno.ECONNRESET}:
        return ReaderGone("nobody reads the output")
    return CannotWrite(f"cannot write to the standard output: {error.strerror}")


def _fill_closed_descriptors() -> None:
    """Open /dev/null in place of standard streams that are closed; otherwise the next socket would take their place.

    A closed stdout gets a descriptor that cannot be written, so that a command whose result is lost says so.
    """
    for descriptor, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            null = os.open(os.devnull, mode)
            if null != descriptor:
                os.dup2(null, descriptor)
                os.close(null)
    if sys.stdout is None:
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False))
    if sys.stderr is None:
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False))


def show_secret(text: str) -> None:
    """Write lines to stderr for the person who runs the program, with addresses that contain what is secret.

    Everything else that goes to stderr loses the queries of its addresses, because it may end in logs.
    """
    if (chatter := chatter_of(sys.stderr)) is None:
        click.echo(text, err=True)
        return
    sys.stderr.flush()
    chatter.show_secret(text)
