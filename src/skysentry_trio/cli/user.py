"""``skysentry-trio user``: add, list and remove people who sign in with a password."""

from __future__ import annotations

import sys

import click

from skysentry_trio.base.exceptions import ConfigurationError, SkySentryError
from skysentry_trio.cli.access_options import allow_options, rules_option, show_rule
from skysentry_trio.server.access.changes import RulesEditor
from skysentry_trio.server.access.records import Allowed, read_records


class NoSuchUser(SkySentryError):
    """There is no user with this name."""


@click.group()
def user() -> None:
    """Add, list and remove people who sign in with a password.

    A running server notices every change at once.
    """


@user.command()
@click.argument("name")
@allow_options
@rules_option
def add(editor: RulesEditor, allow: Allowed, name: str) -> None:
    """Add a user, or replace the one with this NAME.

    Asks for the password on a terminal; otherwise reads it from the first line of standard input.
    """
    editor.set_user(name, _ask_for_password(), allow)
    click.echo(f"User {name}: {show_rule(allow)}", err=True)


def _ask_for_password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise ConfigurationError("expected a password in the first line of standard input, got none")
    return password


@user.command(name="list")
@rules_option
def list_users(editor: RulesEditor) -> None:
    """List the users: name, and what is allowed."""
    users = read_records(editor.folder).users
    if not users:
        click.echo(f"There are no users in {editor.folder}.", err=True)
    for one in users:
        click.echo(f"{one.name}\t{show_rule(one.allow)}")


@user.command()
@click.argument("name")
@rules_option
def remove(editor: RulesEditor, name: str) -> None:
    """Remove the user with this NAME, who is disconnected at once."""
    if editor.remove_user(name) is None:
        raise NoSuchUser(f"there is no user {name!r}; skysentry-trio user list shows them")
    click.echo(f"Removed: {name}", err=True)
