"""What tests of several endpoints share."""

from __future__ import annotations

import pytest
import trio

from skysentry_trio.server.http import mjpeg, snapshots
from skysentry_trio.server.relay.camera import HubCamera
from tests.server.websocket.fakes import ABSENT


@pytest.fixture
def quick_pencil(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing for cameras that are absent: a thread knows no virtual time."""

    async def draw(_camera_id: str, _camera: HubCamera | None) -> bytes:
        await trio.lowlevel.checkpoint()
        return ABSENT

    for endpoint in (mjpeg, snapshots):
        monkeypatch.setattr(endpoint, "draw_absence", draw)
