"""Recognize what a SOURCE is, and open it."""

from __future__ import annotations

import random
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Protocol

import trio
from attrs import frozen

from skysentry_trio.base.addresses import ADVICE, mask_address, split_address
from skysentry_trio.base.backoff import Backoff
from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.base.nurseries import single_error
from skysentry_trio.base.suggestions import did_you_mean
from skysentry_trio.sources.drawing import Pattern
from skysentry_trio.sources.encoding import DEFAULT_QUALITY, ResizeSpec
from skysentry_trio.sources.frames import FrameSlot
from skysentry_trio.sources.http_client import parse_http_address
from skysentry_trio.sources.http_source import HttpSource
from skysentry_trio.sources.pattern import PatternSource
from skysentry_trio.sources.stills import JPEG_SUFFIXES, StillsSource
from skysentry_trio.sources.video import LiveVideoSource, VideoFileSource
from skysentry_trio.sources.video_stream import VideoAddress

PATTERN = "pattern"
_PATTERN_FPS = 15.0
_FOLDER_FPS = 10.0
_FILE_FPS = 1.0
_SCHEMES = ("rtsp", "rtsps", "http", "https")
_DEVICES = Path("/dev")
_MOST_SIBLINGS = 1000
_LOW_DELAY = {"fflags": "nobuffer", "flags": "low_delay"}


class Source(Protocol):
    """Fills a slot with frames."""

    async def run(self, slot: FrameSlot, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Fill the slot until the source ends; call ``started()`` when the source has been opened.

        Raises:
            ConfigurationError: there is no such source, or it contains no picture.
        """


@frozen
class SourceOptions:
    """The user's options for a source; None for the source's own choice."""

    label: str = PATTERN
    """Drawn into the test pattern."""
    fps: float | None = None
    width: int | None = None
    """Maximum width in pixels; the test pattern is exactly this wide."""
    quality: int | None = None
    """JPEG quality, 1 to 100."""
    once: bool = False
    """Whether to end when the source has ended, instead of starting it again."""


def choose_source(spec: str, options: SourceOptions) -> Source:
    """Return the source that the user's text names.

    Raises:
        ConfigurationError: the text names no source, or one that does not exist.
    """
    if spec == PATTERN:
        width = options.width or 640
        pattern = Pattern(options.label, width, round(width * 9 / 32) * 2, quality=options.quality or DEFAULT_QUALITY)
        return PatternSource(pattern, options.fps or _PATTERN_FPS)
    if "://" in spec:
        return _choose_address(spec, options)
    path = Path(spec)
    shape = ResizeSpec(options.width, options.quality)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = did_you_mean(spec, [PATTERN, *_siblings(path)]) or "."
        raise ConfigurationError(
            f"cannot open {_shown(spec)!r}: {reason}{hint} SOURCE is '{PATTERN}', a folder of JPEGs, a JPEG or video "
            f"file, a device such as /dev/video0 (capture --list shows them), or an address that begins with rtsp://, "
            f"http:// or https://"
        ) from None
    if stat.S_ISDIR(mode):
        return StillsSource(path, options.fps or _FOLDER_FPS, Backoff(random.random), options.once, shape)
    if stat.S_ISCHR(mode):
        return _live(_device(spec, options), options, must_be_there=True)
    if path.suffix.lower() in JPEG_SUFFIXES:
        return StillsSource(path, options.fps or _FILE_FPS, Backoff(random.random), options.once, shape)
    return VideoFileSource(VideoAddress(spec), Backoff(random.random), options.fps, options.once, shape)


@asynccontextmanager
async def open_source(spec: str, options: SourceOptions) -> AsyncIterator[FrameSlot]:
    """Open a source, and yield the slot that holds its newest frame.

    The source starts when the first frame is requested.

    Raises:
        ConfigurationError: there is no such source, or, while the block runs, the source turns out to have no picture.
    """
    source = choose_source(spec, options)
    slot = FrameSlot()

    async def fill(*, task_status: trio.TaskStatus[None]) -> None:
        await source.run(slot, task_status=task_status)
        slot.close()

    with single_error():
        async with trio.open_nursery() as nursery:
            await nursery.start(fill)
            yield slot
            nursery.cancel_scope.cancel()


def _choose_address(spec: str, options: SourceOptions) -> Source:
    try:
        scheme = split_address(spec).scheme
    except ValueError as error:
        raise ConfigurationError(f"cannot open {mask_address(spec)!r}: {error}. {ADVICE}") from None
    if scheme in {"rtsp", "rtsps"}:
        # With UDP, lost packets damage the picture, and NAT often blocks the packets that the camera sends. But some
        # cameras speak nothing else.
        transports = tuple({"rtsp_transport": transport, **_LOW_DELAY} for transport in ("tcp", "udp"))
        return _live(VideoAddress(spec, options=transports), options)
    if scheme in {"http", "https"}:
        parse_http_address(spec)
        # Not `nobuffer`, which throws away what FFmpeg has read to recognize the format: of a short video, all of it.
        return HttpSource(spec, _live(VideoAddress(spec), options))
    raise ConfigurationError(
        f"an address begins with rtsp://, rtsps://, http:// or https://, got {mask_address(spec)}"
        + did_you_mean(scheme, _SCHEMES)
    )


def _siblings(path: Path) -> Iterator[str]:
    """Yield the paths of files beside a path that may be mistyped, at most `_MOST_SIBLINGS`."""
    try:
        for entry in islice(path.parent.iterdir(), _MOST_SIBLINGS):
            # Most devices are no cameras, but disks and terminals.
            if entry.name.isprintable() and (path.parent != _DEVICES or entry.name.startswith("video")):
                yield str(entry)
    except (OSError, ValueError):
        return


def _shown(spec: str) -> str:
    """Return a path as written, and an address whose scheme is missing or mistyped without what may be secret."""
    return mask_address(spec) if {"@", "?"} & set(spec) else spec


def _device(path: str, options: SourceOptions) -> VideoAddress:
    wanted = {}
    if options.width:
        # The driver chooses its nearest size.
        wanted["video_size"] = f"{options.width}x{round(options.width * 3 / 4)}"
    if options.fps:
        wanted["framerate"] = f"{options.fps:g}"
    # Try the camera's own JPEGs first, in this size, then in any size. After that, try any format in the same way.
    return VideoAddress(path, "v4l2", ({"input_format": "mjpeg", **wanted}, {"input_format": "mjpeg"}, wanted, {}))


def _live(address: VideoAddress, options: SourceOptions, *, must_be_there: bool = False) -> LiveVideoSource:
    return LiveVideoSource(
        address,
        Backoff(random.random),
        must_be_there,
        options.fps,
        options.once,
        ResizeSpec(options.width, options.quality),
    )
