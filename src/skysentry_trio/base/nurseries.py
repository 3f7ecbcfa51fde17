"""Helpers for nurseries that are an implementation detail: plain errors out, and an event that ends a scope."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio

from skysentry_trio.base.exceptions import PeerGone, SkySentryError

CONNECTION_LOST: Final = (trio.BrokenResourceError, trio.ClosedResourceError)
"""What a Trio stream raises when the remote party is gone or this side has closed the stream."""
_CONSEQUENCES: Final = (PeerGone, *CONNECTION_LOST)
"""Errors of a connection that is over: every task that uses it raises one, whatever ended the connection."""
_EXPECTED: Final[tuple[type[Exception], ...]] = (SkySentryError, *CONNECTION_LOST)


@contextmanager
def single_error(following: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Raise one error of an exception group instead of the group.

    A group with one error becomes that error. Of several expected errors, which are those of this package and
    `CONNECTION_LOST`, the first is raised, and the end of the connection only if there is no other: a peer that broke
    the protocol and then left is a `ProtocolViolation`, not a `PeerGone`. A group that holds several errors, of which
    one is unexpected, stays whole, because that error is a bug and the others may explain it. Cancellations are left
    out.

    Args:
        following: further errors that only follow from others; such an error is raised if there is no other.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        errors = [error for error in _leaves(group) if not isinstance(error, trio.Cancelled)]
        causes = [error for error in errors if not isinstance(error, following)] or errors
        expected = (*_EXPECTED, *following)
        if len(causes) == 1 or (causes and all(isinstance(error, expected) for error in causes)):
            first, *_ = [error for error in causes if not isinstance(error, _CONSEQUENCES)] or causes
            raise first from None
        raise


async def cancel_when(event: trio.Event, scope: trio.CancelScope) -> None:
    """Cancel a scope once an event is set.

    Start this in the nursery that ``scope`` belongs to, or cancel that nursery when the work in the scope is done.
    """
    await event.wait()
    scope.cancel()


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
