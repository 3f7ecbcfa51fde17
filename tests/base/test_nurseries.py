from __future__ import annotations

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from skysentry_trio.base.exceptions import ConfigurationError, PeerGone, ProtocolViolation
from skysentry_trio.base.nurseries import CONNECTION_LOST, cancel_when, single_error


def test_one_error_is_raised_by_itself() -> None:
    """However deep it is wrapped."""
    error = KeyError("x")
    with pytest.raises(KeyError) as caught, single_error():
        raise ExceptionGroup("outer", [ExceptionGroup("inner", [error])])
    assert caught.value is error


def test_of_several_expected_errors_the_first_is_raised() -> None:
    """Two tasks noticed the same thing."""
    with pytest.raises(ProtocolViolation), single_error():
        raise ExceptionGroup("", [ProtocolViolation("a"), ConfigurationError("b")])
    with pytest.raises(PeerGone, match="a"), single_error():
        raise ExceptionGroup("", [PeerGone("a"), trio.BrokenResourceError()])


@pytest.mark.parametrize("end", [PeerGone("left"), trio.BrokenResourceError(), trio.ClosedResourceError()], ids=repr)
def test_the_end_of_a_connection_is_raised_if_there_is_no_other_error(end: Exception) -> None:
    """A peer that broke the protocol and left is refused, whichever task was the first to notice."""
    with pytest.raises(ProtocolViolation), single_error():
        raise ExceptionGroup("", [end, ProtocolViolation("too many messages", "flood")])
    with pytest.raises(ProtocolViolation), single_error():
        raise ExceptionGroup("", [ProtocolViolation("too many messages", "flood"), end])
    with pytest.raises(type(end)), single_error():
        raise ExceptionGroup("", [end, end])


def test_errors_that_follow_from_others_are_left_out() -> None:
    """The cause is raised, although what follows from it came first."""
    with pytest.raises(PeerGone), single_error(following=(OSError,)):
        raise ExceptionGroup("", [OSError(), PeerGone("a")])
    with pytest.raises(OSError, match="alone"), single_error(following=(OSError,)):
        raise ExceptionGroup("", [OSError("alone")])
    with pytest.raises(OSError, match="first"), single_error(following=(OSError,)):
        raise ExceptionGroup("", [OSError("first"), OSError("second")])


def test_bugs_are_shown_whole() -> None:
    """A group with an unexpected error in it stays a group."""
    with pytest.raises(ExceptionGroup), single_error():
        raise ExceptionGroup("", [PeerGone("a"), TypeError("b")])
    with pytest.raises(ExceptionGroup), single_error():
        raise ExceptionGroup("", [ProtocolViolation("a"), KeyError("b")])


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


async def test_a_violation_in_a_cancelled_nursery_is_raised() -> None:
    """The other tasks are cancelled by it, and say nothing more."""

    async def converse() -> None:
        with single_error():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.sleep_forever)
                raise ProtocolViolation("expected less")

    with pytest.raises(ProtocolViolation, match="expected less"):
        await converse()


async def test_an_event_cancels_a_scope(autojump_clock: MockClock) -> None:
    """Once it is set, also if that was before."""
    event = trio.Event()
    for _ in range(2):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(cancel_when, event, nursery.cancel_scope)
            await trio.testing.wait_all_tasks_blocked()
            assert nursery.cancel_scope.cancel_called == event.is_set()
            event.set()
            await trio.sleep_forever()


async def test_a_stream_that_ends_raises_what_is_caught() -> None:
    """Both errors mean that nothing more comes or goes."""
    one, other = trio.testing.memory_stream_pair()
    await one.aclose()
    with pytest.raises(CONNECTION_LOST):
        await one.send_all(b"x")
    with pytest.raises(CONNECTION_LOST):
        await other.send_all(b"x")
