"""The output of `skysentry-trio capture`: on a terminal a status that is overwritten, elsewhere lines at intervals."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TextIO

import trio
from attrs import define, field

from skysentry_trio.base.colors import Color, wants_color
from skysentry_trio.cli.terminal import (
    Line,
    LiveBlock,
    Span,
    counted,
    fit,
    format_bytes,
    format_counts,
    wrap_parts,
    wrap_text,
)
from skysentry_trio.client.engine.camera import CameraReport

REFRESH = 0.25
"""Seconds between two checks of the camera."""
SUMMARY = 10.0
"""Seconds until a status line is written again although the state has not changed."""
_PLAIN_WIDTH = 400
_COLORS = {"live": Color.GOOD, "refused": Color.BAD, "ended": None}


@define(eq=False)
class CameraDisplay:
    """Writes reports to a stream until cancelled, and a summary at the end."""

    stream: TextIO
    report: Callable[[], CameraReport]
    is_terminal: bool
    _block: LiveBlock = field(init=False)
    _shown_state: tuple[str, int] | None = field(default=None, init=False)
    _shown_at: float = field(default=float("-inf"), init=False)

    def __attrs_post_init__(self) -> None:
        self._block = LiveBlock(self.stream, self.is_terminal and wants_color(self.stream, os.environ))

    async def run(self) -> None:
        """Refresh the output until cancelled."""
        while True:
            self.refresh(trio.current_time())
            await trio.sleep(REFRESH)

    def refresh(self, now: float) -> None:
        """Write the status: always on a terminal, elsewhere if the state is new or `SUMMARY` has passed."""
        report = self.report()
        if self.is_terminal:
            self._block.show(status_lines(report, self._block.size.columns))
        elif self._is_news(report) or now - self._shown_at >= SUMMARY:
            self._write(status_line(report))
            self._shown_at = now

    def finish(self) -> None:
        """Write the summary."""
        self._block.leave()
        self._write(summary_line(self.report()))

    def _is_news(self, report: CameraReport) -> bool:
        # Refusals end and begin again with single frames, so that they are no news.
        shown = shown_state(report)
        state = "live" if shown == "refused" else shown, report.connections
        is_news = state != self._shown_state and report.state != "connecting"
        if is_news:
            self._shown_state = state
        return is_news

    def _write(self, line: str) -> None:
        self.stream.write(fit(line, _PLAIN_WIDTH) + "\n")
        self.stream.flush()


def status_line(report: CameraReport) -> str:
    """Return the status of a camera in one line, the most important parts first, because the end may be cut off."""
    head = "  ".join(part.text for part in _head(report)) + (f": {report.trouble}" if report.trouble else "")
    return "  ".join([head, *(part.text for part in _figures(report))])


def status_lines(report: CameraReport, width: int) -> list[Line]:
    """Return the status of a camera for a window of this width: nothing is cut, and the trouble has its own lines."""
    lines: list[Line] = [*wrap_parts([*_head(report), *_figures(report)], width)]
    if report.trouble:
        lines += wrap_text(report.trouble, width)
    return lines


def shown_state(report: CameraReport) -> str:
    """Return the state for people: a camera is not live only because it is connected."""
    if report.state != "live":
        return report.state
    if report.source_trouble:
        return "no picture"
    if report.trouble:
        return "refused"
    return "live" if report.frames else "no picture yet"


def _head(report: CameraReport) -> list[Span]:
    state = shown_state(report)
    return [Span(report.camera_id, Color.STRONG), Span(state, _COLORS.get(state, Color.WARNING))]


def _figures(report: CameraReport) -> list[Span]:
    """Return the figures; while a camera is not connected they do not change, so there are none."""
    if report.state != "live":
        return []
    lost, *spared = format_counts(report.dropped)
    return [
        Span(counted(report.frames, "frame")),
        Span(f"{report.fps:.1f} fps"),
        Span(f"{format_bytes(report.bytes_per_second)}/s"),
        *map(Span, _wanted(report)),
        Span(lost),
        *(Span(text, Color.FAINT) for text in spared),
    ]


def _wanted(report: CameraReport) -> list[str]:
    """Return the number of viewers, the demand, and the reductions for a slow uplink."""
    said = []
    if (demand := report.demand) is not None:
        viewers = {0: "nobody watches", 1: "1 viewer"}.get(demand.viewers, f"{demand.viewers} viewers")
        limits = [
            f"{demand.max_fps:.3g} fps" if demand.max_fps is not None else "",
            f"{demand.max_width} px" if demand.max_width is not None else "",
            f"quality {demand.quality * 100:.0f}" if demand.quality is not None else "",
        ]
        needed = ", ".join(limit for limit in limits if limit)
        said.append(viewers + (f" ({needed})" if needed else ""))
    reduction = report.reduction
    factors = {"quality": reduction.quality, "width": reduction.width, "rate": reduction.rate}
    lowered = [f"{name} {factor * 100:.0f} %" for name, factor in factors.items() if factor < 1]
    if lowered:
        said.append("slow uplink: " + ", ".join(lowered))
    return said


def summary_line(report: CameraReport) -> str:
    """Return the totals of a camera."""
    reconnects = max(0, report.connections - 1)
    not_sent = ", ".join(format_counts(report.dropped))
    return (
        f"{report.camera_id}: sent {counted(report.frames, 'frame')} ({format_bytes(report.nbytes)}), "
        f"{not_sent}, reconnected {counted(reconnects, 'time')}"
    )
