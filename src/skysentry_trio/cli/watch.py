"""``skysentry-trio watch``: a viewer in the terminal."""

from __future__ import annotations

import os
import random
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TextIO

import click
import trio

from skysentry_trio.base.backoff import Backoff
from skysentry_trio.base.demand import MAX_WIDTH, Limits
from skysentry_trio.base.exceptions import ConfigurationError, ProtocolViolation
from skysentry_trio.base.nurseries import single_error
from skysentry_trio.base.units import parse_duration
from skysentry_trio.cli.credentials import find_credentials, token_option
from skysentry_trio.cli.keyboard import open_keyboard
from skysentry_trio.cli.numbers import Number, WholeNumber
from skysentry_trio.cli.saving import FrameSaver
from skysentry_trio.cli.signals import cancel_on_signal
from skysentry_trio.cli.viewer_display import Style, ViewerDisplay
from skysentry_trio.client.engine.access import Token
from skysentry_trio.client.engine.addresses import ServerAddress, parse_server_address
from skysentry_trio.client.engine.trust import with_trust
from skysentry_trio.client.engine.viewer import ViewerClient
from skysentry_trio.wire.identity import check_camera_id
from skysentry_trio.wire.viewer_frames import FrameHeader


def _seconds(_context: click.Context, _parameter: click.Parameter, text: str | None) -> float | None:
    try:
        return None if text is None else parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(f"expected a duration such as 10s or 2m, got {text!a}") from error


@click.command()
@click.argument("camera_ids", metavar="[ID]...", nargs=-1)
@click.option(
    "--server", metavar="URL", default="http://127.0.0.1:8080", show_default=True, help="The server's address."
)
@token_option
@click.option(
    "--tls-ca", metavar="FILE", help="PEM file with certificates of authorities to trust besides the system's."
)
@click.option(
    "--max-fps", type=Number(0, 1000, min_open=True), help="At most this many frames a second of each camera."
)
@click.option("--max-width", type=WholeNumber(1, MAX_WIDTH), help="Maximum width that is needed, in pixels.")
@click.option("--save", type=click.Path(path_type=Path), metavar="DIR", help="Save frames as DIR/ID/ID-SEQUENCE.jpg.")
@click.option("--count", type=WholeNumber(1), help="End after this many frames of all cameras together.")
@click.option("--duration", callback=_seconds, metavar="DURATION", help="End after 10s, 2m or 1h30m.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a second, for programs.")
def watch(
    camera_ids: tuple[str, ...],
    server: str,
    token_file: Path | None,
    max_fps: float | None,
    max_width: int | None,
    *,
    tls_ca: str | None,
    save: Path | None,
    count: int | None,
    duration: float | None,
    as_json: bool,
) -> None:
    """Show the figures of cameras with these IDs, or of all.

    AGE is the time from capture, or from arrival at the server, to arrival here, of the newest frame. LATENCY is the
    mean over the last second, by stage: until the server had the frames, in the server, until they were here. GAPS
    counts frames that the server skipped, because this viewer or the network was too slow, or because of --max-fps.

    Cameras that encode their frames send smaller ones if no viewer needs more than --max-width.

    On a terminal, keys scroll, sort and search the table: ? lists them, and q quits.

    Exit status: 0 after q, Ctrl-C, SIGTERM, --count or --duration; 0 also when the program that reads the output ends;
    1 when the server refuses this viewer before it has accepted it once, or a frame or the output cannot be written; 2
    when an option is wrong.
    """
    try:
        for camera_id in camera_ids:
            check_camera_id(camera_id)
        limits = Limits(max_fps, max_width)
    except ProtocolViolation as error:
        raise ConfigurationError(str(error)) from error
    address, token = find_credentials(with_trust(parse_server_address(server), tls_ca), token_file, os.environ)
    style = Style.JSON if as_json else Style.TABLE if sys.stdout.isatty() else Style.LINES
    trio.run(
        partial(
            run_watch,
            address,
            camera_ids,
            token=token,
            limits=limits,
            saver=FrameSaver(save) if save else None,
            count=count,
            duration=duration,
            style=style,
            stream=sys.stdout,
            keys=sys.stdin,
        )
    )


async def run_watch(
    server: ServerAddress,
    camera_ids: tuple[str, ...],
    *,
    limits: Limits,
    saver: FrameSaver | None,
    count: int | None,
    duration: float | None,
    style: Style,
    stream: TextIO,
    keys: TextIO | None = None,
    token: Token = None,
) -> None:
    """Run a viewer until the count or the duration is reached, a signal comes, or a person quits.

    Keys are read from ``keys`` if it is a terminal and the style is a table.

    Raises:
        Refused: the server refuses this viewer.
        CannotSave: a frame could not be saved.
        CannotWrite: the output cannot be written.
        ReaderGone: nobody reads the output.
    """
    taken = 0

    async def take_frame(header: FrameHeader, jpeg: bytes) -> None:
        nonlocal taken
        if saver is not None:
            await saver.save(header, jpeg)
        taken += 1
        if taken == count:
            nursery.cancel_scope.cancel()

    # A recording needs every frame rather than the newest one.
    client = ViewerClient(server, camera_ids, take_frame, limits, acknowledges=saver is None, token=token)
    display = ViewerDisplay(stream, lambda: client.report(trio.current_time()), style, client.unknown_cameras)
    has_keys = style is Style.TABLE and keys is not None and keys.isatty()
    display.view.has_keys = has_keys

    def press(key: str) -> None:
        if display.press(key):
            nursery.cancel_scope.cancel()

    try:
        with single_error(), ExitStack() as stack:
            async with trio.open_nursery() as nursery:
                if has_keys and keys is not None:
                    nursery.start_soon(stack.enter_context(open_keyboard(keys.fileno())).read_keys, press)
                if duration is not None:
                    nursery.cancel_scope.deadline = trio.current_time() + duration
                await nursery.start(cancel_on_signal, nursery.cancel_scope)
                nursery.start_soon(display.run)
                await client.run(Backoff(random.random))
    finally:
        await display.finish()
