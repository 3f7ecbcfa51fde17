"""Where a playback is at which moment: forwards, backwards, at any speed, in a ring that goes on changing."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

import pytest
from attrs import define, frozen
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.frames import FrameRing, JpegFrame
from skysentry_trio.base.timeline import Mark, Timeline
from skysentry_trio.server.relay.playback import PlaybackCursor, find_start

EPOCH = 1_700_000_000.0
EDGE = 1e-9


def frame_at(sequence: int, arrived: float) -> JpegFrame:
    return JpegFrame(sequence, EPOCH + arrived, None, b"jpeg", 4, 3, arrived)


def ring_of(arrivals: Iterable[float], capacity: int = 1000) -> FrameRing:
    """Return a ring of frames that arrived then, with sequences from 1."""
    ring = FrameRing(capacity)
    for sequence, arrived in enumerate(arrivals, 1):
        ring.append(frame_at(sequence, arrived))
    return ring


@frozen
class StoredMark:
    """Where a frame is that is not in memory."""

    sequence: int
    arrived: float

    @property
    def received_at(self) -> float:
        return EPOCH + self.arrived


@define
class StoredTimeline:
    """Frames that are not in memory, found by looking at all of them."""

    marks: list[StoredMark]

    @property
    def oldest(self) -> StoredMark | None:
        return next(iter(self.marks), None)

    @property
    def newest(self) -> StoredMark | None:
        return next(reversed(self.marks), None)

    def at(self, timestamp: float) -> StoredMark | None:
        return self._last(mark for mark in self.marks if mark.received_at <= timestamp)

    def back(self, seconds: float, now: float) -> StoredMark | None:
        return self._last(mark for mark in self.marks if mark.arrived <= now - seconds)

    def after(self, sequence: int) -> StoredMark | None:
        return next((mark for mark in self.marks if mark.sequence > sequence), None)

    def up_to(self, sequence: int) -> StoredMark | None:
        return self._last(mark for mark in self.marks if mark.sequence <= sequence)

    def _last(self, found: Iterable[StoredMark]) -> StoredMark | None:
        return next(iter(deque(found, maxlen=1)), None)


def start(
    ring: Timeline[Mark], sequence: int, speed: float, now: float = 100.0, max_fps: float | None = None
) -> PlaybackCursor:
    frame = ring.up_to(sequence)
    assert frame is not None
    return PlaybackCursor.start(ring, frame, speed, now, max_fps)


def play(playback: PlaybackCursor, ring: Timeline[Mark], steps: int = 1000) -> list[tuple[float, int]]:
    """Step whenever it is due; return when each frame was shown."""
    shown: list[tuple[float, int]] = []
    while playback.due < math.inf and len(shown) < steps:
        now = playback.due
        frame = playback.step(ring, now)
        if frame is not None:
            shown.append((round(now, 6), frame.sequence))
    return shown


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"at": EPOCH + 2.5}, 2),
        ({"at": EPOCH + 9}, 3),
        ({"at": EPOCH}, 1),
        ({"back": 0.0}, 3),
        ({"back": 2.4}, 2),
        ({"back": 60.0}, 1),
        ({"sequence": 2}, 2),
        ({"sequence": 0}, 1),
        ({"sequence": 99}, 3),
        ({}, 3),
    ],
)
def test_a_playback_begins_with_what_was_live_then(where: dict[str, float], found: int) -> None:
    """What was asked for by time or number is the newest frame of that moment, and never beyond the ring's ends."""
    ring = ring_of([1.0, 2.0, 3.0])
    frame = find_start(ring, 4.4, **where)  # type: ignore[arg-type]

    assert frame is not None
    assert frame.sequence == found


def test_an_empty_ring_has_nothing_to_begin_with() -> None:
    """A camera that has sent no frame cannot be played back."""
    assert find_start(FrameRing(3), 4.0, back=1.0) is None


def test_frames_are_shown_at_the_distances_at_which_they_came() -> None:
    """At speed 1 everything happens again as it happened; at the newest frame the playback has become live."""
    ring = ring_of([1.0, 1.2, 2.0, 5.0])
    playback = start(ring, 1, 1.0)

    assert play(playback, ring) == [(100.2, 2), (101.0, 3), (104.0, 4)]
    assert (playback.live, playback.sequence, playback.received_at) == (True, 4, EPOCH + 5)


