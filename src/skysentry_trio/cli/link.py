"""``skysentry-trio link``: make a signed link for one action with one camera."""

from __future__ import annotations

import sys

import click

from skysentry_trio.base.principal import Action
from skysentry_trio.cli.access_options import read_duration, rules_option, show_time
from skysentry_trio.cli.qr import draw_qr
from skysentry_trio.client.engine.addresses import parse_server_address
from skysentry_trio.server.access.changes import RulesEditor
from skysentry_trio.wire.link_address import link_address


@click.command()
@click.argument("action", metavar="ACTION", type=click.Choice([action.value for action in Action]))
@click.argument("camera", default="*")
@click.option("--expires", metavar="DURATION", default="1h", show_default=True, help="How long the link counts.")
@click.option("--once", is_flag=True, help="The link counts only for the first browser that opens it.")
@click.option("--qr", is_flag=True, help="Also draw a QR code, for phones.")
@click.option(
    "--server", metavar="URL", default="http://localhost:8080", show_default=True, help="The server's address."
)
@rules_option
def link(editor: RulesEditor, action: str, camera: str, expires: str, server: str, *, once: bool, qr: bool) -> None:
    """Make a link that allows one ACTION with one CAMERA.

    ACTION is publish, view, history, annotate, events, metrics or admin. CAMERA is an id, a glob such as 'yard-*', or a
    @group; without it, all cameras are meant.

    The link counts without an account, for anyone who has it. Make it shorter-lived rather than longer-lived.
    """
    base = str(parse_server_address(server))
    made = editor.make_link(Action(action), camera, read_duration(expires), once=once)
    address = link_address(base, Action(action), camera, made.token)
    click.echo(address)
    if qr:
        click.echo(draw_qr(address))
    click.echo(f"The link counts until {show_time(made.expires)}.", err=True)
    sys.stdout.flush()
