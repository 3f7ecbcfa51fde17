"""The later frames of a timeline are what is left if the others are taken away."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.frames import FrameRing, JpegFrame
from skysentry_trio.base.timeline import LaterFrames


def ring_of(times: list[float], first: int = 1) -> FrameRing:
    ring = FrameRing(100)
    for number, time in enumerate(times, first):
        ring.append(JpegFrame(number, time, None, b"x", 1, 1, time))
    return ring


@given(
    st.lists(st.integers(1, 20), max_size=8).map(sorted),
    st.integers(1, 21).map(float),
    st.integers(0, 22),
)
def test_frames_before_a_moment_do_not_exist(times: list[int], begin: float, number: int) -> None:
    """Each look-up returns the same as in a ring that has never had them."""
    whole = ring_of([float(time) for time in times])
    later = [time for time in times if time >= begin]
    expected = ring_of([float(time) for time in later], 1 + len(times) - len(later))
    seen = LaterFrames(whole, begin)

    def sequences(timeline: FrameRing | LaterFrames[JpegFrame]) -> list[int | None]:
        found = [
            timeline.oldest,
            timeline.newest,
            timeline.at(number),
            timeline.back(number, 22.0),
            timeline.after(number),
            timeline.up_to(number),
        ]
        return [None if one is None else one.sequence for one in found]

    # Of several frames with the moment itself, the oldest is the last one: times of real frames differ.
    if times.count(int(begin)) <= 1:
        assert sequences(seen) == sequences(expected)
