"""Send notices to the viewers that a change of a camera, or a detection result, concerns."""

from __future__ import annotations

from collections.abc import Collection

from attrs import define, field

from skysentry_trio.server.relay.audience import Audience
from skysentry_trio.server.relay.batches import Batches
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.notices import ResultNotice
from skysentry_trio.server.relay.viewer import HubViewer


@define(eq=False)
class ViewerNotifier:
    """Puts each notice into all outboxes at once, and wakes a few viewers at a time to send it."""

    _viewers: Collection[HubViewer]
    _audience: Audience
    _waiting: Batches[HubViewer] = field(factory=lambda: Batches(_send_notice), init=False, repr=False)
    """Viewers for which notices wait."""

    def notify(self, camera: HubCamera) -> None:
        """Tell the viewers that follow a camera, or asked for notices about it, how the camera is now."""
        notice = camera.notice()
        concerned = [
            viewer for viewer in self._viewers if viewer.is_notified_about(camera.id) or viewer.follows(camera.id)
        ]
        for viewer in concerned:
            viewer.outbox.notify(notice)
        self._waiting.add(concerned)

    def send_result(self, notice: ResultNotice) -> int:
        """Send a detection result to the viewers that get the camera's frames now; return their number."""
        concerned = list(self._audience.receiving(notice.camera_id))
        for viewer in concerned:
            viewer.outbox.notify_result(notice)
        self._waiting.add(concerned)
        return len(concerned)

    async def run(self) -> None:
        """Wake the viewers that were left out at first; never returns."""
        await self._waiting.run()


def _send_notice(viewer: HubViewer) -> None:
    viewer.outbox.send_notice()
