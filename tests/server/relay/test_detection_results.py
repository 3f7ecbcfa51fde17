"""Where detection results go: to viewers here, to the server that has the camera, and to what looks at their boxes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from attrs import define, field

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.relay.camera import CameraSession, HubCamera
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.leases import Lease
from skysentry_trio.server.relay.notices import ResultNotice
from skysentry_trio.wire.results import Box
from tests.hubs import make_hub, nothing, publish_nowait, take

BOX = Box(x=1, y=2, width=3, height=4)


@define(eq=False)
class Found:
    """What was called with boxes: the camera and the sequence of the frame."""

    calls: list[tuple[str, int]] = field(factory=list)

    def note(self, camera: HubCamera, frame: JpegFrame, boxes: Sequence[Box]) -> None:
        assert list(boxes) == [BOX]
        self.calls.append((camera.id, frame.sequence))


@define(eq=False)
class Owner:
    """The server that has the camera, and the results that it was sent."""

    node_id: str = "there"
    sent: list[bytes] = field(factory=list)

    def send_result(self, message: bytes) -> None:
        self.sent.append(message)


@contextmanager
def mirrored(hub: Hub, owner: Owner) -> Iterator[CameraSession]:
    with hub.mirrored.mirror("door", owner, Lease(1), on_end=nothing, on_demand=nothing) as session:
        yield session


async def test_a_result_goes_to_each_viewer_of_the_camera(autojump_clock: object) -> None:
    """And to nobody else."""
    hub = make_hub()
    with hub.register("door", on_end=nothing) as session, hub.watch() as viewer, hub.watch() as other:
        hub.subscribe(viewer, ["door"])
        publish_nowait(hub, session)
        told = hub.results.publish("door", 1, b"result")
        taken, nothing_taken = await take(viewer), await take(other)

    assert told == 1
    assert [notice for notice in taken if isinstance(notice, ResultNotice)] == [ResultNotice("door", 1, b"result")]
    assert not any(isinstance(notice, ResultNotice) for notice in nothing_taken)


@pytest.mark.parametrize(
    ("camera_id", "sequence", "code"), [("gate", 1, "not-found"), ("door", 0, "no-frame"), ("door", 2, "no-frame")]
)
async def test_a_result_for_a_frame_that_never_was_is_refused(camera_id: str, sequence: int, code: str) -> None:
    """The camera has to be known, and to have sent the frame."""
    hub = make_hub()
    with hub.register("door", on_end=nothing) as session:
        publish_nowait(hub, session)
        with pytest.raises(ProtocolViolation) as refused:
            hub.results.publish(camera_id, sequence, b"result")

    assert refused.value.code == code


async def test_boxes_are_handed_on_with_their_frame_while_the_ring_has_it() -> None:
    """A result without a box, or for a frame that has left the ring, finds nothing that could be recorded."""
    hub, found = make_hub(buffer_size=2), Found()
    hub.results.on_found = found.note
    with hub.register("door", on_end=nothing) as session:
        for _ in range(3):
            publish_nowait(hub, session)
        hub.results.publish("door", 1, b"result", boxes=[BOX])
        hub.results.publish("door", 2, b"result")
        hub.results.publish("door", 3, b"result", boxes=[BOX])

    assert found.calls == [("door", 3)]


async def test_a_result_for_a_camera_of_another_server_goes_there(autojump_clock: object) -> None:
    """The other server sends it back for the viewers here, also if no frame of the camera has come yet."""
    hub, owner = make_hub(), Owner()
    with mirrored(hub, owner) as session, hub.watch() as viewer:
        hub.subscribe(viewer, ["door"])
        assert hub.results.publish("door", 7, b"early") == 0
        await hub.publish(session, b"jpeg", width=4, height=3, sequence=8, received_at=1700000000.0)
        assert hub.results.publish("door", 8, b"late") == 1
        assert not any(isinstance(notice, ResultNotice) for notice in await take(viewer))
        hub.results.show("door", 8, b"late", [])
        assert ResultNotice("door", 8, b"late") in await take(viewer)

    assert owner.sent == [b"early", b"late"]
