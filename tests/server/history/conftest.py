"""A folder that is recorded in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.history.helpers import OpenFolder


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[OpenFolder]:
    folder = OpenFolder(tmp_path / "history")
    yield folder
    folder.close()
