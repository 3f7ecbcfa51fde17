"""Makes frames small enough for a server that refuses large ones."""

from __future__ import annotations

import math

from attrs import define, field

DEFAULT_LIMIT = 5 * 1024 * 1024
"""Bytes; the limit of a server that does not state one."""
_HEADROOM = 0.9
_DEEPEST_CUT = 0.25
_LEAST_SHARE = 0.0025
_STEP = 1.2
_ROOMY = 0.6
"""A frame below this share of the limit leaves room for a step up."""
_PATIENCE = 5.0
"""Seconds after a change before a step up is tried."""
_WIDTH_STEPS = 64


@define(eq=False)
class FrameSizeGuard:
    """Admits frames up to a limit in bytes, and computes a factor for the width so that the next frames fit.

    ``frontend/src/core/capture/frame-size.ts`` is the same guard in TypeScript.
    """

    limit: int = DEFAULT_LIMIT
    """Maximum size of a frame in bytes."""
    _share: float = field(default=1.0, init=False)
    """The share of the wanted bytes that fits."""
    _changed_at: float = field(default=-math.inf, init=False)

    @property
    def width_factor(self) -> float:
        """The factor for the wanted width."""
        # The bytes of a JPEG are about proportional to the square of its width. The steps keep the size steady.
        return max(1, math.floor(math.sqrt(self._share) * _WIDTH_STEPS + 1e-9)) / _WIDTH_STEPS

    def admits(self, size: int, now: float) -> bool:
        """Return whether a frame of this many bytes may be sent; `width_factor` follows the size of the frames.

        Args:
            size: the bytes of the frame.
            now: monotonic seconds.
        """
        if size > self.limit:
            self._share = max(_LEAST_SHARE, self._share * max(_DEEPEST_CUT, _HEADROOM * self.limit / size))
            self._changed_at = now
            return False
        if self._share < 1 and size < _ROOMY * self.limit and now - self._changed_at >= _PATIENCE:
            self._share = min(1.0, self._share * _STEP)
            self._changed_at = now
        return True
