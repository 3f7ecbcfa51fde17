"""Helpers for nurseries inside a function: raise one error instead of a group, cancel a scope when an event is set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final

import trio
from attrs import frozen

from skysentry_trio.base.exceptions import PeerGone, SkySentryError

CONNECTION_LOST: Final = (trio.BrokenResourceError, trio.ClosedResourceError)
"""What a Trio stream raises when the remote party is gone or this side has closed the stream."""
_CONSEQUENCES: Final = (PeerGone, *CONNECTION_LOST)
"""Errors of a connection that has ended: every task that uses the connection raises one of them, for any cause."""
_EXPECTED: Final[tuple[type[Exception], ...]] = (SkySentryError, *CONNECTION_LOST)


def single_error(following: tuple[type[Exception], ...] = ()) -> AbstractContextManager[None]:
    """Raise one error of an exception group instead of the group.

    A group with one error becomes this error. Expected errors are the errors of this package and `CONNECTION_LOST`. Of
    several expected errors, the first is raised. The end of the connection is raised only if there is no other error:
    a peer that broke the protocol and then left is a `ProtocolViolation`, not a `PeerGone`. A group of several errors
    stays whole if one of them is unexpected, because this error is a bug and the other errors may explain it.
    Cancellations do not count as errors.

    Args:
        following: types of errors that only follow from other errors; such an error is raised if there is no other.
    """
    return _SingleError(following)


# Not a generator with `contextlib.contextmanager`: the frames of `contextlib` would keep the group, see below.
@frozen
class _SingleError:
    _following: tuple[type[Exception], ...]

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, group: BaseException | None, traceback: TracebackType | None
    ) -> None:
        error = _single(group, self._following) if isinstance(group, BaseExceptionGroup) else None
        if error is not None:
            try:
                raise error
            finally:
                # The group refers to the error. If the error also referred to the group, as its context or through a
                # frame of its traceback, only the garbage collector could free both, and all that their frames hold.
                error.__context__ = None
                del error, group, traceback


def _single(group: BaseExceptionGroup[BaseException], following: tuple[type[Exception], ...]) -> BaseException | None:
    """Return the error to raise instead of a group; None if the group must stay whole."""
    errors = [error for error in _leaves(group) if not isinstance(error, trio.Cancelled)]
    causes = [error for error in errors if not isinstance(error, following)] or errors
    expected = (*_EXPECTED, *following)
    if len(causes) == 1 or (causes and all(isinstance(error, expected) for error in causes)):
        first, *_ = [error for error in causes if not isinstance(error, _CONSEQUENCES)] or causes
        return first
    return None


async def cancel_when(event: trio.Event, scope: trio.CancelScope) -> None:
    """Cancel a scope once an event is set.

    Start this in the nursery whose scope is ``scope``. If you start it in another nursery, cancel that nursery when the
    work in ``scope`` is done.
    """
    await event.wait()
    scope.cancel()


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
