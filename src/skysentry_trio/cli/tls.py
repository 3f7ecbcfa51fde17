"""``skysentry-trio tls``: look after the certificate authority that ``serve --tls-self-signed`` uses."""

from __future__ import annotations

import os
from pathlib import Path

import click

from skysentry_trio.base.authority_folder import AuthorityFolder
from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.base.interfaces import list_addresses
from skysentry_trio.base.local_authority import Issued, fingerprint, names_in, names_of_machine
from skysentry_trio.base.state_folder import find_state_folder
from skysentry_trio.base.trust_page import PAGE, name_of, trust_files

_state_dir = click.option(
    "--state-dir",
    metavar="DIR",
    default="",
    envvar="SKYSENTRY_STATE_DIR",
    help="State folder of the server.  [default: as for serve; env: SKYSENTRY_STATE_DIR]",
)


@click.group()
def tls() -> None:
    """Look after the certificates that serve --tls-self-signed uses."""


@tls.command()
@_state_dir
def show(state_dir: str) -> None:
    """Print names, ends and fingerprints of both certificates."""
    folder = _folder(state_dir)
    authority, issued = _require(folder)
    leaf = issued.parsed
    click.echo(f"authority    {name_of(authority.parsed)}")
    click.echo(f"  until      {authority.parsed.not_valid_after_utc:%Y-%m-%d}")
    click.echo(f"  SHA-256    {fingerprint(authority.parsed)}")
    click.echo(f"  file       {folder.authority_file}")
    click.echo(f"certificate  {names_in(leaf)}")
    click.echo(f"  until      {leaf.not_valid_after_utc:%Y-%m-%d}; the server renews it by itself")
    click.echo(f"  SHA-256    {fingerprint(leaf)}")
    click.echo(f"  file       {folder.certificate_file}")


@tls.command()
@_state_dir
@click.option("--host", metavar="ADDRESS", default="", help="A further name or address of the server.")
@click.option("--authority", is_flag=True, help="Make a new authority too. Every device then has to trust the new one.")
def renew(state_dir: str, host: str, *, authority: bool) -> None:
    """Issue the certificate of the server again.

    A running server loads it by itself.
    """
    folder = _folder(state_dir)
    if authority:
        folder.forget_authority()
    names = names_of_machine(list_addresses(), host)
    folder.prepare(names, again=True)
    _, issued = _require(folder)
    click.echo(f"issued a certificate for {names_in(issued.parsed)}")


@tls.command("trust-page")
@_state_dir
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def trust_page(state_dir: str, folder: Path) -> None:
    """Write the page /trust and its files to FOLDER.

    It is for devices that do not reach the server yet.
    """
    authority, _ = _require(_folder(state_dir))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in trust_files(authority.certificate).items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise ConfigurationError(f"cannot write to {folder}: {error.strerror or error}") from error
    click.echo(f"open {folder / PAGE}")


def _folder(state_dir: str) -> AuthorityFolder:
    return AuthorityFolder.inside(find_state_folder(state_dir, os.environ))


def _require(folder: AuthorityFolder) -> tuple[Issued, Issued]:
    authority, issued = folder.load_authority(), folder.load_certificate()
    if authority is None or issued is None:
        raise ConfigurationError(
            f"there is no certificate in {folder.path}; serve --tls-self-signed or tls renew makes one"
        )
    return authority, issued
