"""What holds for all tests."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

from hypothesis import settings

# A server that a test starts must neither find the rules of the person who runs the tests, nor change them.
_state = tempfile.mkdtemp(prefix="skysentry-state-")
os.environ["XDG_STATE_HOME"] = _state
os.environ.pop("STATE_DIRECTORY", None)
atexit.register(shutil.rmtree, _state, ignore_errors=True)

# Examples are not timed: on a busy machine any of them may be slow for a moment.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
