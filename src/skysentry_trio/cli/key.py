"""``skysentry-trio key``: make, list and revoke the keys of programs and cameras."""

from __future__ import annotations

import click

from skysentry_trio.base.exceptions import SkySentryError
from skysentry_trio.cli.access_options import allow_options, read_expiry, rules_option, show_rule, show_time
from skysentry_trio.server.access.changes import RulesEditor
from skysentry_trio.server.access.keys import make_key
from skysentry_trio.server.access.records import Allowed, read_records


class NoSuchKey(SkySentryError):
    """There is no key with this id."""


@click.group()
def key() -> None:
    """Make, list and revoke keys for programs and cameras.

    A running server notices every change at once.
    """


@key.command()
@click.option("--name", required=True, help="For people: what the key is for.")
@click.option("--expires", metavar="DURATION", help="How long the key counts, such as 30d or 12h.  [default: for ever]")
@allow_options
@rules_option
def add(editor: RulesEditor, allow: Allowed, name: str, expires: str | None) -> None:
    """Make a key and print it; nobody can read it again."""
    made = editor.add_key(name, allow, read_expiry(expires))
    click.echo(made.key)
    click.echo(f"Key {made.record.id} expires {show_time(made.record.expires)}: {show_rule(allow)}", err=True)


@key.command()
def generate() -> None:
    """Print a new key that no server knows.

    It is for a file that --admin-key-file of `serve` names.
    """
    click.echo(make_key())


@key.command(name="list")
@rules_option
def list_keys(editor: RulesEditor) -> None:
    """List the keys: id, name, when it expires, and what it allows."""
    keys = read_records(editor.folder).keys
    if not keys:
        click.echo(f"There are no keys in {editor.folder}.", err=True)
    for one in keys:
        click.echo(f"{one.id}\t{one.name}\t{show_time(one.expires)}\t{show_rule(one.allow)}")


@key.command()
@click.argument("key_id", metavar="ID")
@rules_option
def revoke(editor: RulesEditor, key_id: str) -> None:
    """Revoke the key with this ID.

    What uses it is disconnected at once.
    """
    revoked = editor.revoke_key(key_id)
    if revoked is None:
        raise NoSuchKey(f"there is no key {key_id!r}; skysentry-trio key list shows them")
    click.echo(f"Revoked: {revoked.name}", err=True)
