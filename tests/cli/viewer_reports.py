"""What `watch` shows in tests: a report with a camera that sends, and one that has sent nothing yet."""

from __future__ import annotations

from typing import Final

from skysentry_trio.client.engine.camera_watch import CameraView
from skysentry_trio.client.engine.viewer import ViewerReport
from skysentry_trio.wire.viewer import CameraLatency

DOOR: Final = CameraView(
    camera_id="front-door",
    online=True,
    frames=300,
    nbytes=6_000_000,
    fps=14.96,
    bytes_per_second=299_500.0,
    width=640,
    height=360,
    age=0.0123,
    silent=0.05,
    gaps=2,
    latency=CameraLatency("front-door", 15, 20.4, 1.4, 9.1, 30.9),
)
NEW: Final = CameraView("yard", True, 0, 0, 0.0, 0.0, None, None, None, None, 0)
REPORT: Final = ViewerReport("http://h:8080", "live", None, (DOOR, NEW), 1)
