"""``skysentry-trio config``: show the settings in effect, and the source of each setting."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

import click

from skysentry_trio.base.addresses import mask_address
from skysentry_trio.cli.options import settings_options
from skysentry_trio.cli.settings_sources import FIELDS, Given, gather, settle
from skysentry_trio.server.setting_kinds import Kind
from skysentry_trio.server.settings import Settings, kind_of


@click.group()
def config() -> None:
    """Show the server's settings."""


@config.command()
@settings_options
def show(config_path: str | None, **flags: object) -> None:
    """Print the settings that `serve` would run with, as TOML for --config."""
    given = gather(flags, os.environ, config_path)
    click.echo(as_toml(settle(given), given), nl=False)


def as_toml(settings: Settings, given: Mapping[str, Given]) -> str:
    """Return the settings as a file for ``--config``; a comment names the source of each setting that was given."""
    lines = []
    for name, setting in FIELDS.items():
        line = f"{name} = {_toml_value(getattr(settings, name), kind_of(setting))}"
        lines.append(f"{line}  # {given[name].source}" if name in given else line)
    return "\n".join(lines) + "\n"


def _toml_value(value: object, kind: Kind) -> str:
    if isinstance(value, bool):
        return kind.format(value)
    if isinstance(value, tuple):
        return json.dumps(value)
    text = mask_address(kind.format(value)) if kind.is_secret and value else kind.format(value)
    is_number = isinstance(value, int | float) and text.replace(".", "", 1).isdigit()
    # For the characters that settings may contain, JSON and TOML quote text alike.
    return text if is_number else json.dumps(text)
