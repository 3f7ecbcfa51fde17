"""Print a page of the reference that is generated from the code: ``python docs/generate.py command-line``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import attrs
import click

from skysentry_trio.cli.main import PROGRAM, cli
from skysentry_trio.cli.settings_sources import CONFIG_VARIABLE, FIELDS, flags_of, is_list, variable_of
from skysentry_trio.server.settings import kind_of

COMMANDS_HEAD = """\
# Command line

<!-- Made by `nox -s docs -- fix`; change the code, not this page. -->

The output of each command with `--help`. The settings of `serve` and `config show` have a
[page of their own](settings.md), with environment variables, the file and what is allowed.

Exit status of every command: 0 for success, 1 for a failure, 2 for wrong options, arguments or settings, 130 if Ctrl-C
stopped it while it was starting.
"""
SETTINGS_HEAD = f"""\
# Settings

<!-- Made by `nox -s docs -- fix`; change the code, not this page. -->

Every setting of `skysentry-trio serve` can be given in three ways. A flag wins over the environment variable, the
variable over the file, the file over the default.

- **Flag**: `skysentry-trio serve --max-fps 30`
- **Environment variable**: `SKYSENTRY_MAX_FPS=30`; lists are separated by commas
- **TOML file**: `max_fps = 30` in the file named by `--config FILE` or `{CONFIG_VARIABLE}`; keys may have `-` for `_`,
  lists are arrays

`skysentry-trio config show` takes the same flags and prints the settings in effect as such a file, with the source of
each one that is not left at its default.

Durations are written `500ms`, `30s`, `2m` or `1h30m`; a plain number is seconds. Sizes are written `512KiB`, `5MiB` or
`1GB`; a plain number is bytes. A value that is not allowed, an unknown key and an unknown variable that begins with
`SKYSENTRY_` end the program with status 2 and a line that names the source. (Kubernetes makes such variables for a
Service named `skysentry`: set `enableServiceLinks: false` in the pod.)

`serve` has three flags that are not settings. `--config FILE` names the file. `--demo` starts two cameras with test
patterns beside the server, which then keeps the frames of the last minute, unless a setting says how much to keep.
`--phone` prints a QR code for a phone; the defaults of `host` and `tls_self_signed` are then `0.0.0.0` and `true`.
"""
WIDTH = 100


def command_line_reference() -> str:
    """Return the page as Markdown."""
    return COMMANDS_HEAD + "".join(_sections(cli, PROGRAM))


def _sections(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[str]:
    context = command.make_context(name, [], parent, resilient_parsing=True, terminal_width=WIDTH)
    yield f"\n## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for child_name in command.list_commands(context):
            child = command.get_command(context, child_name)
            if child is not None and not child.hidden:
                yield from _sections(child, child_name, context)


def settings_reference() -> str:
    """Return the page as Markdown."""
    return SETTINGS_HEAD + "".join(_setting_section(setting) for setting in FIELDS.values())


def _setting_section(setting: attrs.Attribute[Any]) -> str:
    name, kind = setting.name, kind_of(setting)
    default = kind.format(setting.default)
    value = "" if setting.default is False else f" {kind.metavar}"
    flags = " or ".join(f"`{flag}{value}`" for flag in flags_of(name))
    repeatable = ", repeatable" if is_list(name) else ""
    return f"""
## {name}

{setting.metadata["help"]}

- default: {f"`{default}`" if default else "none"}
- allowed: {kind.expected}
- flag: {flags}{repeatable}
- variable: `{variable_of(name)}`
"""


PAGES = {"command-line": command_line_reference, "settings": settings_reference}

if __name__ == "__main__":
    sys.stdout.write(PAGES[sys.argv[1]]())
