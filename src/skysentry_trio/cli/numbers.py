"""Numbers on the command line, whose errors say in one sentence what was expected."""

from __future__ import annotations

from typing import Any

import click


class Number(click.FloatRange):
    """A number within limits."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, or end the command with an error."""
        try:
            return float(super().convert(value, param, ctx))
        except click.BadParameter:
            self.fail(f"expected a number {_limits(self)}, got {value!r}", param, ctx)


class WholeNumber(click.IntRange):
    """A whole number within limits."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, or end the command with an error."""
        try:
            return int(super().convert(value, param, ctx))
        except click.BadParameter:
            self.fail(f"expected a whole number {_limits(self)}, got {value!r}", param, ctx)


def _limits(numbers: click.FloatRange | click.IntRange) -> str:
    least = f"above {numbers.min:g}" if numbers.min_open else f"from {numbers.min:g}"
    return least if numbers.max is None else f"{least} to {numbers.max:g}"
