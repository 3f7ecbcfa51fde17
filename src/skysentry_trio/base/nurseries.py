"""Let a nursery that is an implementation detail raise plain errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio

from skysentry_trio.base.exceptions import SkySentryError


@contextmanager
def single_error(following: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Raise the error of an exception group by itself.

    When one thing breaks, several tasks may notice; so of several expected errors the first is raised. A group
    with an unexpected one in it stays whole, as that is a bug and all of it is of interest.

    Args:
        following: errors that only follow from others; raised if there is nothing else.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        errors = [error for error in _leaves(group) if not isinstance(error, trio.Cancelled)]
        causes = [error for error in errors if not isinstance(error, following)] or errors
        if len(causes) == 1 or (causes and all(isinstance(error, SkySentryError) for error in causes)):
            raise causes[0] from None
        raise


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