@pytest.mark.parametrize(("speed", "duration"), [(0.25, 16.0), (2.0, 2.0), (16.0, 0.25)])
def test_the_speed_divides_the_distances(speed: float, duration: float) -> None:
    """Twice as fast takes half of the time."""
    ring = ring_of([1.0, 5.0])

    assert play(start(ring, 1, speed), ring) == [(100.0 + duration, 2)]


def test_backwards_shows_each_frame_when_its_time_is_reached_and_stops_at_the_oldest() -> None:
    """The distances are the same from the other side; at the end the last frame stays."""
    ring = ring_of([1.0, 1.2, 2.0, 5.0])
    playback = start(ring, 4, -2.0)

    assert play(playback, ring) == [(101.5, 3), (101.9, 2), (102.0, 1)]
    assert (playback.live, playback.speed, playback.sequence) == (False, 0.0, 1)


@pytest.mark.parametrize(("sequence", "speed"), [(4, 1.0), (4, 0.5)])
def test_a_playback_that_begins_at_the_newest_frame_is_live(sequence: int, speed: float) -> None:
    """There is nothing to play."""
    assert start(ring_of([1.0, 2.0, 3.0, 4.0]), sequence, speed).live


@pytest.mark.parametrize("sequence", [1, 2, 4])
def test_standing_still_waits_for_nothing(sequence: int) -> None:
    """Speed 0 is never due and never live, not even on the newest frame."""
    playback = start(ring_of([1.0, 2.0, 3.0, 4.0]), sequence, 0.0)

    assert (playback.due, playback.live, playback.sequence) == (math.inf, False, sequence)


def test_a_playback_that_begins_at_the_oldest_frame_cannot_go_back() -> None:
    """The playback stands still at once."""
    playback = start(ring_of([1.0, 2.0]), 1, -1.0)

    assert (playback.due, playback.live, playback.speed) == (math.inf, False, 0.0)


@pytest.mark.parametrize("speed", [16.0, -16.0, 60.0, -60.0])
def test_a_fast_playback_leaves_frames_out_and_keeps_its_speed(speed: float) -> None:
    """Never more than 60 frames a second, and yet 10 s pass in 10/16 s or 10/60 s, to the last frame."""
    ring = ring_of(index / 30 for index in range(301))
    playback = start(ring, 1 if speed > 0 else 301, speed)
    shown = play(playback, ring)

    assert shown[-1][1] == (301 if speed > 0 else 1)
    assert shown[-1][0] == pytest.approx(100 + 10 / abs(speed), abs=1 / 60 + EDGE)
    assert len(shown) <= 60 * 10 / abs(speed) + 1


def test_the_viewers_own_rate_holds_for_playbacks_too() -> None:
    """Who asked for two frames a second gets no more."""
    ring = ring_of(index / 30 for index in range(301))
    playback = start(ring, 1, 1.0, max_fps=2.0)
    moments = [now for now, _ in play(playback, ring)]

    assert moments[:3] == [100.5, 101.0, 101.5]
    assert len(moments) == 20


def test_a_step_that_comes_late_goes_further() -> None:
    """When the server was busy for a second, the playback does not lag behind for ever."""
    ring = ring_of(range(1, 11))
    playback = start(ring, 1, 1.0)

    frame = playback.step(ring, 103.5)
    assert frame is not None
    assert (frame.sequence, playback.due) == (4, 104.0)


def test_a_playback_that_is_slower_than_the_camera_is_pushed_on_by_the_ring() -> None:
    """What was let go meanwhile is left out: the playback goes on from the oldest frame, and never gets stuck."""
    ring = ring_of(range(90, 100), capacity=10)
    playback = start(ring, 1, 0.1, now=99.0)
    shown = []
    for sequence in range(11, 61):
        arrived = 89.0 + sequence
        while playback.due <= arrived:
            frame = playback.step(ring, playback.due)
            assert frame is not None
            shown.append(frame.sequence)
        ring.append(frame_at(sequence, arrived))

    assert shown == [10, 20, 30, 40, 50]
    assert not playback.live


def test_a_backwards_playback_whose_way_is_gone_stops() -> None:
    """Everything older than the frame shown was let go before it was reached."""
    ring = ring_of(range(1, 11), capacity=10)
    playback = start(ring, 3, -0.1)
    for sequence in range(11, 20):
        ring.append(frame_at(sequence, float(sequence)))

    assert playback.step(ring, playback.due) is None
    assert (playback.speed, playback.due, playback.sequence, playback.live) == (0.0, math.inf, 3, False)


