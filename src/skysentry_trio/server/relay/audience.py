"""Who watches which camera: its viewers are found without asking all those who do not watch it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from attrs import define, field

from skysentry_trio.server.relay.viewer import FrameReceiver, HubViewer


@define(eq=False)
class Audience:
    """Viewers that are not paused, by what they want to see; whoever changes his choice leaves before and enters again.

    With each viewer goes who takes its frames.
    """

    of_all: dict[HubViewer, FrameReceiver] = field(factory=dict, init=False, repr=False)
    """Those who want all cameras, some of them with exceptions."""
    of: dict[str, dict[HubViewer, FrameReceiver]] = field(factory=dict, init=False, repr=False)
    """Those who named a camera, by its id."""
    # How many of `of_all` made an exception of an id.
    _exceptions: Counter[str] = field(factory=Counter, init=False, repr=False)

    def enter(self, viewer: HubViewer) -> None:
        """Let a viewer be found, unless it is paused."""
        if viewer.paused:
            return
        if viewer.wants_all:
            self.of_all[viewer] = viewer.receiver(None)
            self._exceptions.update(viewer.named)
        else:
            for camera_id in viewer.named:
                self.of.setdefault(camera_id, {})[viewer] = viewer.receiver(camera_id)

    def leave(self, viewer: HubViewer) -> None:
        """Let a viewer be found no longer; its choice is still what it was when it entered."""
        if viewer.paused:
            return
        if viewer.wants_all:
            del self.of_all[viewer]
            self._exceptions -= Counter(viewer.named)
        else:
            for camera_id in viewer.named:
                del self.of[camera_id][viewer]
                if not self.of[camera_id]:
                    del self.of[camera_id]

    def note_playbacks(self, viewer: HubViewer, camera_id: str) -> None:
        """Take note that a viewer began or ended to look back on a camera that it follows."""
        if viewer in self.of_all:
            self.of_all[viewer] = viewer.receiver(None)
        elif viewer in (of_it := self.of.get(camera_id, {})):
            of_it[viewer] = viewer.receiver(camera_id)

    def count(self, camera_id: str) -> int:
        """Return how many viewers get this camera's frames."""
        return len(self.of.get(camera_id, ())) + len(self.of_all) - self._exceptions[camera_id]

    def watching(self, camera_id: str) -> Iterator[HubViewer]:
        """Give the viewers that get this camera's frames."""
        yield from self.of.get(camera_id, ())
        for viewer in self.of_all:
            if viewer.follows(camera_id):
                yield viewer
