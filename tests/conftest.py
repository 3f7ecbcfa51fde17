"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# Examples are not timed: on a busy machine any of them may be slow for a moment.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
