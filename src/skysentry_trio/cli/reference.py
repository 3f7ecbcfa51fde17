"""The page docs/reference/settings.md, made from the settings and the command.

Make it anew with ``skysentry-trio config reference > docs/reference/settings.md``; a test compares the two.
"""

from __future__ import annotations

from typing import Any, Final

import attrs

from skysentry_trio.cli.settings_sources import CONFIG_VARIABLE, FIELDS, flag_of, is_list, variable_of
from skysentry_trio.server.settings import kind_of

_HEAD: Final = f"""\
# Settings

<!-- Made by `skysentry-trio config reference`; change the code, not this page. -->

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

`serve` has two flags that are no settings: `--config FILE`, and `--demo`, which starts two cameras with test patterns
beside the server.
"""


def settings_reference() -> str:
    """Return the page as Markdown."""
    return _HEAD + "".join(_section(setting) for setting in FIELDS.values())


def _section(setting: attrs.Attribute[Any]) -> str:
    name, kind = setting.name, kind_of(setting)
    default = kind.format(setting.default)
    repeatable = ", repeatable" if is_list(name) else ""
    return f"""
## {name}

{setting.metadata["help"]}

- default: {f"`{default}`" if default else "none"}
- allowed: {kind.expected}
- flag: `{flag_of(name)} {kind.metavar}`{repeatable}
- variable: `{variable_of(name)}`
"""
