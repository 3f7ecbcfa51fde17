"""``skysentry-trio history``: look at, check, export and delete the recordings in a folder."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from skysentry_trio.base.ageing_rule import AgeingRule, parse_rules
from skysentry_trio.base.exceptions import ConfigurationError, ProtocolViolation, SkySentryError
from skysentry_trio.base.units import parse_duration, parse_size
from skysentry_trio.cli.history_export import FORMATS, export_camera, export_cameras, with_progress
from skysentry_trio.cli.numbers import Number, WholeNumber
from skysentry_trio.cli.settings_sources import CONFIG_VARIABLE, load_settings, variable_of
from skysentry_trio.cli.terminal import format_bytes
from skysentry_trio.server.history.folder import Damaged, HistoryFolder
from skysentry_trio.server.history.layout import find_segments
from skysentry_trio.server.history.reader import HistoryReader
from skysentry_trio.server.history.retention import RetentionLimits, choose_expired
from skysentry_trio.server.settings import Settings
from skysentry_trio.wire.identity import check_camera_id
from skysentry_trio.wire.query import Query

T = TypeVar("T")
U = TypeVar("U")

_DAY: Final = 86400.0
_HEAD: Final = 180
"""Bytes of the head of a frame on disk."""
_COMPLETE_FILES: Final = "A server that records completes a file about every minute; only complete files are listed."
_NO_RULES: Final[tuple[AgeingRule, ...]] = ()


class HistoryDamaged(SkySentryError):
    """Some recordings cannot be read."""


@click.group()
def history() -> None:
    """Look at, check, export and delete recordings."""


def folder_option(function: Callable[..., None]) -> Callable[..., None]:
    """Add the flags that say where the recordings are; the function gets the server's settings as ``settings``."""

    @click.option("--config", "config_path", metavar="FILE", help=f"The server's TOML file.  [env: {CONFIG_VARIABLE}]")
    @click.option("--history", metavar="FOLDER", help=f"The folder of the recordings.  [env: {variable_of('history')}]")
    def with_settings(*, config_path: str | None, history: str | None, **others: Any) -> None:
        settings = load_settings({"history": history}, os.environ, config_path)
        if not settings.history:
            raise ConfigurationError("expected --history FOLDER, got none")
        function(settings=settings, **others)

    with_settings.__name__, with_settings.__doc__ = function.__name__, function.__doc__
    with_settings.__click_params__ = [*with_settings.__click_params__, *getattr(function, "__click_params__", [])]  # type: ignore[attr-defined]
    return with_settings


