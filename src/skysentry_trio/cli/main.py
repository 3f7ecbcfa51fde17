"""``skysentry-trio``: find the command, run it, and turn its outcome into an exit status.

Exit statuses: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final, NoReturn

import click

from skysentry_trio._version import __version__
from skysentry_trio.base.addresses import mask_arguments
from skysentry_trio.base.exceptions import ConfigurationError, SkySentryError
from skysentry_trio.base.suggestions import did_you_mean
from skysentry_trio.cli.streams import CannotWrite, ReaderGone, give_up_stdout, prepare_streams

PROGRAM: Final = "skysentry-trio"


class LazyGroup(click.Group):
    """A group that imports a command only when the command is used, so no command loads the libraries of another."""

    COMMANDS: Final = ("serve", "capture", "watch", "key", "user", "link", "tls", "history", "cluster", "config")

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the commands in the order in which the help lists them."""
        return list(self.COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command: ``serve`` is ``skysentry_trio.cli.serve.serve``."""
        if cmd_name not in self.COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"skysentry_trio.cli.{cmd_name}"), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments begin with; suggest one if there is none.

        click suggests only commands that are loaded already.
        """
        word = args[0]
        if word not in self.COMMANDS and not word.startswith("-") and not ctx.resilient_parsing:
            ctx.fail(f"No such command {word!r}{did_you_mean(word, self.COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """Live JPEG relay: cameras in, viewers out, newest frame first."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Args:
        arguments: without the program's name; None means the arguments of the process.
    """
    prepare_streams()
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    try:
        return _run_command(list(sys.argv[1:] if arguments is None else arguments))
    except ReaderGone:
        give_up_stdout()
        return 0
    except CannotWrite as error:
        give_up_stdout()
        click.echo(f"{PROGRAM}: {error}", err=True)
        return 1


def _run_command(arguments: list[str]) -> int:
    try:
        # With standalone_mode=False, click returns the status of --help and --version, and raises errors.
        status = cli.main(arguments, prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
    except (CannotWrite, ReaderGone):
        raise
    except click.ClickException as error:
        error.message = mask_arguments(error.message, arguments)  # type: ignore[misc] # not final in older releases
        error.show()
        return error.exit_code
    except SkySentryError as error:
        click.echo(f"{PROGRAM}: {mask_arguments(str(error), arguments)}", err=True)
        return 2 if isinstance(error, ConfigurationError) else 1
    except (click.Abort, KeyboardInterrupt):
        return 130
    return status if isinstance(status, int) else 0
