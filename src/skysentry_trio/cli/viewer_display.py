"""The output of `skysentry-trio watch`: a table that is overwritten, plain lines, or JSON for programs."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from enum import Enum
from io import StringIO
from typing import TextIO

import trio
from attrs import asdict, define, field

from skysentry_trio.base.colors import wants_color
from skysentry_trio.cli.streams import descriptor_of, write_all
from skysentry_trio.cli.terminal import LiveBlock, counted, fit, format_bytes
from skysentry_trio.cli.viewer_table import TableView, format_age, format_latency, state_of
from skysentry_trio.client.engine.camera_watch import CameraView
from skysentry_trio.client.engine.viewer import ViewerReport
from skysentry_trio.wire.viewer import CameraLatency

_PLAIN_WIDTH = 400
_LAST_REPORT_TIMEOUT = 1.0
"""Seconds for writing the last report."""


class Style(Enum):
    """Form of the output; the value is the number of seconds between two reports."""

    TABLE = 0.5
    LINES = 10.0
    JSON = 1.0


@define(eq=False)
class ViewerDisplay:
    """Writes reports to a stream until cancelled, and a last report at the end."""

    stream: TextIO
    report: Callable[[], ViewerReport]
    style: Style
    unknown: Callable[[], Sequence[str]] = tuple
    """Returns the cameras that were asked for, and that the server does not know."""
    view: TableView = field(factory=TableView)
    """What of the table is shown."""
    _text: StringIO = field(factory=StringIO, init=False)
    """Collects the text of one report."""
    _block: LiveBlock = field(init=False)
    _pressed: trio.Event = field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self._block = LiveBlock(self._text, wants_color(self.stream, os.environ), self.stream)

    async def run(self) -> None:
        """Refresh the output until cancelled.

        If the reader is slow, reports are skipped. Frames are taken all the same.

        Raises:
            CannotWrite: the output cannot be written.
            ReaderGone: nobody reads the output.
        """
        while True:
            await self.refresh()
            with trio.move_on_after(self.style.value):
                await self._pressed.wait()
            self._pressed = trio.Event()

    def press(self, key: str) -> bool:
        """Take a key, and show soon what it changes; return whether it asks to quit."""
        self._pressed.set()
        return self.view.press(key)

    async def refresh(self) -> None:
        """Write a report."""
        self._render()
        await self._write()

    async def finish(self) -> None:
        """Write the last report, unless the reader does not take it within a second."""
        self.view.has_keys = self.view.shows_help = False
        self._render()
        self._block.leave()
        with trio.move_on_after(_LAST_REPORT_TIMEOUT, shield=True):
            await self._write()

    def _render(self) -> None:
        report = self.report()
        if self.style is Style.TABLE:
            self._block.show(self.view.draw(report, self.unknown(), *self._block.size))
            return
        lines = [json_line(report)] if self.style is Style.JSON else plain_lines(report, self.unknown())
        self._text.write("".join(line + "\n" for line in lines))

    async def _write(self) -> None:
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        if (descriptor := descriptor_of(self.stream)) is None:
            self.stream.write(text)
            return
        # Not through the stream: an abandoned thread would keep the lock of its buffer, for which Python waits at exit.
        data = text.encode(self.stream.encoding, "backslashreplace")
        await trio.to_thread.run_sync(write_all, descriptor, data, abandon_on_cancel=True)


def plain_lines(report: ViewerReport, unknown: Sequence[str] = ()) -> list[str]:
    """Return a line for each camera; without a live connection or a camera, one line about the connection.

    Args:
        report: the figures to show.
        unknown: cameras that were asked for, and that the server does not know; each gets a line too.
    """
    lines = [_headline(report)] if report.state != "live" or not (report.cameras or unknown) else []
    if report.state == "live":
        lines += map(_camera_line, report.cameras)
        lines += [f"{camera_id}: the server knows no such camera" for camera_id in unknown]
    return [fit(line, _PLAIN_WIDTH) for line in lines]


def _camera_line(camera: CameraView) -> str:
    size = f"{camera.width}x{camera.height}" if camera.width else "-"
    return (
        f"{camera.camera_id}: {state_of(camera)}, {camera.fps:.1f} fps, {format_bytes(camera.bytes_per_second)}/s, "
        f"{size}, age {format_age(camera.age)}, latency {format_latency(camera.latency)}, "
        f"{counted(camera.frames, 'frame')}, {counted(camera.gaps, 'gap')}"
    )


def json_line(report: ViewerReport) -> str:
    """Return the report as one JSON object; times in seconds, sizes in bytes."""
    fields = asdict(report, value_serializer=_jsonable)
    # Scripts read this key, so it has the name that the protocol uses.
    fields["cameras"] = [{"client_id": camera.pop("camera_id"), **camera} for camera in fields["cameras"]]
    return json.dumps({"time": round(time.time(), 3), **fields})


def _jsonable(_instance: object, _attribute: object, value: object) -> object:
    """Return a value that JSON can hold; latencies become seconds, like all other times."""
    if not isinstance(value, CameraLatency):
        return value
    breakdown = {"capture": value.capture, "server": value.server, "delivery": value.delivery, "total": value.total}
    return {"frames": value.frames, **{name: None if ms is None else ms / 1000 for name, ms in breakdown.items()}}


def _headline(report: ViewerReport) -> str:
    return f"{report.server}  {report.state}" + (f": {report.trouble}" if report.trouble else "")
