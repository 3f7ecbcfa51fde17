"""The table of `skysentry-trio watch`: what fits into the window, in which order, and what the keys change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from attrs import define, field, frozen

from skysentry_trio.base.colors import Color
from skysentry_trio.base.units import format_duration
from skysentry_trio.cli.terminal import Line, Span, counted, fit, format_bytes, printable, wrap_text
from skysentry_trio.client.engine.camera_watch import CameraView
from skysentry_trio.client.engine.viewer import ViewerReport
from skysentry_trio.wire.viewer import CameraLatency

SILENT: Final = 5.0
"""Seconds without a frame after which a camera counts as silent."""
_GAP: Final = "  "
_MIN_ID: Final = 8
"""Columns that are left for the ids of cameras in a narrow window."""
_MAX_FILTER: Final = 64
_STATE_COLORS: Final = {"live": Color.GOOD, "offline": Color.BAD, "unknown": Color.FAINT}
_HINT: Final = "q quit  ↑↓ scroll  s sort  / find  ? help"
_HELP: Final = (
    "q            quit",
    "↑ ↓          scroll by a line; Page Up, Page Down by a page; Home, End",
    "s            sort by the next column",
    "/            show only cameras whose id contains a text; Enter ends the text, Esc clears it",
    "?            show or hide this help",
)


@frozen
class _Column:
    """One column of the table."""

    title: str
    cell: Callable[[CameraView], str]
    order: Callable[[CameraView], Any] = lambda _: 0
    """The key that sorts cameras, worst first."""
    is_text: bool = False


def format_age(seconds: float | None) -> str:
    """Format an age: milliseconds below ten seconds."""
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else format_duration(round(seconds))


def format_latency(latency: CameraLatency | None) -> str:
    """Format the total latency and its stages."""
    if latency is None:
        return "-"
    capture = "?" if latency.capture is None else f"{latency.capture:.0f}"
    return f"{_total(latency)} = {capture} + {latency.server:.0f} + {latency.delivery:.0f}"


def state_of(camera: CameraView) -> str:
    """Return the state of a camera for people."""
    if camera.online is None:
        return "unknown"
    if not camera.online:
        return "offline"
    if camera.silent is None or camera.silent < SILENT:
        return camera.condition or "live"
    return f"silent {camera.silent:.0f} s"


def _total(latency: CameraLatency | None) -> str:
    return "-" if latency is None else f"{latency.total:.0f} ms"


def _state_order(camera: CameraView) -> tuple[int, float]:
    """Cameras that have been silent for long come first, those that are live last."""
    state = state_of(camera)
    rank = {"offline": 0, "unknown": 1, "live": 3}.get(state, 2)
    return rank, -(camera.silent or 0.0) if rank == 2 else 0.0


_CAMERA: Final = _Column("CAMERA", lambda camera: camera.camera_id, lambda camera: camera.camera_id, is_text=True)
_STATE: Final = _Column("STATE", state_of, _state_order, is_text=True)
_FPS: Final = _Column("FPS", lambda camera: f"{camera.fps:.1f}", lambda camera: camera.fps)
_RATE: Final = _Column(
    "RATE", lambda camera: f"{format_bytes(camera.bytes_per_second)}/s", lambda camera: -camera.bytes_per_second
)
_SIZE: Final = _Column("SIZE", lambda camera: f"{camera.width}x{camera.height}" if camera.width else "-")
_AGE: Final = _Column("AGE", lambda camera: format_age(camera.age), lambda camera: -(camera.age or 0.0))
_LATENCY: Final = _Column(
    "LATENCY",
    lambda camera: format_latency(camera.latency),
    lambda camera: -camera.latency.total if camera.latency else 0.0,
)
_SHORT_LATENCY: Final = _Column("LATENCY", lambda camera: _total(camera.latency))
_FRAMES: Final = _Column("FRAMES", lambda camera: str(camera.frames))
_GAPS: Final = _Column("GAPS", lambda camera: str(camera.gaps), lambda camera: -camera.gaps)

COLUMNS: Final = (_CAMERA, _STATE, _FPS, _RATE, _SIZE, _AGE, _LATENCY, _FRAMES, _GAPS)
_SORTABLE: Final = {column.title: column.order for column in (_CAMERA, _STATE, _FPS, _RATE, _AGE, _LATENCY, _GAPS)}
_NARROWER: Final[tuple[tuple[_Column, _Column | None], ...]] = (
    (_FRAMES, None),
    (_SIZE, None),
    (_LATENCY, _SHORT_LATENCY),
    (_RATE, None),
    (_GAPS, None),
    (_AGE, None),
    (_SHORT_LATENCY, None),
    (_FPS, None),
)
"""What is left out first in a narrow window, or what is shown instead of it."""


@define(eq=False)
class TableView:
    """What of the table a person wants to see, and how their keys change this."""

    has_keys: bool = False
    """Whether keys can be pressed; without them there is no hint, and the table does not scroll."""
    sorted_by: str = _CAMERA.title
    find: str = ""
    """Only cameras whose id contains this text are shown."""
    is_typing: bool = False
    """Whether keys go into the text to find."""
    shows_help: bool = False
    _first: int = field(default=0, init=False)
    """Number of rows above the window."""
    _page: int = field(default=1, init=False)
    """Number of rows in the window."""

    def press(self, key: str) -> bool:
        """Take a key; return whether it asks to quit.

        Args:
            key: a character, or the name of a key as `skysentry_trio.cli.keyboard` gives it.
        """
        if self.is_typing:
            self._type(key)
        elif key in {"q", "Q"}:
            return True
        elif key == "s":
            titles = list(_SORTABLE)
            self.sorted_by = titles[(titles.index(self.sorted_by) + 1) % len(titles)]
            self._first = 0
        elif key == "/":
            self.is_typing = True
        elif key == "?":
            self.shows_help = not self.shows_help
        elif key == "escape":
            self.find, self.shows_help = "", False
        else:
            steps = {
                "up": -1,
                "k": -1,
                "down": 1,
                "j": 1,
                "page up": -self._page,
                "page down": self._page,
                " ": self._page,
            }
            self._first = 0 if key == "home" else 10**9 if key == "end" else max(0, self._first + steps.get(key, 0))
        return False

    def _type(self, key: str) -> None:
        if key in {"enter", "escape"}:
            self.is_typing = False
            self.find = "" if key == "escape" else self.find
        elif key == "backspace":
            self.find = self.find[:-1]
        elif len(key) == 1 and key.isprintable():
            self.find = (self.find + key)[:_MAX_FILTER]
        self._first = 0

    def draw(self, report: ViewerReport, unknown: Sequence[str], width: int, height: int) -> list[Line]:
        """Return the lines of the window.

        Args:
            report: the figures to show.
            unknown: cameras to which the viewer subscribed, and which the server does not know.
            width: columns of the window.
            height: lines of the window.
        """
        head = headline(report, width)
        if self.shows_help:
            return [*head, *_HELP][:height]
        cameras = self._chosen(report)
        rows = _rows(cameras, width)
        notes: list[Line] = [
            line for camera_id in unknown for line in wrap_text(f"the server knows no camera {camera_id}", width)
        ]
        if not cameras and not unknown:
            notes.append("no camera's id contains this text" if report.cameras else "no cameras yet")
        foot: list[Line] = [self._footer(0, 0, 0)] if self.has_keys else []
        room = max(1, height - len(head) - len(notes) - len(foot) - 1)
        if self.has_keys:
            self._page = room
            self._first = max(0, min(self._first, len(cameras) - room))
            foot = [self._footer(self._first, min(self._first + room, len(cameras)), len(cameras))]
            shown = rows[1 + self._first :][:room]
        else:
            hidden = len(cameras) - room + 1 if len(cameras) > room else 0
            shown = rows[1 : len(rows) - hidden]
            notes = [f"… and {counted(hidden, 'more camera')}", *notes] if hidden else notes
        return [*head, *rows[: bool(cameras)], *shown, *notes, *foot]

    def _chosen(self, report: ViewerReport) -> list[CameraView]:
        cameras = [camera for camera in report.cameras if self.find.lower() in camera.camera_id.lower()]
        order = _SORTABLE[self.sorted_by]
        return sorted(cameras, key=lambda camera: (order(camera), camera.camera_id))

    def _footer(self, first: int, end: int, count: int) -> Line:
        if self.is_typing:
            return [Span(f"/{self.find}", Color.STRONG), Span("▏  Enter, Esc", Color.FAINT)]
        parts = [f"{first + 1} to {end} of {count}"] if end - first < count else []
        parts += [f"by {self.sorted_by}"] if self.sorted_by != _CAMERA.title else []
        parts += [f"/{printable(self.find)}"] if self.find else []
        return [Span("  ".join([*parts, _HINT]), Color.FAINT)]


def headline(report: ViewerReport, width: int) -> list[Line]:
    """Return the server and the state of the connection; the whole reason follows on lines of its own."""
    color = _STATE_COLORS.get(report.state, Color.WARNING)
    lines: list[Line] = [[Span(report.server, Color.STRONG), Span(_GAP), Span(report.state, color)]]
    return [*lines, *wrap_text(report.trouble, width)] if report.trouble else lines


def _rows(cameras: Sequence[CameraView], width: int) -> list[Line]:
    """Return the titles and a row for each camera, with the columns that fit into the window."""
    columns = list(COLUMNS)
    for wide, narrow in _NARROWER:
        if sum(widths := _widths(columns, cameras)) + len(_GAP) * (len(columns) - 1) <= width:
            break
        index = columns.index(wide)
        columns[index : index + 1] = [narrow] if narrow is not None else []
    widths = _widths(columns, cameras)
    spare = width - sum(widths[1:]) - len(_GAP) * (len(columns) - 1)
    widths[0] = min(widths[0], max(spare, _MIN_ID))
    titles = _GAP.join(
        _place(column.title, width, column.is_text) for column, width in zip(columns, widths, strict=True)
    )
    return [[Span(titles, Color.FAINT)], *(_row(columns, widths, camera) for camera in cameras)]


def _widths(columns: Sequence[_Column], cameras: Sequence[CameraView]) -> list[int]:
    return [max([len(column.title), *(len(column.cell(camera)) for camera in cameras)]) for column in columns]


def _row(columns: Sequence[_Column], widths: Sequence[int], camera: CameraView) -> Line:
    spans: list[Span] = []
    for column, width in zip(columns, widths, strict=True):
        text = column.cell(camera)
        color = None
        if column is _STATE:
            color = _STATE_COLORS.get(text, Color.WARNING)
        spans += [Span(_GAP if spans else ""), Span(_place(text, width, column.is_text), color)]
    return spans


def _place(text: str, width: int, is_text: bool) -> str:  # noqa: FBT001 - private
    shown = fit(text, width)
    return shown.ljust(width) if is_text else shown.rjust(width)
