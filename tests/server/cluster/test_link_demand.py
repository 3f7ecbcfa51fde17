from __future__ import annotations

from math import inf

from attrs import define, field

from skysentry_trio.base.demand import NO_LIMITS, Limits
from skysentry_trio.server.cluster.link_demand import LinkDemand
from skysentry_trio.wire.viewer import Subscribe, Unsubscribe, Viewers


@define
class Needs:
    """What viewers here need, and what the other node is told about it."""

    of: dict[str, Limits] = field(factory=dict)
    viewers: dict[str, int] = field(factory=dict)
    demand: LinkDemand = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.demand = LinkDemand(self.of.get, lambda camera_id: self.viewers.get(camera_id, 1))

    def set(self, camera_id: str, limits: Limits | None) -> None:
        if limits is None:
            self.of.pop(camera_id, None)
        else:
            self.of[camera_id] = limits
        self.demand.note(camera_id)

    def count(self, camera_id: str, viewers: int) -> None:
        self.viewers[camera_id] = viewers
        self.demand.note(camera_id)

    def told(self, now: float) -> list[Subscribe | Unsubscribe | Viewers]:
        return list(self.demand.messages(now))


def test_cameras_with_the_same_limits_are_asked_for_together() -> None:
    """A wall of a hundred cameras is one message."""
    needs = Needs()
    for number in range(100):
        needs.set(f"camera-{number}", Limits(5, 320))
    needs.set("door", NO_LIMITS)
    many, one = needs.told(0)
    assert isinstance(many, Subscribe)
    assert (len(many.clients), many.limits) == (100, Limits(5, 320))
    assert one == Subscribe(["door"])
    assert needs.told(0) == []


def test_a_message_names_no_more_cameras_than_a_viewer_may_name() -> None:
    """2000 cameras take two messages."""
    needs = Needs()
    for number in range(2000):
        needs.set(f"camera-{number}", NO_LIMITS)
    assert [len(message.clients) for message in needs.told(0)] == [1024, 976]


def test_more_is_asked_for_at_once_and_less_after_a_second() -> None:
    """A viewer that reloads its page changes nothing for the camera."""
    needs = Needs()
    needs.set("door", Limits(5))
    assert needs.told(0) == [Subscribe(["door"], 5)]
    needs.set("door", Limits(15))
    assert needs.told(1) == [Subscribe(["door"], 15)]
    needs.set("door", Limits(5))
    assert needs.told(2) == []
    assert needs.demand.due == 3
    assert needs.told(3) == [Subscribe(["door"], 5)]


def test_a_camera_that_nobody_needs_is_unsubscribed_after_a_second() -> None:
    """If somebody needs it again meanwhile, nothing is sent."""
    needs = Needs()
    needs.set("door", NO_LIMITS)
    needs.told(0)
    needs.set("door", None)
    assert needs.told(1) == []
    needs.set("door", NO_LIMITS)
    assert needs.told(1.5) == []
    needs.set("door", None)
    assert needs.told(2) == []
    assert needs.told(3) == [Unsubscribe(["door"])]
    assert not needs.demand.is_needed


def test_a_new_connection_is_asked_for_everything_again() -> None:
    """The other node has forgotten what the last connection had asked for."""
    needs = Needs()
    needs.set("door", Limits(5))
    needs.told(0)
    needs.demand.reset()
    assert needs.demand.is_needed
    assert needs.told(1) == [Subscribe(["door"], 5)]


def test_numbers_of_viewers_are_told_together_once_a_second() -> None:
    """The number after this second counts, and a number that has not changed is not told again."""
    needs = Needs()
    for camera_id in ("door", "yard", "attic"):
        needs.set(camera_id, NO_LIMITS)
    needs.told(0)
    for viewers in range(2, 12):
        needs.count("door", viewers)
    needs.count("yard", 3)
    assert needs.told(0.5) == []
    assert needs.demand.due == 1
    assert needs.told(1) == [Viewers({"door": 11, "yard": 3})]
    needs.count("yard", 3)
    assert needs.told(2) == []
    assert needs.told(3) == []
    assert needs.demand.due == inf


def test_a_new_connection_is_told_the_numbers_of_viewers_again() -> None:
    """The other node counts one viewer for each camera that it is asked for."""
    needs = Needs()
    needs.set("door", NO_LIMITS)
    needs.count("door", 2)
    needs.told(0)
    needs.told(1)
    needs.demand.reset()
    assert needs.told(2) == [Subscribe(["door"])]
    assert needs.told(3) == [Viewers({"door": 2})]
