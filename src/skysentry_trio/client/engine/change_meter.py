"""Measure how much a camera's picture changes. `frontend/src/core/capture/change-meter.ts` measures the same."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

from attrs import define, field
from PIL import Image, ImageChops

from skysentry_trio.wire.capture import PictureMeasure

_AGE: Final = 0.4
"""Seconds by which the picture that a picture is compared with is older, at least."""
_DIFFERENT: Final = 12
"""Levels of grey of 255 by which a point differs that has changed; the noise of a camera is far below."""
_STILL: Final = 8
"""Levels of grey by which a point of a still picture differs, at most."""
_MIDDLE: Final = 128


@define(eq=False)
class ChangeMeter:
    """Compares small grey pictures of one size; times are in seconds of the monotonic clock."""

    _earlier: deque[tuple[float, Image.Image]] = field(factory=deque, init=False, repr=False)
    """The newest picture that is old enough, and all newer ones."""

    def measure(self, picture: Image.Image, now: float) -> PictureMeasure:
        """Return the change since about half a second ago, the brightness and the contrast."""
        earlier = self._earlier
        while len(earlier) > 1 and earlier[1][0] <= now - _AGE:
            earlier.popleft()
        change = None if not earlier else _change(earlier[0][1], picture)
        earlier.append((now, picture))
        counts = picture.histogram()
        total = sum(counts)
        mean = sum(level * count for level, count in enumerate(counts)) / total
        variance = sum((level - mean) ** 2 * count for level, count in enumerate(counts)) / total
        return PictureMeasure(change, round(mean, 1), round(math.sqrt(variance), 1))


def looks_same(before: Image.Image, after: Image.Image) -> bool:
    """Return whether no point has changed, and neither has the light."""
    counts = ImageChops.difference(before, after).histogram()
    return not any(counts[_STILL + 1 :])


def _change(before: Image.Image, after: Image.Image) -> float:
    """Return the share of the points that have changed, apart from a change of the light in the whole picture."""
    # Each point of this is the difference of two points and 128.
    counts = ImageChops.subtract(after, before, 1, _MIDDLE).histogram()
    total, seen, median = sum(counts), 0, 0
    for level, count in enumerate(counts):
        seen += count
        if 2 * seen >= total:
            median = level
            break
    changed = sum(count for level, count in enumerate(counts) if abs(level - median) > _DIFFERENT)
    return round(changed / total, 4)
