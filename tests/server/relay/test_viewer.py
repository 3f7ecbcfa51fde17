"""What one viewer chose: which cameras, and how often."""

from __future__ import annotations

from collections.abc import Collection

import pytest
import trio
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from skysentry_trio.base.demand import NO_LIMITS, Limits
from skysentry_trio.base.frames import JpegFrame, RingStatistics
from skysentry_trio.base.principal import ANYONE
from skysentry_trio.server.relay.delivery import Delivery
from skysentry_trio.server.relay.outbox import Outbox
from skysentry_trio.server.relay.viewer import HubViewer
from tests.principals import make_guest

STATS = RingStatistics(size=1, capacity=16, frame_count=1, latest_at=0.0, fps=0.0)
IDS = ["a", "b", "c", "d"]


def delivery(camera_id: str, sequence: int = 1) -> Delivery:
    return Delivery(camera_id, JpegFrame(sequence, 0.0, None, b"jpeg", 4, 3), STATS)


@define
class FakePlayback:
    """Knows what a viewer plays back, and plays nothing."""

    played: set[str] = field(factory=set)

    def is_active(self, camera_id: str | None = None) -> bool:
        return bool(self.played) if camera_id is None else camera_id in self.played

    def forget(self, camera_id: str) -> None:
        self.played.discard(camera_id)

    def forget_all(self, *, except_of: Collection[str] = ()) -> None:
        self.played &= set(except_of)


def viewer_of(*camera_ids: str, max_fps: float | None = None) -> HubViewer:
    viewer = HubViewer(Outbox(8))
    viewer.select(camera_ids, Limits(max_fps))
    return viewer


def viewer_of_all(max_fps: float | None = None) -> HubViewer:
    viewer = HubViewer(Outbox(8))
    viewer.select_all(Limits(max_fps))
    return viewer


def followed_by(viewer: HubViewer) -> list[str]:
    return [camera_id for camera_id in IDS if viewer.follows(camera_id)]


async def take_all(viewer: HubViewer) -> list[str]:
    """Return the ids of all frames that wait."""
    camera_ids = []
    with trio.move_on_after(1):
        while True:
            taken = await viewer.outbox.receive()
            assert isinstance(taken, Delivery)
            camera_ids.append(taken.camera_id)
    return camera_ids


def offer_for(viewer: HubViewer, seconds: float, fps: float, camera_id: str = "a") -> int:
    """Offer frames at an even rate; return how many were let into the outbox."""
    before = viewer.outbox.rate_limited
    frames = round(seconds * fps)
    for index in range(frames):
        viewer.offer(delivery(camera_id), 100 + index / fps)
    return frames - (viewer.outbox.rate_limited - before)


async def test_a_viewer_begins_with_no_camera() -> None:
    """Until it says what it wants, a viewer follows nothing and gets nothing."""
    viewer = HubViewer(Outbox(8))
    viewer.offer(delivery("a"), 0.0)

    assert followed_by(viewer) == []
    assert viewer.outbox.waiting == {}


async def test_named_cameras_add_up() -> None:
    """Each choice of cameras adds to those before."""
    viewer = viewer_of("a")
    viewer.select(["b"])

    assert followed_by(viewer) == ["a", "b"]


async def test_the_wish_for_all_swallows_names() -> None:
    """All means all, those left out before included."""
    viewer = viewer_of("a")
    viewer.select_all()
    assert followed_by(viewer) == IDS

    viewer.deselect(["b"])
    assert followed_by(viewer) == ["a", "c", "d"]
    viewer.select_all()
    assert followed_by(viewer) == IDS


async def test_the_first_names_end_the_wish_for_all() -> None:
    """A viewer of all that names two cameras follows those two, exceptions of before forgotten."""
    viewer = viewer_of_all()
    viewer.deselect(["a"])
    viewer.select(["a", "b"])

    assert followed_by(viewer) == ["a", "b"]


async def test_cameras_can_be_left_out_one_by_one() -> None:
    """Leaving out what was never chosen changes nothing."""
    viewer = viewer_of("a", "b")
    viewer.deselect(["b", "c"])

    assert followed_by(viewer) == ["a"]


async def test_only_followed_cameras_reach_the_outbox(autojump_clock: MockClock) -> None:
    """A frame of another camera is not for this viewer, and is no drop either."""
    viewer = viewer_of("a")
    viewer.offer(delivery("a"), 0.0)
    viewer.offer(delivery("b"), 0.0)

    assert await take_all(viewer) == ["a"]
    assert (viewer.outbox.superseded, viewer.outbox.rate_limited) == (0, 0)


async def test_what_waits_of_a_camera_left_out_is_dropped(autojump_clock: MockClock) -> None:
    """After leaving a camera out no frame of it comes, not even one that waited."""
    viewer = viewer_of("a", "b")
    viewer.offer(delivery("a"), 0.0)
    viewer.offer(delivery("b"), 0.0)
    viewer.deselect(["a"])

    assert await take_all(viewer) == ["b"]
    assert viewer.outbox.rate_limited == 1


