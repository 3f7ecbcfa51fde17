"""Ranges of time whose recordings are kept."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.exceptions import ConfigurationError, ProtocolViolation
from skysentry_trio.server.history import protections
from skysentry_trio.server.history.folder import HistoryFolder
from skysentry_trio.server.history.protections import Protections, Range, cut, merge
from tests.clocks import NOON
from tests.server.history.helpers import OpenFolder, frames

RANGES = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda pair: Range(min(pair), max(pair))))


def covered(ranges: list[Range], halves: int) -> set[int]:
    """Return the halves of seconds that lie inside a range."""
    return {half for half in range(halves) if any(one.begin < half / 2 < one.end for one in ranges)}


@given(RANGES)
def test_merged_ranges_cover_the_same_time(ranges: list[Range]) -> None:
    """They are in order, and do not touch."""
    merged = merge(ranges)

    assert covered(merged, 102) >= covered(ranges, 102)
    assert all(before.end < after.begin for before, after in pairwise(merged))


@given(RANGES, st.integers(0, 50), st.integers(0, 50))
def test_a_cut_leaves_the_rest(ranges: list[Range], begin: int, length: int) -> None:
    """Nothing inside the cut is covered any more, and everything outside as before."""
    left = cut(merge(ranges), begin, begin + length)

    inside = {half for half in range(202) if begin < half / 2 < begin + length}
    edges = {2 * begin, 2 * (begin + length)}
    assert covered(left, 202) - edges == covered(merge(ranges), 202) - inside - edges


def test_ranges_are_found_again(tmp_path: Path) -> None:
    """What was protected is protected after a restart; a camera without ranges has no file."""
    before = Protections(tmp_path)
    before.add("door", NOON, NOON + 10)
    before.add("yard", NOON, NOON + 10)
    before.remove("yard", 0, NOON + 60)

    after = Protections.read(tmp_path)

    assert after.of("door") == [(NOON, NOON + 10)]
    assert after.of("yard") == []
    assert not (tmp_path / "yard" / "protected.json").exists()


@pytest.mark.parametrize("content", [b"{}", b"nothing", b'{"protected": [{"begin": "2026-11-29T12:00:00", "end": 5}]}'])
def test_a_damaged_file_is_not_ignored(tmp_path: Path, content: bytes) -> None:
    """The server does not start, because it would delete what the file protects; later it does."""
    path = tmp_path / "door" / "protected.json"
    path.parent.mkdir()
    path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=f"{path} is damaged"):
        HistoryFolder.open(tmp_path, writing=True)
    path.unlink()
    HistoryFolder.open(tmp_path, writing=True).close()


def test_a_camera_has_a_bounded_number_of_ranges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is refused, whether it is added or is the rest of a cut; the ranges stay as they were."""
    monkeypatch.setattr(protections, "MOST_RANGES", 2)
    kept = Protections(tmp_path)
    kept.add("door", 0, 10)
    kept.add("door", 20, 30)

    with pytest.raises(ProtocolViolation, match="2 protected ranges, which is the limit"):
        kept.add("door", 40, 50)
    with pytest.raises(ProtocolViolation, match="2 protected ranges, which is the limit"):
        kept.remove("door", 4, 5)

    assert kept.of("door") == [(0, 10), (20, 30)]


def test_protection_outlives_the_index(opened: OpenFolder) -> None:
    """An index that is made again knows which files are protected, and so does the end of an open file."""
    opened.record("door", frames(120, fps=1))
    count = opened.folder.protect("door", NOON + 119, NOON + 200)
    opened.close()
    for path in opened.path.glob("@index.sqlite3*"):
        path.unlink()

    opened.__init__(opened.path)  # type: ignore[misc]

    assert count == 0
    assert [one.protected for one in opened.folder.index.segments("door")][-1]
    assert opened.folder.unprotect("door") == 0
