"""What tests of several endpoints share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from skysentry_trio.server.http import mjpeg, snapshots
from skysentry_trio.server.relay.camera import HubCamera
from tests.server.history.helpers import OpenFolder, frames
from tests.server.websocket.fakes import ABSENT


@pytest.fixture
def quick_pencil(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing for cameras that are absent: a thread knows no virtual time."""

    async def draw(_camera_id: str, _camera: HubCamera | None) -> bytes:
        await trio.lowlevel.checkpoint()
        return ABSENT

    for endpoint in (mjpeg, snapshots):
        monkeypatch.setattr(endpoint, "draw_absence", draw)


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[OpenFolder]:
    """Two minutes of the camera ``door`` at one frame a second, from noon on, and ten seconds of ``yard``."""
    opened = OpenFolder(tmp_path)
    opened.record("door", frames(120, fps=1))
    opened.record("yard", frames(10, fps=1))
    yield opened
    opened.close()
