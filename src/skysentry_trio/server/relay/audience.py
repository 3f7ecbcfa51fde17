"""Index the viewers by the cameras they watch, so that publishing a frame skips viewers of other cameras."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain

from attrs import define, field

from skysentry_trio.base.demand import NO_LIVE_FRAMES
from skysentry_trio.server.relay.viewer import FrameReceiver, HubViewer


@define(eq=False)
class Audience:
    """Viewers that are not paused, each with the receiver of its frames; without those that want no live frames.

    Viewers that take no frames count, but are not among those to whom frames are offered: each frame would cost as much
    as with a viewer, also if nobody watches.

    Before the subscription of a viewer changes, the hub calls `leave`; after the change, the hub calls `enter`.
    """

    of_all: dict[HubViewer, FrameReceiver] = field(factory=dict, init=False, repr=False)
    """Viewers that want all cameras, or all cameras except some."""
    of: dict[str, dict[HubViewer, FrameReceiver]] = field(factory=dict, init=False, repr=False)
    """Viewers that named a camera, by the camera's id."""
    _silent_of_all: dict[HubViewer, FrameReceiver] = field(factory=dict, init=False, repr=False)
    """As `of_all`, for viewers that take no frames."""
    _silent_of: dict[str, dict[HubViewer, FrameReceiver]] = field(factory=dict, init=False, repr=False)
    """As `of`, for viewers that take no frames."""
    _links: dict[HubViewer, None] = field(factory=dict, init=False, repr=False)
    """Other servers, which pass frames on to their viewers."""
    # By camera id: how many of `of_all` do not want this camera.
    _exceptions: Counter[str] = field(factory=Counter, init=False, repr=False)

    def enter(self, viewer: HubViewer) -> None:
        """Add a viewer unless it is paused."""
        if viewer.paused:
            return
        if viewer.own_only:
            self._links[viewer] = None
        of_all, of = self._maps_for(viewer)
        if viewer.wants_all:
            of_all[viewer] = viewer.receiver(None)
            if viewer.takes_frames:
                self._exceptions.update(viewer.named)
        else:
            for camera_id in viewer.named:
                if viewer.limits(camera_id) != NO_LIVE_FRAMES:
                    of.setdefault(camera_id, {})[viewer] = viewer.receiver(camera_id)

    def enter_camera(self, viewer: HubViewer, camera_id: str) -> None:
        """Add a viewer that has entered to the viewers of one more camera, which has just been added to `named`."""
        if not viewer.paused:
            _, of = self._maps_for(viewer)
            of.setdefault(camera_id, {})[viewer] = viewer.receiver(camera_id)

    def leave(self, viewer: HubViewer) -> None:
        """Remove a viewer, whose subscription must not have changed since `enter`."""
        if viewer.paused:
            return
        self._links.pop(viewer, None)
        of_all, of = self._maps_for(viewer)
        if viewer.wants_all:
            del of_all[viewer]
            if not viewer.takes_frames:
                return
            # This takes time only for the cameras of this viewer; `-=` would look at the exceptions of all viewers.
            self._exceptions.subtract(viewer.named)
            for camera_id in viewer.named:
                if not self._exceptions[camera_id]:
                    del self._exceptions[camera_id]
        else:
            for camera_id in viewer.named:
                if viewer in (of_it := of.get(camera_id, {})):
                    del of_it[viewer]
                    if not of_it:
                        del of[camera_id]

    def _maps_for(
        self, viewer: HubViewer
    ) -> tuple[dict[HubViewer, FrameReceiver], dict[str, dict[HubViewer, FrameReceiver]]]:
        return (self.of_all, self.of) if viewer.takes_frames else (self._silent_of_all, self._silent_of)

    def note_playbacks(self, viewer: HubViewer, camera_id: str) -> None:
        """Update a viewer's receiver after a playback of a camera that the viewer follows has begun or ended."""
        if viewer in self.of_all:
            self.of_all[viewer] = viewer.receiver(None)
        elif viewer in (of_it := self.of.get(camera_id, {})):
            of_it[viewer] = viewer.receiver(camera_id)

    def count(self, camera_id: str) -> int:
        """Return the number of viewers that need this camera's frames, here and at other servers."""
        return self.count_everywhere(camera_id) + sum(1 for _ in self._silent(camera_id))

    def count_everywhere(self, camera_id: str) -> int:
        """Return the number of viewers that get this camera's frames, here and from other servers."""
        return self.count_receiving(camera_id) + self.count_further(camera_id)

    def count_further(self, camera_id: str) -> int:
        """Return the number of viewers at other servers, each of which counts as one viewer here already."""
        return sum(link.passes_on.get(camera_id, 1) - 1 for link in self._links)

    def count_receiving(self, camera_id: str) -> int:
        """Return the number of viewers that are offered this camera's frames; another server is one of them."""
        return len(self.of.get(camera_id, ())) + len(self.of_all) - self._exceptions[camera_id]

    def watching(self, camera_id: str) -> Iterator[HubViewer]:
        """Yield the viewers here that need this camera's frames."""
        return chain(self.receiving(camera_id), self._silent(camera_id))

    def _silent(self, camera_id: str) -> Iterator[HubViewer]:
        yield from self._silent_of.get(camera_id, ())
        yield from (viewer for viewer in self._silent_of_all if viewer.follows(camera_id))

    def receiving(self, camera_id: str) -> Iterator[HubViewer]:
        """Yield the viewers that `count_receiving` counts."""
        yield from self.of.get(camera_id, ())
        for viewer in self.of_all:
            if viewer.follows(camera_id):
                yield viewer
