"""Collect settings. Of several sources the first of these wins: flag, environment variable, file, default."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.base.suggestions import did_you_mean
from skysentry_trio.cli.variables import TOKEN_VARIABLE
from skysentry_trio.server.settings import Settings, kind_of

PREFIX: Final = "SKYSENTRY_"
CONFIG_VARIABLE: Final = "SKYSENTRY_CONFIG"
_NO_SETTINGS: Final = frozenset({CONFIG_VARIABLE, TOKEN_VARIABLE})
FIELDS: Final = {setting.name: setting for setting in attrs.fields(Settings)}


@attrs.frozen
class Given:
    """The value that the operator wrote for one setting, and its source."""

    source: str
    raw: object


def is_list(name: str) -> bool:
    """Return whether the setting holds several values."""
    return isinstance(FIELDS[name].default, tuple)


def flag_of(name: str) -> str:
    """Return the flag that sets the setting: ``--max-fps``; a repeatable flag is in the singular: ``--cors-origin``."""
    if is_list(name):
        name = name.removesuffix("ies") + "y" if name.endswith("ies") else name.removesuffix("s")
    return "--" + name.replace("_", "-")


def flags_of(name: str) -> list[str]:
    """Return all flags that set the setting: a list also has a flag with its full name, ``--cors-origins``."""
    plural = "--" + name.replace("_", "-")
    # A word such as "ageing" has no plural.
    return list(dict.fromkeys([flag_of(name), plural]))


def variable_of(name: str) -> str:
    """Return the environment variable that sets the setting: ``SKYSENTRY_MAX_FPS``."""
    return PREFIX + name.upper()


def load_settings(flags: Mapping[str, object], environ: Mapping[str, str], config_path: str | None) -> Settings:
    """Return the settings to run with.

    Args:
        flags: the flags by setting; None or an empty tuple for a flag that is not given.
        environ: usually ``os.environ``.
        config_path: path of the TOML file; None means the path in ``SKYSENTRY_CONFIG``, if that is set.

    Raises:
        ConfigurationError: a setting is invalid; the message names the source (flag, variable, or file and key), the
            value, and what was expected.
    """
    return settle(gather(flags, environ, config_path))


def gather(flags: Mapping[str, object], environ: Mapping[str, str], config_path: str | None) -> dict[str, Given]:
    """Return what the operator wrote for each setting that a flag, a variable or the file sets.

    Args and Raises are those of `load_settings`, but the values are not checked.
    """
    from_environment = _given_by_environment(environ)
    path = config_path or environ.get(CONFIG_VARIABLE)
    from_file = _given_by_file(path) if path else {}
    from_flags = {
        name: Given(f"flag {flag_of(name)}", raw) for name, raw in flags.items() if raw is not None and raw != ()
    }
    return from_file | from_environment | from_flags


def settle(given: Mapping[str, Given]) -> Settings:
    """Check the values that the operator wrote, and return the settings made from them.

    Raises:
        ConfigurationError: a value is invalid; the message names the source, the value, and what was expected.
    """
    values: dict[str, Any] = {}
    for name, one in given.items():
        try:
            values[name] = kind_of(FIELDS[name]).read(one.raw)
        except ValueError as error:
            raise ConfigurationError(f"{one.source}: {error}") from None
    try:
        return Settings(**values)
    except ConfigurationError as error:
        # Each value alone is valid, but two values contradict each other: add the sources of both.
        sources = [f"{name} from {one.source}" for name, one in given.items() if name in str(error)]
        raise ConfigurationError(f"{error} ({'; '.join(sources)})") from None


def _given_by_environment(environ: Mapping[str, str]) -> dict[str, Given]:
    known = {variable_of(name): name for name in FIELDS}
    found = [variable for variable in environ if variable.startswith(PREFIX) and variable not in _NO_SETTINGS]
    for variable in found:
        if variable not in known:
            # Compare without the prefix, because the prefix would make any two variables similar.
            suggestion = did_you_mean(variable.removeprefix(PREFIX), [name.upper() for name in FIELDS], PREFIX)
            raise ConfigurationError(f"variable {variable}: there is no such setting{suggestion}")
    return {known[variable]: Given(f"variable {variable}", environ[variable]) for variable in found}


def _given_by_file(path: str) -> dict[str, Given]:
    try:
        content = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(f"file {path}: expected a readable TOML file, got an error: {reason}") from error
    return read_settings_file(path, content)


def read_settings_file(path: str, content: bytes) -> dict[str, Given]:
    """Return what the content of a settings file sets; ``path`` is for errors.

    Raises:
        ConfigurationError: the content is not TOML, or names a setting that does not exist.
    """
    try:
        table = tomllib.loads(content.decode("utf-8"))
    # UnicodeDecodeError and TOMLDecodeError are ValueErrors that contain the position.
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"file {path}: expected TOML, got an error: {error}") from error
    given: dict[str, Given] = {}
    for key, raw in table.items():
        name = key.replace("-", "_")
        if name not in FIELDS:
            suggestion = did_you_mean(name, FIELDS)
            raise ConfigurationError(f"file {path}, key {key}: there is no such setting{suggestion}")
        if name in given:
            raise ConfigurationError(f"file {path}, key {key}: expected each setting once, got it again as {name}")
        given[name] = Given(f"file {path}, key {key}", raw)
    return given
