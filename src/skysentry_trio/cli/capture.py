"""``skysentry-trio capture``: a camera without a browser."""

from __future__ import annotations

import os
import random
import re
import socket
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

import click
import trio

from skysentry_trio.base.backoff import Backoff
from skysentry_trio.base.exceptions import ConfigurationError, ProtocolViolation
from skysentry_trio.base.nurseries import single_error
from skysentry_trio.cli.camera_display import CameraDisplay
from skysentry_trio.cli.credentials import find_credentials, token_option
from skysentry_trio.cli.numbers import Number, WholeNumber
from skysentry_trio.cli.signals import cancel_on_signal, outlive_terminal
from skysentry_trio.client.engine.addresses import parse_server_address
from skysentry_trio.client.engine.camera import CameraClient
from skysentry_trio.client.engine.trust import with_trust
from skysentry_trio.sources.devices import Device, list_devices
from skysentry_trio.sources.frames import FrameSlot
from skysentry_trio.sources.opening import PATTERN, SourceOptions, open_source
from skysentry_trio.wire.identity import check_camera_id


def _list_and_exit(context: click.Context, _parameter: click.Parameter, is_wanted: bool) -> None:  # noqa: FBT001 - click's
    if is_wanted:
        click.echo("\n".join(device_lines(list_devices())))
        context.exit()


@click.command()
@click.argument("source")
@click.option(
    "--server", metavar="URL", default="http://127.0.0.1:8080", show_default=True, help="The server's address."
)
@token_option
@click.option(
    "--tls-ca", metavar="FILE", help="PEM file with certificates of authorities to trust besides the system's."
)
@click.option(
    "--id", "camera_id", metavar="ID", help="The camera's id.  [default: the host's name; pattern for the pattern]"
)
@click.option("--name", metavar="LABEL", help="A label for people.")
@click.option("--fps", type=Number(0, 1000, min_open=True), help="Frames a second, also for files.")
@click.option("--width", type=WholeNumber(16, 16384), help="Maximum width in pixels; the height follows.")
@click.option("--quality", type=WholeNumber(1, 100), help="JPEG quality, where pictures are encoded.")
@click.option("--once", is_flag=True, help="End with the source instead of starting again.")
@click.option("--ignore-demand", is_flag=True, help="Send every frame, even if nobody watches or viewers need less.")
@click.option("--no-adapt", is_flag=True, help="Do not lower quality, width and rate when the network is too slow.")
@click.option("--skip-still", is_flag=True, help="Do not send pictures again that look like the last one.")
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_and_exit,
    help="List the cameras at this machine and exit.",
)
@click.option("--quiet", is_flag=True, help="Show nothing but errors.")
def capture(
    source: str,
    server: str,
    token_file: Path | None,
    camera_id: str | None,
    name: str | None,
    *,
    tls_ca: str | None,
    ignore_demand: bool,
    no_adapt: bool,
    skip_still: bool,
    quiet: bool,
    **options: object,
) -> None:
    """Send pictures from SOURCE to a server as a camera.

    SOURCE is 'pattern' (a moving test picture), a folder of JPEGs, a JPEG or video file, a device such as /dev/video0,
    or an address that begins with rtsp://, http:// or https://. Videos, devices and RTSP need PyAV, which the extra
    skysentry-trio[capture] installs.

    The camera connects again when the connection is lost, and opens its source again when that vanishes. When
    the network is slower than the source, frames are dropped, never delayed, and the camera encodes smaller ones if it
    can. It sends no more than viewers need: a frame every few seconds while nobody watches.

    Exit status: 0 after Ctrl-C, SIGTERM or the end of the source; 1 when the server refuses this camera before it has
    accepted it once, or another camera takes over its id; 2 when SOURCE or an option is wrong, or SOURCE is missing at
    the start.
    """
    try:
        camera_id = check_camera_id(camera_id if camera_id is not None else default_id(source))
    except ProtocolViolation as error:
        raise ConfigurationError(f"--id: {error}") from error
    source_options = SourceOptions(label=name or camera_id, **options)  # type: ignore[arg-type] # click has checked
    address, token = find_credentials(with_trust(parse_server_address(server), tls_ca), token_file, os.environ)
    make_client = partial(
        CameraClient,
        address,
        camera_id,
        name=name,
        obeys=not ignore_demand,
        adapts=not no_adapt,
        skips_still=skip_still,
        token=token,
    )
    trio.run(run_capture, source, source_options, make_client, None if quiet else sys.stderr)


async def run_capture(
    source: str,
    options: SourceOptions,
    make_client: Callable[[FrameSlot], CameraClient],
    stream: TextIO | None,
) -> None:
    """Run a camera until the source ends or a signal comes.

    Args:
        source: as the user wrote it.
        options: the user's options for the source.
        make_client: makes the camera that sends the frames of a slot.
        stream: for the status; None for no output.

    Raises:
        ConfigurationError: there is no such source.
        Refused: the server refuses this camera.
    """
    with single_error():
        async with trio.open_nursery() as nursery:
            await nursery.start(cancel_on_signal, nursery.cancel_scope)
            await nursery.start(outlive_terminal)
            async with open_source(source, options) as slot:
                client = make_client(slot)
                if stream is None:
                    await client.run(Backoff(random.random))
                else:
                    await _run_shown(client, stream)
            nursery.cancel_scope.cancel()


async def _run_shown(client: CameraClient, stream: TextIO) -> None:
    display = CameraDisplay(stream, lambda: client.report(trio.current_time()), is_terminal=stream.isatty())
    try:
        with single_error():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(display.run)
                await client.run(Backoff(random.random))
                nursery.cancel_scope.cancel()
    finally:
        display.finish()


def device_lines(devices: Sequence[Device]) -> list[str]:
    """Return a line for each camera at this machine: its path, its name, and why it cannot be opened."""
    width = max((len(device.path) for device in devices), default=0)
    lines = [
        f"{device.path:<{width}}  {device.name}" + (f"  ({device.trouble})" if device.trouble else "")
        for device in devices
    ]
    return lines or ["no cameras at this machine; SOURCE may also be an address, a file, a folder or 'pattern'"]


def default_id(source: str) -> str:
    """Return the id of a camera for which the user gives no id: ``pattern``, or one made from the host's name."""
    if source == PATTERN:
        return PATTERN
    return re.sub(r"[^A-Za-z0-9._-]+", "-", socket.gethostname()).strip("-.")[:64] or "camera"
