"""Generate one flag for each of the server's settings, for the commands that need the settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import click

from skysentry_trio.cli.settings_sources import CONFIG_VARIABLE, FIELDS, flags_of, is_list, variable_of
from skysentry_trio.server.settings import kind_of


def settings_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add ``--config`` and one flag for each setting to a command.

    The function is called with ``config_path`` and, for each setting, the text of its flag or None. click does not
    convert values or read the environment: `settings_sources` does both, in the same way for flags, variables and
    files.
    """
    for setting in reversed(FIELDS.values()):
        function = _option(setting)(function)
    return click.option(
        "--config",
        "config_path",
        metavar="FILE",
        help=f"TOML file with settings.  [env: {CONFIG_VARIABLE}]",
    )(function)


def _option(setting: attrs.Attribute[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    name, kind = setting.name, kind_of(setting)
    if setting.default is False:
        # A flag without a value sets a switch; the text is that of an environment variable.
        return click.option(
            *flags_of(name),
            name,
            flag_value="true",
            default=None,
            help=f"{setting.metadata['help']}  [default: false; env: {variable_of(name)}]",
        )
    repeatable = is_list(name)
    default = "" if repeatable else f"default: {kind.format(setting.default)}; "
    help_text = setting.metadata["help"] + (" Repeatable." if repeatable else "")
    return click.option(
        *flags_of(name),
        name,
        metavar=kind.metavar,
        multiple=repeatable,
        help=f"{help_text}  [{default}env: {variable_of(name)}]",
    )