def test_a_backwards_playback_goes_past_what_is_still_there() -> None:
    """A late step that would lead beyond the oldest frame ends with that."""
    ring = ring_of(range(1, 11))
    playback = start(ring, 5, -1.0)

    frame = playback.step(ring, 150.0)
    assert frame is not None
    assert (frame.sequence, playback.speed) == (1, 0.0)


def test_after_a_break_a_playback_goes_on_from_where_it_was() -> None:
    """The break does not count as time that was played."""
    ring = ring_of(range(1, 11))
    playback = start(ring, 2, 1.0)
    playback.step(ring, 101.0)

    frame = playback.resume(ring, 500.0)
    assert frame is not None
    assert (frame.sequence, playback.due) == (3, 501.0)


def test_after_a_break_a_playback_whose_frame_is_gone_goes_on_from_the_oldest() -> None:
    """And without any frame it is live."""
    ring = ring_of(range(1, 11), capacity=10)
    playback = start(ring, 2, 0.0)
    for sequence in range(11, 16):
        ring.append(frame_at(sequence, float(sequence)))

    frame = playback.resume(ring, 500.0)
    assert frame is not None
    assert (frame.sequence, playback.sequence, playback.received_at) == (6, 6, EPOCH + 6)
    forwards = start(ring, 7, 1.0)
    assert forwards.resume(FrameRing(3), 500.0) is None
    assert forwards.live


@given(
    arrivals=st.sets(st.integers(0, 500), min_size=1, max_size=30).map(sorted),
    speed=st.sampled_from([-60.0, -1.0, -0.3, 0.0, 0.3, 1.0, 60.0]),
    back=st.integers(0, 60),
)
def test_frames_that_are_not_in_memory_play_as_those_of_a_ring(arrivals: list[int], speed: float, back: int) -> None:
    """The cursor needs of a timeline no more than the look-ups, and shows the same frames at the same times."""
    ring = ring_of(tenth / 10 for tenth in arrivals)
    stored = StoredTimeline([StoredMark(frame.sequence, frame.arrived) for frame in ring])
    timelines: list[Timeline[Mark]] = [ring, stored]
    shown = []
    for timeline in timelines:
        first = find_start(timeline, 50.0, back=back)
        assert first is not None
        cursor = PlaybackCursor.start(timeline, first, speed, 100.0)
        resumed = cursor.resume(timeline, 100.0)
        assert resumed is first
        shown.append((first.sequence, play(cursor, timeline), cursor.live, cursor.speed))
    assert shown[0] == shown[1]


@given(
    distances=st.lists(st.floats(1e-6, 60), min_size=1, max_size=40),
    speed=st.floats(0.01, 60).flatmap(lambda speed: st.sampled_from([speed, -speed])),
    first=st.integers(1, 41),
    capacity=st.integers(1, 41),
    comings=st.lists(st.floats(1e-6, 60), max_size=20),
)
def test_whatever_the_ring_does_a_playback_comes_to_an_end(
    distances: list[float], speed: float, first: int, capacity: int, comings: list[float]
) -> None:
    """Frames follow each other in one direction, no two within 1/60 s, until the playback is live or stands still."""
    arrivals = [1000.0]
    for distance in distances:
        arrivals.append(arrivals[-1] + distance)
    ring = ring_of(arrivals, capacity)
    now = arrivals[-1]
    oldest = ring.oldest
    assert oldest is not None
    playback = start(ring, max(first, oldest.sequence), speed, now)
    coming = iter([now + sum(comings[: index + 1]) for index in range(len(comings))])
    sequence, arrival = len(arrivals), next(coming, math.inf)
    shown, shown_at = [playback.sequence], now
    for _ in range(2000):
        if min(playback.due, arrival) == math.inf:
            break
        if arrival <= playback.due:
            sequence += 1
            ring.append(frame_at(sequence, arrival))
            arrival = next(coming, math.inf)
            continue
        now = playback.due
        frame = playback.step(ring, now)
        if frame is not None:
            assert frame in list(ring)
            assert now >= shown_at + 1 / 60 - EDGE
            shown.append(frame.sequence)
            shown_at = now
    assert playback.live or playback.speed == 0
    assert shown == sorted(set(shown), reverse=speed < 0)