async def test_what_waits_of_others_is_dropped_when_names_end_the_wish_for_all(autojump_clock: MockClock) -> None:
    """A viewer of all that names one camera gets no more frames of others, not even those that waited."""
    viewer = viewer_of_all()
    viewer.offer(delivery("a"), 0.0)
    viewer.offer(delivery("b"), 0.0)
    viewer.select(["b"])

    assert await take_all(viewer) == ["b"]
    assert viewer.outbox.rate_limited == 1


@pytest.mark.parametrize(("fps", "max_fps", "expected"), [(60, 5, 50), (30, 10, 100), (10, 10, 100), (5, 10, 50)])
async def test_a_rate_is_kept_and_what_is_above_counted(fps: float, max_fps: float, expected: int) -> None:
    """Of a camera faster than wanted as many frames come as were asked for; of a slower one all."""
    viewer = viewer_of("a", max_fps=max_fps)

    assert offer_for(viewer, 10, fps) == pytest.approx(expected, abs=1)


async def test_each_camera_has_the_rate_by_itself() -> None:
    """Two cameras at five frames a second are ten frames."""
    viewer = viewer_of("a", "b", max_fps=5)

    assert offer_for(viewer, 10, 30, "a") == pytest.approx(50, abs=1)
    assert offer_for(viewer, 10, 30, "b") == pytest.approx(50, abs=1)


async def test_cameras_can_have_rates_of_their_own() -> None:
    """A rate holds for the cameras it was given with; none means no limit."""
    viewer = viewer_of("a", max_fps=1)
    viewer.select(["b"], Limits(10))
    viewer.select(["c"])

    assert [offer_for(viewer, 10, 30, camera_id) for camera_id in "abc"] == [
        pytest.approx(10, abs=1),
        pytest.approx(100, abs=1),
        300,
    ]


async def test_a_later_rate_replaces_the_one_before() -> None:
    """Naming a camera again changes its rate, at once and in both directions."""
    viewer = viewer_of("a", max_fps=1)
    assert offer_for(viewer, 10, 30) == pytest.approx(10, abs=1)
    viewer.select(["a"])
    assert offer_for(viewer, 10, 30) == 300
    viewer.select_all(Limits(5))
    assert offer_for(viewer, 10, 30) == pytest.approx(50, abs=1)


async def test_leaving_a_camera_out_forgets_its_rate() -> None:
    """Who comes back to a camera by asking for all has the rate of all."""
    viewer = viewer_of("a", max_fps=1)
    viewer.deselect(["a"])
    viewer.select_all()

    assert offer_for(viewer, 10, 30) == 300


CHOICES = st.lists(
    st.tuples(st.booleans(), st.none() | st.sets(st.sampled_from(IDS))).filter(lambda c: c[0] or c[1] is not None),
    max_size=20,
)


@given(choices=CHOICES)
def test_what_is_followed_is_what_was_chosen(choices: list[tuple[bool, set[str] | None]]) -> None:
    """After any choices a viewer follows what a plain set would hold, and only that is in its outbox."""

    async def play() -> None:
        viewer = HubViewer(Outbox(8))
        expected: set[str] = set()
        for wanted, camera_ids in choices:
            for camera_id in IDS:
                viewer.offer(delivery(camera_id), 0.0)
            if camera_ids is None:
                expected = set(IDS)
                viewer.select_all()
            elif wanted:
                expected = camera_ids if viewer.wants_all else expected | camera_ids
                viewer.select(camera_ids)
            else:
                expected = expected - camera_ids
                viewer.deselect(camera_ids)
            assert set(followed_by(viewer)) == expected
            assert viewer.outbox.waiting.keys() <= expected

    trio.run(play, clock=MockClock())


LIMITS = st.sampled_from([NO_LIMITS, Limits(max_fps=1.0)])
SELECTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("all"), st.none(), LIMITS),
        st.tuples(st.sampled_from(["select", "deselect", "play"]), st.sampled_from("abc"), LIMITS),
    ),
    max_size=6,
)


@given(actions=SELECTIONS, visible=st.one_of(st.none(), st.sets(st.sampled_from("abc"))))
def test_no_filter_can_be_bypassed(actions: list[tuple[str, str | None, Limits]], visible: set[str] | None) -> None:
    """Where frames go directly into the outbox, the viewer itself would have let every one of them pass."""
    viewer = HubViewer(Outbox(8), principal=ANYONE if visible is None else make_guest(*visible))
    viewer.playback = playback = FakePlayback()
    for action, camera_id, limits in actions:
        match action, camera_id:
            case "all", _:
                viewer.select_all(limits, visible or ())
            case "select", str() if visible is None or camera_id in visible:
                viewer.select([camera_id], limits)
            case "deselect", str():
                viewer.deselect([camera_id])
            case "play", str() if viewer.follows(camera_id):
                playback.played.add(camera_id)

    async def play() -> None:
        for camera_id in "abc":
            if viewer.outbox in (viewer.receiver(camera_id), viewer.receiver(None)):
                assert visible is None or camera_id in visible
                # Twice at once: a rate limit would let only one of them pass.
                for sequence in (2, 3):
                    viewer.offer(delivery(camera_id, sequence), trio.current_time())
                    assert await take_all(viewer) == [camera_id]

    trio.run(play, clock=MockClock(autojump_threshold=0))
