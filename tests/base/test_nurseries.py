from __future__ import annotations

import pytest
import trio

from skysentry_trio.base.exceptions import ConfigurationError, PeerGone
from skysentry_trio.base.nurseries import single_error


def test_one_error_is_raised_by_itself() -> None:
    """However deep it is wrapped."""
    error = KeyError("x")
    with pytest.raises(KeyError) as caught, single_error():
        raise ExceptionGroup("outer", [ExceptionGroup("inner", [error])])
    assert caught.value is error


def test_of_several_expected_errors_the_first_is_raised() -> None:
    """Two tasks noticed the same thing."""
    with pytest.raises(PeerGone), single_error():
        raise ExceptionGroup("", [PeerGone("a"), ConfigurationError("b")])


def test_errors_that_follow_from_others_are_left_out() -> None:
    """The cause is raised, although what follows from it came first."""
    with pytest.raises(PeerGone), single_error(following=(OSError,)):
        raise ExceptionGroup("", [OSError(), PeerGone("a")])
    with pytest.raises(OSError, match="alone"), single_error(following=(OSError,)):
        raise ExceptionGroup("", [OSError("alone")])


def test_bugs_are_shown_whole() -> None:
    """A group with an unexpected error in it stays a group."""
    with pytest.raises(ExceptionGroup), single_error():
        raise ExceptionGroup("", [PeerGone("a"), TypeError("b")])


def test_other_errors_pass() -> None:
    """What is no group is none of its business."""
    with pytest.raises(TypeError), single_error():
        raise TypeError


async def test_cancellation_passes() -> None:
    """A cancelled nursery is still cancelled."""
    with trio.CancelScope() as scope, single_error():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            scope.cancel()
            await trio.sleep_forever()
    assert scope.cancelled_caught
