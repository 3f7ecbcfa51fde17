"""The output of `skysentry-trio watch`: a table that is overwritten, plain lines, or JSON for programs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from enum import Enum
from io import StringIO
from typing import TextIO

import trio
from attrs import asdict, define, field

from skysentry_trio.base.units import format_duration
from skysentry_trio.cli.streams import descriptor_of, write_all
from skysentry_trio.cli.terminal import LiveBlock, fit, format_bytes
from skysentry_trio.client.engine.camera_watch import CameraView
from skysentry_trio.client.engine.viewer import ViewerReport
from skysentry_trio.wire.viewer import CameraLatency

_PLAIN_WIDTH = 400
_LAST_REPORT_TIMEOUT = 1.0
"""Seconds for writing the last report."""
SILENT = 5.0
"""Seconds without a frame after which a camera counts as silent."""
_COLUMNS = ("CAMERA", "STATE", "FPS", "RATE", "SIZE", "AGE", "LATENCY", "FRAMES", "GAPS")
_LEFT = 2
"""Number of text columns. They come first and are aligned to the left; the other columns hold numbers."""


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
    _text: StringIO = field(factory=StringIO, init=False)
    """Collects the text of one report."""
    _block: LiveBlock = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._block = LiveBlock(self._text)

    async def run(self) -> None:
        """Refresh the output until cancelled.

        If the reader is slow, reports are skipped. Frames are taken all the same.

        Raises:
            CannotWrite: the output cannot be written.
            ReaderGone: nobody reads the output.
        """
        while True:
            await self.refresh()
            await trio.sleep(self.style.value)

    async def refresh(self) -> None:
        """Write a report."""
        self._render()
        await self._write()

    async def finish(self) -> None:
        """Write the last report, unless the reader does not take it within a second."""
        self._render()
        self._block.leave()
        with trio.move_on_after(_LAST_REPORT_TIMEOUT, shield=True):
            await self._write()

    def _render(self) -> None:
        report = self.report()
        if self.style is Style.TABLE:
            self._block.show(table(report))
            return
        lines = [json_line(report)] if self.style is Style.JSON else plain_lines(report)
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


def table(report: ViewerReport) -> list[str]:
    """Return a line about the connection and a table of the cameras."""
    rows = [_COLUMNS, *(_cells(camera) for camera in report.cameras)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = [
        "  ".join(
            cell.ljust(width) if column < _LEFT else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return [_headline(report), *(lines if report.cameras else ["no cameras yet"])]


def plain_lines(report: ViewerReport) -> list[str]:
    """Return a line for each camera; without a live connection or a camera, one line about the connection."""
    if report.state != "live" or not report.cameras:
        return [fit(_headline(report), _PLAIN_WIDTH)]
    lines = []
    for camera in report.cameras:
        camera_id, state, fps, rate, size, age, latency, frames, gaps = _cells(camera)
        lines.append(
            f"{camera_id}: {state}, {fps} fps, {rate}, {size}, age {age}, latency {latency}, "
            f"{frames} frame{'s' * (frames != '1')}, {gaps} gap{'s' * (gaps != '1')}"
        )
    return [fit(line, _PLAIN_WIDTH) for line in lines]


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


def _cells(camera: CameraView) -> tuple[str, ...]:
    return (
        camera.camera_id,
        _state(camera),
        f"{camera.fps:.1f}",
        f"{format_bytes(camera.bytes_per_second)}/s",
        f"{camera.width}x{camera.height}" if camera.width else "-",
        _age(camera.age),
        _latency(camera.latency),
        str(camera.frames),
        str(camera.gaps),
    )


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else format_duration(round(seconds))


def _latency(latency: CameraLatency | None) -> str:
    """Format the total latency and its stages."""
    if latency is None:
        return "-"
    capture = "?" if latency.capture is None else f"{latency.capture:.0f}"
    return f"{latency.total:.0f} ms = {capture} + {latency.server:.0f} + {latency.delivery:.0f}"


def _state(camera: CameraView) -> str:
    if camera.online is None:
        return "unknown"
    if not camera.online:
        return "offline"
    if camera.silent is None or camera.silent < SILENT:
        return "live"
    return f"silent {camera.silent:.0f} s"
