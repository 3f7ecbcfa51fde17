"""Print a page of the reference that is made from the code: ``python docs/generate.py command-line``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from skysentry_trio.cli.main import PROGRAM, cli
from skysentry_trio.cli.reference import settings_reference

HEAD = """\
# Command line

<!-- Made by `nox -s docs -- fix`; change the code, not this page. -->

What each command says of itself with `--help`. The settings of `serve` and `config show` have a
[page of their own](settings.md), with environment variables, the file and what is allowed.

Exit status of every command: 0 when it did what it was asked to, 1 when it failed, 2 when it was asked something
impossible, 130 when Ctrl-C came before it could handle that.
"""
WIDTH = 100


def command_line_reference() -> str:
    """Return the page as Markdown."""
    return HEAD + "".join(_sections(cli, PROGRAM))


def _sections(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[str]:
    context = command.make_context(name, [], parent, resilient_parsing=True, terminal_width=WIDTH)
    yield f"\n## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for child_name in command.list_commands(context):
            child = command.get_command(context, child_name)
            if child is not None and not child.hidden:
                yield from _sections(child, child_name, context)


PAGES = {"command-line": command_line_reference, "settings": settings_reference}

if __name__ == "__main__":
    sys.stdout.write(PAGES[sys.argv[1]]())
