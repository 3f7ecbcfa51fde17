"""Flags and variables are explained, in the help and in the reference."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from skysentry_trio.cli.main import cli
from skysentry_trio.cli.settings_sources import CONFIG_VARIABLE, FIELDS, variable_of

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(context := click.Context(group)):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


def options_of(path: str) -> list[click.Option]:
    command: click.Command = cli
    for name in path.split():
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    return [parameter for parameter in command.params if isinstance(parameter, click.Option)]


def test_every_flag_of_serve_is_on_the_page() -> None:
    """A flag nobody can read about does not exist."""
    page = PAGE.read_text("utf-8")
    flags = [flag for option in options_of("serve") for flag in option.opts]
    assert [flag for flag in flags if f"`{flag}" not in page] == []


@pytest.mark.parametrize("variable", [CONFIG_VARIABLE, *map(variable_of, FIELDS)])
def test_every_variable_is_on_the_page(variable: str) -> None:
    """The same holds for variables."""
    assert f"`{variable}`" in PAGE.read_text("utf-8")


def test_every_flag_of_every_command_has_help() -> None:
    """--help leaves no flag unexplained."""
    unexplained = [
        f"{path} {parameter.opts[0]}"
        for path, command in commands(cli)
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.help
    ]
    assert unexplained == []


@pytest.mark.parametrize("path", ["serve", "config show"])
def test_commands_with_settings_have_a_flag_for_each(path: str) -> None:
    """The two take the same flags, so that one can test what the other will do."""
    names = [option.name for option in options_of(path)]
    assert set(FIELDS) <= set(names)
