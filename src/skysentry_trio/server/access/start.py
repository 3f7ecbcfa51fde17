"""Decide at the start whether the server is open to everybody, by its rules and by the addresses it listens on."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Final, TypeVar

import trio
from attrs import field, frozen

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.base.logs import get_logger
from skysentry_trio.base.networks import Networks
from skysentry_trio.base.principal import ALL_CAMERAS, Action, parse_groups
from skysentry_trio.base.state_folder import find_state_folder
from skysentry_trio.server.access.access import Access
from skysentry_trio.server.access.changes import NewLink, RulesEditor
from skysentry_trio.server.access.guessing import GuessLimiter
from skysentry_trio.server.access.header_sign_on import HeaderSignOn
from skysentry_trio.server.access.keys import hash_key, is_key
from skysentry_trio.server.access.providers import create_sign_on, create_token_verifiers, has_provider
from skysentry_trio.server.access.records import FILE_NAME, KeyRecord, read_records
from skysentry_trio.server.access.watcher import RulesWatcher
from skysentry_trio.server.settings import Settings

log = get_logger(__name__)

_CREDENTIAL: Final = "admin-key"
"""Name of the file in the folder of systemd's ``LoadCredential=``."""
_INVITATION_SECONDS: Final = 86400.0
T = TypeVar("T")


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
    _changing: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1), repr=False)

    async def change(self, work: Callable[[], T]) -> T:
        """Change the rules in a thread, and return what ``work`` returns.

        One change is made after another, in the order in which they are asked for. Otherwise many changes would keep
        each other from the file, and take the threads that other work needs.

        Args:
            work: calls a method of the editor.
        """
        return await trio.to_thread.run_sync(work, limiter=self._changing)


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


def is_for_this_machine(settings: Settings, addresses: Collection[object]) -> bool:
    """Return whether only this machine can reach the server, as far as the operator says.

    An operator who names a proxy, or a host other than loopback names, lets others reach the server.
    """
    return all(map(is_loopback, addresses)) and not settings.trusted_proxies and not settings.allowed_hosts


def prepare_access(
    settings: Settings,
    addresses: Collection[object],
    own_keys: Iterable[KeyRecord] = (),
    environ: Mapping[str, str] = os.environ,
) -> AccessSetup:
    """Read the rules, and make the first ones if the server needs some.

    Args:
        settings: of the server.
        addresses: on which the server listens, as `socket.getsockname` returns them.
        own_keys: of cameras that are part of this process; they are no rules that close the server.
        environ: names the folder in which systemd puts credentials.

    Raises:
        ConfigurationError: the file of rules, or that of the key of an administrator, cannot be used.
    """
    folder, groups = state_folder(settings), parse_groups(settings.groups)
    editor, invitation = RulesEditor(folder), None
    admin, is_private = read_admin_key(settings, environ), is_for_this_machine(settings, addresses)
    if settings.open:
        log.warning("open to everybody", reason="--open")
    elif admin is not None:
        editor.prepare()
    elif not is_private:
        invitation = editor.invite_first_admin(_INVITATION_SECONDS)
    elif read_records(folder).has_rules:
        editor.prepare()
    elif has_provider(settings):
        log.info("closed to everybody whom no identity provider names", reason="no rules")
    elif (folder / FILE_NAME).exists():
        log.info("open to everybody on this machine", reason="no rules")
    limiter = GuessLimiter(Networks.parse(settings.trusted_proxies))
    access = Access(
        is_open=settings.open or (is_private and not has_provider(settings) and admin is None),
        stays_open=settings.open,
        groups=groups,
        token_verifiers=create_token_verifiers(settings, groups),
        limiter=limiter,
        own_keys=(*own_keys, *(() if admin is None else (admin,))),
    )
    watcher = RulesWatcher(access, folder)
    watcher.read()
    access.refresh = watcher.look
    return AccessSetup(access, watcher, editor, invitation, create_sign_on(settings, groups))


def read_admin_key(settings: Settings, environ: Mapping[str, str]) -> KeyRecord | None:
    """Return the key of an administrator that the operator has put into a file; None without such a file.

    Raises:
        ConfigurationError: the file cannot be read, or has no key in it.
    """
    path = settings.admin_key_file
    if not path:
        path = str(Path(environ.get("CREDENTIALS_DIRECTORY", "/nonexistent")) / _CREDENTIAL)
        if not Path(path).is_file():
            return None
    try:
        key = Path(path).read_text("ascii").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ConfigurationError(f"file {path}: expected a file with a key, got an error: {reason}") from None
    if not is_key(key):
        raise ConfigurationError(f"file {path}: expected a key as skysentry-trio key generate prints it")
    return KeyRecord("file", "administrator", hash_key(key), {Action.ADMIN.value: [ALL_CAMERAS]}, 0.0)