def range_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add ``--from`` and ``--to``; the function gets ``begin`` and ``end`` in seconds since the epoch."""

    def with_range(*, begin: str | None, end: str | None, **others: Any) -> None:
        function(begin=_moment("--from", begin, 0.0), end=_moment("--to", end, float("inf")), **others)

    with_range.__name__, with_range.__doc__ = function.__name__, function.__doc__
    with_range.__click_params__ = list(getattr(function, "__click_params__", []))  # type: ignore[attr-defined]
    decorated: Callable[..., None] = click.option(
        "--to", "end", metavar="TIME", help="Last moment, such as 2026-11-29T08:00:00Z.  [default: the last]"
    )(with_range)
    return click.option("--from", "begin", metavar="TIME", help="First moment.  [default: the first]")(decorated)


@history.command(name="ls")
@click.argument("camera_id", metavar="[CAMERA]", required=False)
@range_options
@folder_option
def list_recordings(settings: Settings, camera_id: str | None, begin: float, end: float) -> None:
    """List what cameras have on disk, or when CAMERA was recorded."""
    with _reading(settings) as folder:
        if camera_id is None:
            usages = folder.index.usage()
            if not usages:
                click.echo(f"There are no recordings in {folder.path}. {_COMPLETE_FILES}", err=True)
            for usage in usages:
                span = f"{_show(usage.oldest_at)} to {_show(usage.newest_at)}"
                click.echo(f"{usage.camera_id}\t{span}\t{usage.frames} frames\t{format_bytes(usage.nbytes)}")
            return
        spans = HistoryReader(folder).spans(check_camera_id(camera_id), begin, end)
        if not spans:
            click.echo(f"There are no recordings of camera {camera_id} of this time. {_COMPLETE_FILES}", err=True)
        for one in spans:
            protected = "\tprotected" if one.protected else ""
            size = format_bytes(one.nbytes)
            click.echo(f"{_show(one.begin)} to {_show(one.end)}\t{one.frames} frames\t{size}{protected}")


@history.command()
@folder_option
def verify(settings: Settings) -> None:
    """Read every recording, and compare it with the index.

    Exit status 1 if something is wrong.
    """
    with _reading(settings) as folder:
        wrong = 0
        names = list(find_segments(folder.path))
        known = folder.index.names()
        for name in with_progress(names, "checked"):
            sentence = _check(folder, name, is_known=name in known)
            if sentence:
                wrong += 1
                click.echo(sentence)
        for name in sorted(known - set(names)):
            wrong += 1
            click.echo(f"{name}: the index knows it, but the file is gone")
        click.echo(f"{len(names)} files checked, {wrong} wrong", err=True)
        if wrong:
            raise HistoryDamaged("skysentry-trio history rebuild makes the index again from the files")


@history.command()
@folder_option
def rebuild(settings: Settings) -> None:
    """Make the index again from the recordings.

    No server may be recording in the folder.
    """
    with _writing(settings) as folder:
        names = list(find_segments(folder.path))
        with click.progressbar(length=len(names), label="reading", file=sys.stderr) as bar:
            troubles = folder.adopt(everything=True, report=lambda _count, _name: bar.update(1))
    for trouble in troubles:
        click.echo(trouble)
    click.echo(f"{len(names) - len(troubles)} files are in the index", err=True)


@history.command()
@click.argument("camera_ids", metavar="CAMERA...", nargs=-1, required=True)
@click.option("--output", "-o", metavar="FILE", help="The file to make.  [default: named by camera and time]")
@click.option(
    "--format",
    "kind",
    type=click.Choice(FORMATS),
    default="mkv",
    show_default=True,
    help="mkv needs skysentry-trio[capture]; mpjpeg is the form on disk.",
)
@range_options
@folder_option
def export(
    settings: Settings, *, camera_ids: tuple[str, ...], output: str | None, kind: str, begin: float, end: float
) -> None:
    """Write recordings into one file.

    Those of several cameras are written into a ZIP with a manifest.
    """
    with _reading(settings) as folder:
        reader = HistoryReader(folder)
        if len(camera_ids) > 1:
            export_cameras(reader, list(camera_ids), output, kind, begin, end)
        else:
            export_camera(reader, camera_ids[0], output, kind, begin, end)


@history.command()
@click.option("--older-than", metavar="DURATION", help="Delete what is older, such as 30d.")
@click.option("--keep", metavar="SIZE", help="Delete the oldest until this much is left, such as 100GB.")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@folder_option
def prune(settings: Settings, older_than: str | None, keep: str | None, *, dry_run: bool) -> None:
    """Delete old recordings, except those that are protected.

    No server may be recording in the folder.
    """
    if older_than is None and keep is None:
        raise ConfigurationError("expected --older-than DURATION or --keep SIZE, got neither")
    limits = RetentionLimits(
        max_age=_parsed("--older-than", older_than, parse_duration, float("inf")),
        max_bytes=_parsed("--keep", keep, parse_size, float("inf")),
    )
    with _writing(settings) as folder:
        nbytes = sum(usage.nbytes for usage in folder.index.usage())
        oldest = folder.index.oldest(10_000_000)
        expired = choose_expired(oldest, limits, now=time.time(), nbytes=nbytes, free=folder.free_bytes())
        if not dry_run:
            folder.delete(expired)
    size = format_bytes(sum(one.nbytes for one in expired))
    click.echo(f"{len(expired)} files with {size} {'would be' if dry_run else 'are'} deleted", err=True)


@history.command()
@click.option("--cameras", type=WholeNumber(1), default=1, show_default=True, help="Number of cameras.")
@click.option("--fps", type=Number(0, 1000), default=1.0, show_default=True, help="Between events.")
@click.option("--event-fps", type=Number(0, 1000), default=15.0, show_default=True, help="Around events.")
@click.option(
    "--event-hours",
    type=Number(0, 24),
    default=0.0,
    show_default=True,
    help="Hours a day around events, with the time before and after them.",
)
@click.option(
    "--pre-roll-fps",
    type=Number(0, 1000),
    default=0.0,
    show_default=True,
    help="What cameras send all the time because of the time before events.",
)
@click.option("--frame", metavar="SIZE", default="50kB", show_default=True, help="Bytes of one frame.")
@click.option("--days", type=Number(0), default=7.0, show_default=True, help="How long to keep.")
@click.option("--ageing", multiple=True, metavar="RULE", help="A rule of --history-ageing; may be given again.")
def estimate(  # noqa: PLR0917 - one for each flag
    cameras: int,
    fps: float,
    event_fps: float,
    event_hours: float,
    pre_roll_fps: float,
    frame: str,
    days: float,
    ageing: tuple[str, ...],
) -> None:
    """Say how much disk recordings need.

    Also say what cameras send for them that nobody watches.
    """
    size, rules = _parsed("--frame", frame, parse_size, 0), _parsed("--ageing", ageing, parse_rules, _NO_RULES)
    around, between = event_hours / 24, 1 - event_hours / 24
    at_events = max(fps, event_fps) * around
    ages = [0.0, *(rule.min_age / _DAY for rule in rules if rule.min_age < days * _DAY), days]
    rates = [fps, *(min(fps, 1 / rule.interval) for rule in rules)]
    needs = [cameras * (rate * between + at_events) * (size + _HEAD) * _DAY for rate in rates]
    if len(ages) > 2:
        # Ageing keeps the frames of events.
        for (begin, end), need in zip(pairwise(ages), needs, strict=False):
            what = f"recordings of {begin:g} to {end:g} days"
            click.echo(f"{what:<32}{need / 1e9:8.1f} GB a day{need * (end - begin) / 1e9:10.1f} GB")
    total = sum(need * (end - begin) for (begin, end), need in zip(pairwise(ages), needs, strict=False))
    click.echo(f"{needs[0] / 1e9:.1f} GB a day, {total / 1e9:.1f} GB for {days:g} days")
    sent = cameras * (max(fps, pre_roll_fps) * between + max(fps, pre_roll_fps, event_fps) * around) * size
    click.echo(f"{sent * 8 / 1e6:.1f} Mbit/s on average from cameras that nobody watches")


@contextmanager
def _reading(settings: Settings) -> Iterator[HistoryFolder]:
    folder = HistoryFolder.open(Path(settings.history), writing=False)
    try:
        yield folder
    finally:
        folder.close()


@contextmanager
def _writing(settings: Settings) -> Iterator[HistoryFolder]:
    if not Path(settings.history).is_dir():
        raise ConfigurationError(f"history: expected a folder, got {settings.history}")
    folder = HistoryFolder.open(Path(settings.history), writing=True)
    try:
        yield folder
    finally:
        folder.close()


def _check(folder: HistoryFolder, name: str, *, is_known: bool) -> str | None:
    """Return what is wrong with a file; None if nothing is."""
    try:
        segment, table = folder.read_table(name)
    except (Damaged, OSError) as error:
        return f"{name}: {error}"
    # Bytes behind the last complete frame are what a server that was killed had begun to write.
    if is_known and folder.index.table(name).encode() != table.encode():
        return f"{name}: the index does not agree with the file, which has {segment.frames} frames"
    return None


def _moment(flag: str, text: str | None, default: float) -> float:
    if text is None:
        return default
    try:
        moment = Query({flag: [text]}).moment(flag)
    except ProtocolViolation as error:
        raise ConfigurationError(str(error)) from None
    return default if moment is None else moment


def _parsed(flag: str, text: U | None, parse: Callable[[U], T], default: T) -> T:
    if text is None:
        return default
    try:
        return parse(text)
    except ValueError as error:
        raise ConfigurationError(f"{flag}: {error}") from None


def _show(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S}Z"
