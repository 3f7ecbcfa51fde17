"""``skysentry-trio serve``: prepare settings, logs and sockets, then run the daemon."""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import os
import resource
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from socket import socket
from typing import Final

import click
import trio

from skysentry_trio.base import logs
from skysentry_trio.base.colors import wants_color
from skysentry_trio.base.exceptions import ConfigurationError, SkySentryError
from skysentry_trio.base.interfaces import list_addresses
from skysentry_trio.base.networks import is_loopback
from skysentry_trio.base.nurseries import single_error
from skysentry_trio.base.running_clock import RunningClock
from skysentry_trio.cli.banner import banner
from skysentry_trio.cli.invitation import invitation
from skysentry_trio.cli.options import settings_options
from skysentry_trio.cli.phone import phone_instructions
from skysentry_trio.cli.settings_sources import Given, gather, settle
from skysentry_trio.cli.signals import outlive_terminal
from skysentry_trio.cli.streams import descriptor_for_crashes, show_secret
from skysentry_trio.server import daemon
from skysentry_trio.server.access.changes import RulesEditor
from skysentry_trio.server.access.keys import hash_key, make_key
from skysentry_trio.server.access.phone_code import PhoneCode
from skysentry_trio.server.access.records import KeyRecord
from skysentry_trio.server.access.start import state_folder
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.transport.systemd import Notifier, inherited_sockets

# Descriptors besides connections: listening sockets, epoll, the log, served files.
_SPARE_DESCRIPTORS: Final = 64
# The parameters of mallopt(3) in malloc.h of glibc.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
# A mapping of its own makes a block slower, so most frames should be smaller.
_LARGE_BLOCK: Final = 512 * 1024
_ANY_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - phones come from the network
BUFFER_SETTINGS: Final = frozenset({"buffer_size", "buffer_seconds", "buffer_bytes"})
DEMO_SECONDS: Final = 60.0
"""How long a demo keeps frames, so that people who try it can use playback."""
log = logs.get_logger(__name__)


class CannotServe(SkySentryError):
    """The server could not start: the address is taken, forbidden or unknown."""


@click.command()
@click.option("--demo", is_flag=True, help="Start two cameras with test patterns, and keep their last minute.")
@click.option("--phone", is_flag=True, help="Print a QR code with which a phone in the same network becomes a camera.")
@settings_options
def serve(config_path: str | None, *, demo: bool, phone: bool, **flags: object) -> None:
    """Run the server until SIGTERM or Ctrl-C.

    A flag overrides its environment variable, the variable overrides the file, and the file overrides the default.
    Durations are written 500ms, 30s, 2m or 1h30m, sizes 512KiB, 5MiB or 1GB; plain numbers are seconds and bytes.
    """
    given = gather(flags, os.environ, config_path)
    if demo and not given.keys() & BUFFER_SETTINGS:
        given["buffer_seconds"] = Given("flag --demo", DEMO_SECONDS)
    if phone:
        given = phone_settings(given) | given
    settings = settle(given)
    sockets = inherited_sockets(os.environ)
    if phone and not sockets and (is_loopback(settings.host) or settings.host == "localhost"):
        source = given["host"].source
        raise ConfigurationError(f"{source}: expected an address that a phone can reach, got {settings.host!r}")
    logs.configure(settings.log_level, settings.log_format, sys.stderr, os.environ)
    # The watchdog ends a hung server with SIGABRT; faulthandler then prints where the server hung.
    faulthandler.enable(file=descriptor_for_crashes())
    allow_descriptors(settings.max_connections)
    notifier = Notifier.from_environment(os.environ)
    return_freed_memory(os.environ)
    # All peers wait during a garbage collection. Imported objects live until the end, so let collections skip them.
    gc.collect()
    gc.freeze()
    try:
        run = partial(run_server, settings, sockets=sockets, notifier=notifier, demo=demo, phone=phone)
        trio.run(run, clock=RunningClock())
    except SkySentryError:
        raise
    except Exception:
        # Write the crash to the log, so that people find it in the same place as all other events.
        log.critical("server crashed", exc_info=True)
        sys.exit(1)


