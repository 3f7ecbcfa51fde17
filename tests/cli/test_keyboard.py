"""Keys of a terminal: what it sends, and what a real one does in a process of its own."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from skysentry_trio.cli.keyboard import split_keys


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"q", ["q"]),
        (b"\x1b[A\x1b[B", ["up", "down"]),
        (b"\x1bOA\x1bOH", ["up", "home"]),
        (b"\x1b[5~\x1b[6~\x1b[H\x1b[F", ["page up", "page down", "home", "end"]),
        (b"\x1b", ["escape"]),
        (b"/door\r", ["/", "d", "o", "o", "r", "enter"]),
        (b"\x7f", ["backspace"]),
        ("ü".encode(), ["ü"]),
        (b"\x1b[1;5C\x1b[200~\x00", []),
    ],
)
def test_keys_have_names(data: bytes, keys: list[str]) -> None:
    """Characters are themselves, and keys that mean nothing are left out."""
    assert split_keys(data) == keys


PROGRAM = """
import sys, trio
from functools import partial
from skysentry_trio.cli.keyboard import open_keyboard

async def main():
    with open_keyboard(0) as keyboard:
        async with trio.open_nursery() as nursery:
            def press(key):
                print(f"<{key}>", flush=True)
                if key == "q":
                    nursery.cancel_scope.cancel()
            nursery.start_soon(keyboard.read_keys, press)
            print("<ready>", flush=True)
            await trio.sleep(60)

trio.run(main)
"""


class Window:
    """A terminal window in which a program runs."""

    def __init__(self, child: int, descriptor: int) -> None:
        self.child, self.descriptor, self.seen = child, descriptor, b""

    def send(self, data: bytes) -> None:
        os.write(self.descriptor, data)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, self.seen
            if select.select([self.descriptor], [], [], 0.05)[0]:
                with suppress(OSError):
                    self.seen += os.read(self.descriptor, 4096)

    def is_by_lines(self) -> bool:
        return bool(termios.tcgetattr(self.descriptor)[3] & termios.ICANON)


@pytest.fixture
def window() -> Iterator[Window]:
    child, descriptor = pty.fork()
    if not child:
        # A shell starts its background jobs with Ctrl-C ignored, and the tests may be one of them.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execv(sys.executable, [sys.executable, "-c", PROGRAM])
    window = Window(child, descriptor)
    yield window
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(child, 0)
    os.close(descriptor)


@pytest.mark.e2e
def test_keys_come_at_once_and_the_terminal_is_left_as_it_was(window: Window) -> None:
    """Without Enter and without echo; an Escape alone is a key too."""
    assert window.is_by_lines()
    window.wait_for(lambda: b"<ready>" in window.seen and not window.is_by_lines())
    window.send(b"s\x1b[A")
    window.wait_for(lambda: b"<s>" in window.seen and b"<up>" in window.seen)
    window.send(b"\x1b")
    window.wait_for(lambda: b"<escape>" in window.seen)
    assert b"[A" not in window.seen
    window.send(b"q")
    window.wait_for(lambda: os.waitpid(window.child, os.WNOHANG)[0] == window.child)
    assert window.is_by_lines()


@pytest.mark.e2e
def test_ctrl_c_still_interrupts(window: Window) -> None:
    """It is no key."""
    window.wait_for(lambda: b"<ready>" in window.seen and not window.is_by_lines())
    window.send(b"\x03")
    window.wait_for(lambda: os.waitpid(window.child, os.WNOHANG)[0] == window.child)
    assert window.is_by_lines()


@pytest.mark.e2e
def test_without_a_terminal_of_its_own_no_key_is_read() -> None:
    """A program that does not have the terminal in the foreground leaves it alone."""
    window, side = pty.openpty()
    program = PROGRAM.replace("trio.sleep(60)", "trio.sleep(0.3)").replace(
        '"<ready>", flush=True)', '"<ready>")\n            nursery.cancel_scope.deadline = trio.current_time() + 0.5'
    )
    done = subprocess.run([sys.executable, "-c", program], stdin=side, capture_output=True, check=True, timeout=30)
    assert done.stdout == b"<ready>\n"
    assert termios.tcgetattr(side)[3] & termios.ICANON
    os.close(window)
    os.close(side)
