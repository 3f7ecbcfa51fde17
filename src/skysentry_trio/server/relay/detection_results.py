"""Send detection results to the viewers of their camera, or to the server that has the camera.

No method awaits, so each of them is atomic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import define, field

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.relay.audience import Audience
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.camera_registry import CameraRegistry
from skysentry_trio.server.relay.notices import ResultNotice
from skysentry_trio.server.relay.notifier import ViewerNotifier
from skysentry_trio.wire.results import Box


@define(eq=False)
class DetectionResults:
    """Sends each detection result to the viewers, and marks it on the camera's timeline."""

    _cameras: CameraRegistry
    _audience: Audience
    _notifier: ViewerNotifier
    on_found: Callable[[HubCamera, JpegFrame, Sequence[Box]], None] = field(
        default=lambda _camera, _frame, _boxes: None, init=False, repr=False
    )
    """Called with the boxes of a detection result and their frame, if the ring still has the frame; must not raise."""

    def publish(self, camera_id: str, sequence: int, message: bytes, *, boxes: Sequence[Box] = ()) -> int:
        """Send a detection result to the viewers of a camera.

        A result for a camera of another server goes to that server, from where it comes back for the viewers here.

        Args:
            camera_id: id of the camera.
            sequence: sequence of the frame in which the result was found.
            message: the encoded message for viewers.
            boxes: of the result; with one or more, the result has a mark on the camera's timeline.

        Returns:
            The number of viewers that get the result.

        Raises:
            ProtocolViolation: the hub does not know the camera, or the camera has sent no frame with this sequence.
        """
        camera = self._find(camera_id)
        source = None if camera.session is None else camera.session.source
        if source is not None and not camera.sequence:
            # Only the other server knows which frames there are.
            source.send_result(message)
            return 0
        if not 1 <= sequence <= camera.sequence:
            raise ProtocolViolation(
                f"camera {camera_id} has sent frames 1 to {camera.sequence}, got a result for {sequence}", "no-frame"
            )
        if source is None:
            return self._show(camera, sequence, message, boxes)
        if boxes:
            camera.mark_result(sequence)
        source.send_result(message)
        return self._audience.count_everywhere(camera_id)

    def show(self, camera_id: str, sequence: int, message: bytes, boxes: Sequence[Box]) -> None:
        """Send a result, which the other server that has the camera has sent, to the viewers here.

        Raises:
            ProtocolViolation: the hub does not know the camera.
        """
        self._show(self._find(camera_id), sequence, message, boxes)

    def _find(self, camera_id: str) -> HubCamera:
        camera = self._cameras.get(camera_id)
        if camera is None:
            raise ProtocolViolation(f"there is no camera {camera_id}", "not-found")
        return camera

    def _show(self, camera: HubCamera, sequence: int, message: bytes, boxes: Sequence[Box]) -> int:
        """Send a result to the viewers here; return their number, with those at further servers."""
        if boxes:
            camera.mark_result(sequence)
            frame = camera.ring.up_to(sequence)
            if frame is not None and frame.sequence == sequence:
                self.on_found(camera, frame, boxes)
        here = self._notifier.send_result(ResultNotice(camera.id, sequence, message))
        return here + self._audience.count_further(camera.id)
