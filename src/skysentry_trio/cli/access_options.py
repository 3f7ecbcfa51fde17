"""What the commands about access share: where the rules are, and the flags that say who may do what."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import click

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.base.principal import ALL_CAMERAS, Action
from skysentry_trio.base.units import parse_duration
from skysentry_trio.cli.settings_sources import CONFIG_VARIABLE, load_settings, variable_of
from skysentry_trio.server.access.changes import NotAllowed, RulesEditor
from skysentry_trio.server.access.start import state_folder

_WITH_CAMERAS: Final = [action for action in Action if action is not Action.ADMIN]
_HELP: Final = {
    Action.PUBLISH: "Send frames as this camera.",
    Action.VIEW: "See this camera live.",
    Action.HISTORY: "See old frames of this camera; those from a moment on with CAMERA@2026-11-29T08:00Z.",
    Action.ANNOTATE: "Send detection results and events for this camera.",
    Action.EVENTS: "See the events of this camera.",
    Action.METRICS: "Read the counters of this camera, and those of the server.",
}


def rules_option(function: Callable[..., None]) -> Callable[..., None]:
    """Add the flags that say where the rules are; the function gets a `RulesEditor` as ``editor``."""

    @click.option("--config", "config_path", metavar="FILE", help=f"The server's TOML file.  [env: {CONFIG_VARIABLE}]")
    @click.option(
        "--state-dir",
        metavar="FOLDER",
        help=f"The folder in which the server keeps them.  [env: {variable_of('state_dir')}]",
    )
    def with_editor(*, config_path: str | None, state_dir: str | None, **others: Any) -> None:
        settings = load_settings({"state_dir": state_dir}, os.environ, config_path)
        try:
            function(editor=RulesEditor(state_folder(settings)), **others)
        except NotAllowed as error:
            raise ConfigurationError(str(error)) from None

    # click names commands after their functions.
    with_editor.__name__, with_editor.__doc__ = function.__name__, function.__doc__
    with_editor.__click_params__ = [*with_editor.__click_params__, *getattr(function, "__click_params__", [])]  # type: ignore[attr-defined]
    return with_editor


def allow_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add one flag for each action; the function gets the rule as ``allow``."""

    def with_rule(*, admin: bool, **others: Any) -> None:
        allow = {action.value: list(patterns) for action in _WITH_CAMERAS if (patterns := others.pop(action.value))}
        if admin:
            allow[Action.ADMIN.value] = [ALL_CAMERAS]
        if not allow:
            raise ConfigurationError(
                f"expected what is allowed: --{' or --'.join(action.value for action in Action)}, got none of these"
            )
        function(allow=allow, **others)

    with_rule.__name__, with_rule.__doc__ = function.__name__, function.__doc__
    with_rule.__click_params__ = list(getattr(function, "__click_params__", []))  # type: ignore[attr-defined]
    decorated: Callable[..., None] = click.option(
        "--admin", is_flag=True, help="Everything, and say who else may do what."
    )(with_rule)
    for action in reversed(_WITH_CAMERAS):
        decorated = click.option(
            f"--{action}",
            action.value,
            metavar="CAMERA",
            multiple=True,
            help=f"{_HELP[action]} An id, a glob such as 'yard-*', or a @group. Repeatable.",
        )(decorated)
    return decorated


def read_expiry(text: str | None) -> float | None:
    """Return when something expires that lasts for this long, in seconds since the epoch; None for never."""
    return None if text is None else time.time() + read_duration(text)


def read_duration(text: str) -> float:
    """Return a duration such as ``30d`` or ``1h30m`` in seconds.

    Raises:
        ConfigurationError: the text is not a duration above 0.
    """
    try:
        seconds = parse_duration(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e10:
        raise ConfigurationError(f"flag --expires: expected a duration such as 30d, 12h or 1h30m, got {text[:40]!r}")
    return seconds


def show_time(seconds: float | None) -> str:
    """Return a time for people; None is never."""
    if seconds is None:
        return "never"
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def show_rule(allow: dict[str, list[str]]) -> str:
    """Return a rule for people."""
    return "; ".join(f"{action} {', '.join(patterns)}" for action, patterns in allow.items())
