"""Decide at the start whether the server is open to everybody, by its rules and by the addresses it listens on."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from attrs import frozen

from skysentry_trio.base.logs import get_logger
from skysentry_trio.base.networks import Networks
from skysentry_trio.base.state_folder import find_state_folder
from skysentry_trio.server.access.access import Access
from skysentry_trio.server.access.changes import NewLink, RulesEditor
from skysentry_trio.server.access.guessing import GuessLimiter
from skysentry_trio.server.access.header_sign_on import HeaderSignOn
from skysentry_trio.server.access.providers import create_sign_on, create_token_verifiers, has_provider
from skysentry_trio.server.access.records import FILE_NAME, read_records
from skysentry_trio.server.access.watcher import RulesWatcher
from skysentry_trio.server.settings import Settings

log = get_logger(__name__)

_INVITATION_SECONDS: Final = 86400.0


@frozen
class AccessSetup:
    """What the daemon needs for access."""

    access: Access
    watcher: RulesWatcher
    editor: RulesEditor
    invitation: NewLink | None
    """With this link, the first administrator signs in; None if there is one already, or none is needed."""
    sign_on: HeaderSignOn | None = None
    """Takes people from the headers of a trusted proxy; None if the operator does not want this."""


def open_to_everybody(folder: Path = Path("/nonexistent")) -> AccessSetup:
    """Return the setup of a server on which everybody may do everything."""
    access = Access(stays_open=True)
    return AccessSetup(access, RulesWatcher(access, folder), RulesEditor(folder), None)


def state_folder(settings: Settings, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for what the server keeps; it may not exist yet."""
    return find_state_folder(settings.state_dir, environ)


def is_loopback(address: object) -> bool:
    """Return whether only this machine can connect to an address of a listening socket.

    What decides is the address that is listened on, never the address of a peer: behind a proxy on the same machine,
    all peers come from 127.0.0.1.
    """
    if not isinstance(address, tuple):
        return True  # a Unix socket
    try:
        parsed = ip_address(str(address[0]).partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)


def prepare_access(settings: Settings, addresses: Collection[object]) -> AccessSetup:
    """Read the rules, and make the first ones if the server needs some.

    Args:
        settings: of the server.
        addresses: on which the server listens, as `socket.getsockname` returns them.

    Raises:
        ConfigurationError: the file of rules cannot be read or written.
    """
    folder, groups = state_folder(settings), parse_groups(settings.groups)
    editor, invitation = RulesEditor(folder), None
    if settings.open:
        log.warning("open to everybody", reason="--open")
    elif read_records(folder).has_rules or not all(map(is_loopback, addresses)):
        invitation = editor.invite_first_admin(_INVITATION_SECONDS)
    elif has_provider(settings):
        log.info("closed to everybody whom no identity provider names", reason="no rules")
    elif (folder / FILE_NAME).exists():
        log.info("open to everybody on this machine", reason="no rules")
    limiter = GuessLimiter(Networks.parse(settings.trusted_proxies))
    access = Access(
        is_open=settings.open or not has_provider(settings),
        stays_open=settings.open,
        groups=groups,
        token_verifiers=create_token_verifiers(settings, groups),
        limiter=limiter,
    )
    watcher = RulesWatcher(access, folder)
    watcher.read()
    return AccessSetup(access, watcher, editor, invitation, create_sign_on(settings, groups))


def parse_groups(entries: Iterable[str]) -> dict[str, list[str]]:
    """Return the cameras of each group, from entries such as ``outdoor=yard-*``."""
    groups: dict[str, list[str]] = {}
    for entry in entries:
        name, _, pattern = entry.partition("=")
        groups.setdefault(name, []).append(pattern)
    return groups