def return_freed_memory(environ: Mapping[str, str]) -> None:
    """Let the C library return the memory of large frames to the system as soon as this memory is free.

    Otherwise, glibc raises its threshold with each large block that becomes free. Then a server that once held many
    large frames keeps all that memory. The variables ``MALLOC_...`` of the environment have priority. Other C libraries
    have no such threshold.
    """
    if not any(name.startswith("MALLOC_") for name in environ):
        with suppress(OSError, AttributeError):
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)
            mallopt(_M_TRIM_THRESHOLD, _LARGE_BLOCK)


async def run_server(
    settings: Settings, *, sockets: Sequence[socket], notifier: Notifier, demo: bool, phone: bool = False
) -> None:
    """Run the daemon until it has stopped.

    Args:
        settings: of the server.
        sockets: listening sockets from systemd.
        notifier: reports the state of the server to systemd.
        demo: whether to run two cameras beside the server.
        phone: whether to print a code for a phone.

    Raises:
        CannotServe: the server cannot listen.
    """
    invitations, demo_key = list[str](), make_key()
    phone_code = PhoneCode() if phone else None
    own_keys = [KeyRecord("demo", "demo cameras", hash_key(demo_key), {"publish": ["demo-*"]}, 0.0)] if demo else []
    with single_error():
        async with trio.open_nursery() as nursery:

            async def run_daemon(task_status: trio.TaskStatus[Sequence[str]]) -> None:
                await daemon.serve(
                    settings,
                    sockets=sockets,
                    notifier=notifier,
                    invite=invitations.append,
                    own_keys=own_keys,
                    phone_code=phone_code,
                    task_status=task_status,
                )
                nursery.cancel_scope.cancel()

            if not settings.is_tls:
                # With a certificate, SIGHUP means to load it again.
                await nursery.start(outlive_terminal)
            try:
                with single_error():
                    urls = await nursery.start(run_daemon)
            except OSError as error:
                where = "the sockets from systemd" if sockets else f"{settings.host} port {settings.port}"
                raise CannotServe(f"cannot listen on {where}: {error.strerror or error}") from error
            if sys.stderr.isatty():
                click.echo(banner(urls, list_addresses(), in_color=wants_color(sys.stderr, os.environ)), err=True)
            for token in invitations:
                # With two codes, people would scan the wrong one.
                with_qr = sys.stderr.isatty() and not phone
                show_secret(invitation(urls, list_addresses(), token, with_qr=with_qr))
            if phone_code is not None:
                await invite_phone(settings, phone_code)
            if demo:
                nursery.start_soon(run_demo_cameras, urls[0], demo_key)


def phone_settings(given: Mapping[str, Given]) -> dict[str, Given]:
    """Return what a phone needs: an address of the network, and https.

    Args:
        given: the settings that the operator has given.
    """
    needed = {"host": Given("flag --phone", _ANY_ADDRESS)}
    if "tls_cert" not in given:
        needed["tls_self_signed"] = Given("flag --phone", raw=True)
    return needed


async def invite_phone(settings: Settings, code: PhoneCode) -> None:
    """Print the code with which a phone becomes a camera."""
    if not settings.open:
        await trio.to_thread.run_sync(code.renew, RulesEditor(state_folder(settings)))
    show_secret(phone_instructions(code, warns=settings.tls_self_signed))


async def run_demo_cameras(server_url: str, key: str) -> None:
    """Run the demo's cameras; if they crash, the server continues without them."""
    try:
        # Imported here, because a server without demo does not need the drawing library.
        from skysentry_trio.cli.demo import run_demo  # noqa: PLC0415

        await run_demo(server_url, key)
    except Exception:
        log.exception("demo cameras crashed")


def allow_descriptors(connections: int) -> None:
    """Raise the limit of open files to what the connections need, up to the hard limit.

    The soft limit is 1024 on most systems, because of programs that use select(2). This program does not use it.
    """
    needed = connections + _SPARE_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        # A sandbox may forbid this call.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(needed, hard), hard))
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed < needed:
        log.warning("fewer descriptors than connections", descriptors=allowed, max_connections=connections)
