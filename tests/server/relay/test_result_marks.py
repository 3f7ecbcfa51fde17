"""When something was found in a camera's frames."""

from __future__ import annotations

from skysentry_trio.server.relay.result_marks import ResultMarks


def marked(*times: float, oldest: float = 0.0) -> list[tuple[float, float]]:
    """Return the marks of findings at these times."""
    marks = ResultMarks()
    for time in times:
        marks.add(time, oldest)
    return marks.since(oldest)


def test_findings_that_follow_each_other_are_one_mark() -> None:
    """Two seconds without a finding end a mark."""
    assert marked(1.0, 1.5, 3.5, 5.6, 6.0) == [(1.0, 3.5), (5.6, 6.0)]


def test_a_late_result_joins_the_marks_around_its_frame() -> None:
    """Detectors do not finish in order."""
    assert marked(5.0, 1.0) == [(1.0, 1.0), (5.0, 5.0)]
    assert marked(5.0, 1.0, 3.0) == [(1.0, 5.0)]
    assert marked(5.0, 9.0, 7.5) == [(5.0, 5.0), (7.5, 9.0)]
    assert marked(1.0, 3.0, 2.0) == [(1.0, 3.0)]


def test_marks_of_dropped_frames_go() -> None:
    """A mark of which some frames are left stays."""
    marks = ResultMarks()
    for time in (1.0, 10.0, 11.0, 20.0):
        marks.add(time, 0.0)
    assert marks.since(10.5) == [(10.0, 11.0), (20.0, 20.0)]
    marks.add(30.0, 15.0)
    assert marks.since(0.0) == [(20.0, 20.0), (30.0, 30.0)]


def test_there_are_at_most_a_hundred_marks() -> None:
    """Of more, those that are closest to each other become one, so that no finding disappears."""
    times = [10.0 * number for number in range(100)]
    assert len(marked(*times)) == 100
    assert marked(*times, 993.0, 1010.0)[-2:] == [(990.0, 993.0), (1010.0, 1010.0)]
