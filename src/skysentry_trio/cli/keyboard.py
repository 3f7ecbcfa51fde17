"""Read single keys from a terminal, without echo, and leave the terminal as it was."""

from __future__ import annotations

import os
import re
import signal
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import trio
from attrs import define, field

_BACKGROUND: Final = 0.5
"""Seconds between two looks whether the program is in the foreground again."""
_ESCAPE_TIMEOUT: Final = 0.05
"""Seconds in which the rest of an escape sequence arrives; a lone Escape is followed by nothing."""
_NAMES: Final = {
    b"\x1b[A": "up",
    b"\x1b[B": "down",
    b"\x1b[H": "home",
    b"\x1b[F": "end",
    b"\x1b[1~": "home",
    b"\x1b[4~": "end",
    b"\x1b[5~": "page up",
    b"\x1b[6~": "page down",
    b"\x1b": "escape",
    b"\r": "enter",
    b"\n": "enter",
    b"\x7f": "backspace",
    b"\b": "backspace",
}
_KEY: Final = re.compile(rb"\x1b[\[O][0-9;]*[A-Za-z~]|\x1b|[\xc2-\xf4][\x80-\xbf]{1,3}|[\x00-\xff]", re.DOTALL)
_INCOMPLETE: Final = re.compile(rb"\x1b(?:[\[O][0-9;]*)?\Z")


def split_keys(data: bytes) -> list[str]:
    """Return the keys in what a terminal sent: characters, and names such as ``up``, ``page down`` or ``escape``.

    Keys without a name are left out.
    """
    keys = []
    for sequence in _KEY.findall(data):
        # In its application mode, a terminal sends the arrows with an O.
        name = _NAMES.get(sequence.replace(b"\x1bO", b"\x1b["))
        text = sequence.decode("utf-8", "replace")
        if name is not None:
            keys.append(name)
        elif text.isprintable():
            keys.append(text)
    return keys


@define(eq=False)
class Keyboard:
    """The keys of a terminal. While the program runs in the background, the terminal is not touched."""

    descriptor: int
    _before: list[int | list[bytes | int]] | None = field(default=None, init=False)
    """The modes of the terminal before they were changed."""

    async def read_keys(self, press: Callable[[str], None]) -> None:
        """Call ``press`` with each key until cancelled; return if the terminal is gone."""
        with suppress(OSError, termios.error):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._note_continuation)
                while True:
                    if not self._is_in_foreground():
                        # A background program that reads from its terminal is stopped.
                        await trio.sleep(_BACKGROUND)
                        continue
                    self._turn_off_lines()
                    await trio.lowlevel.wait_readable(self.descriptor)
                    if not self._is_in_foreground():
                        continue
                    data = os.read(self.descriptor, 1024)
                    if not data:
                        break
                    if _INCOMPLETE.search(data):
                        data += await self._read_rest()
                    for key in split_keys(data):
                        press(key)
                nursery.cancel_scope.cancel()

    def restore(self) -> None:
        """Give the terminal back its modes."""
        before, self._before = self._before, None
        if before is not None and self._is_in_foreground():
            _set_modes(self.descriptor, before)

    async def _read_rest(self) -> bytes:
        with trio.move_on_after(_ESCAPE_TIMEOUT):
            await trio.lowlevel.wait_readable(self.descriptor)
            return os.read(self.descriptor, 1024)
        return b""

    async def _note_continuation(self) -> None:
        """Change the modes again after Ctrl-Z and fg: the shell has changed them."""
        with trio.open_signal_receiver(signal.SIGCONT) as signals:
            async for _ in signals:
                if self._is_in_foreground():
                    self._before = None
                    self._turn_off_lines()

    def _turn_off_lines(self) -> None:
        if self._before is not None:
            return
        modes = termios.tcgetattr(self.descriptor)
        self._before = [*modes[:6], [*modes[6]]]
        modes[3] &= ~(termios.ICANON | termios.ECHO)
        modes[6][termios.VMIN], modes[6][termios.VTIME] = 1, 0
        _set_modes(self.descriptor, modes)

    def _is_in_foreground(self) -> bool:
        try:
            return os.tcgetpgrp(self.descriptor) == os.getpgrp()
        except OSError:
            return False


@contextmanager
def open_keyboard(descriptor: int) -> Iterator[Keyboard]:
    """Yield the keyboard of a terminal, and give the terminal its modes back at the end."""
    keyboard = Keyboard(descriptor)
    try:
        yield keyboard
    finally:
        with suppress(OSError, termios.error):
            keyboard.restore()


def _set_modes(descriptor: int, modes: list[int | list[bytes | int]]) -> None:
    # TCSANOW: the other ways wait until all output is written, and after Ctrl-S they would wait for ever.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        termios.tcsetattr(descriptor, termios.TCSANOW, modes)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
