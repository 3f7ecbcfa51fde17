from __future__ import annotations

import time
from contextlib import ExitStack

import pytest
import trio
import trio.lowlevel

from skysentry_trio.base.demand import Limits
from skysentry_trio.client.engine.server_clock import ServerClock
from skysentry_trio.server.cluster import link, link_demand
from skysentry_trio.server.cluster.link import Mirror
from skysentry_trio.server.relay import picture_condition
from skysentry_trio.server.relay.notices import CameraNotice, ResultNotice
from skysentry_trio.wire.capture import PictureMeasure
from skysentry_trio.wire.messages import ClockReply, encode_message
from skysentry_trio.wire.viewer import ClientConnected
from tests.server.cluster.nodes import TestViewer, running_nodes, until


async def wait_for_frames(count: int, *viewers: TestViewer) -> None:
    await until(lambda: all(len(viewer.frames) == count for viewer in viewers))


async def wait_for_notice(notice: ResultNotice, *viewers: TestViewer) -> None:
    await until(lambda: all(notice in viewer.got for viewer in viewers))


async def test_a_viewer_of_another_node_gets_the_frames_as_the_camera_sent_them() -> None:
    """JPEG, sequence and times of each frame are those of the node that has the camera."""
    async with running_nodes("a", "b") as (a, b):
        with a.camera("door") as camera, b.viewer("door") as viewer, a.viewer("door") as near:
            await until(lambda: camera.viewers == 2)
            for shade in range(20):
                await camera.send(shade * 10, captured_at=1.25)
                await wait_for_frames(shade + 1, viewer, near)
        assert [frame.jpeg for frame in viewer.frames] == [frame.jpeg for frame in near.frames]
        assert viewer.sequences == [*range(1, 21)]
        for here, there in zip(viewer.frames, near.frames, strict=True):
            assert here.received_at == pytest.approx(there.received_at, abs=0.002)
            assert (here.width, here.height) == (there.width, there.height)


async def test_a_slow_answer_does_not_make_two_clocks_of_one() -> None:
    """Half of the time that an answer took may be wrong, and so frames keep their times if it could be only that."""
    async with running_nodes("a", "b") as (a, b):
        with a.camera("door") as camera, b.viewer("door") as viewer, a.viewer("door") as near:
            await until(lambda: camera.viewers == 2 and b.link_to(a).clock.is_known)
            now, clock = trio.current_time(), ServerClock()
            question = clock.ask(now - 0.4, time.time() - 0.4)
            clock.take_answer(ClockReply(question.sent_at, time.time() * 1000), now)
            b.link_to(a).clock = clock
            await camera.send()
            await wait_for_frames(1, viewer, near)
        assert viewer.frames[0].received_at == pytest.approx(near.frames[0].received_at, abs=0.002)


async def test_a_late_viewer_of_another_node_is_shown_the_newest_frame() -> None:
    """The camera need not send another one for this."""
    async with running_nodes("a", "b") as (a, b):
        with a.camera("door") as camera:
            await camera.send(1)
            newest = await camera.send(2)
            with b.viewer("door") as viewer:
                await until(lambda: viewer.frames)
            assert [(frame.sequence, frame.jpeg) for frame in viewer.frames] == [(2, newest)]


async def test_the_last_frame_of_an_offline_camera_is_shown_as_at_its_own_node() -> None:
    """Viewers of SkySentry Go, who cannot tell that a camera is offline, do not get it."""
    async with running_nodes("a", "b") as (a, b):
        with a.camera("door") as camera:
            newest = await camera.send(7)
        a.cluster.place("door", "a", online=False)
        await until(lambda: b.hub.camera("door"))
        with b.viewer("door") as viewer, b.hub.watch(online_only=True) as other:
            b.hub.subscribe(other, ["door"])
            await until(lambda: viewer.frames)
            assert [frame.jpeg for frame in viewer.frames] == [newest]
            assert other.outbox.waiting == {}
            assert b.hub_camera("door").online is False


async def test_nothing_goes_between_nodes_while_nobody_watches() -> None:
    """Without a viewer there is not even a connection, and frames end with the last viewer."""
    async with running_nodes("a", "b") as (a, b):
        with a.camera("door") as camera:
            for _ in range(5):
                await camera.send()
            assert a.relay.connections == 0
            with b.viewer("door") as viewer:
                await until(lambda: viewer.frames)
            await until(lambda: camera.viewers == 0)
            before = a.relay.sent
            for _ in range(50):
                await camera.send()
                await trio.lowlevel.checkpoint()
            await trio.sleep(0.1)
            assert a.relay.sent - before < 500


async def test_frames_come_once_for_all_viewers_of_another_node() -> None:
    """They come over one connection, and are delivered to all."""
    async with running_nodes("a", "b") as (a, b):
        with (
            a.camera("door") as camera,
            a.camera("yard"),
            b.viewer("door") as first,
            b.viewer("door") as second,
            b.viewer("door", "yard") as third,
        ):
            await until(lambda: camera.viewers == 1)
            await camera.send()
            await until(lambda: first.frames and second.frames and third.frames)
            assert camera.viewers == 1
            assert a.relay.connections == 1


async def test_a_camera_knows_how_many_viewers_all_nodes_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """A link counts as its viewers, not as one, and the nodes do not count each other's links."""
    monkeypatch.setattr(link_demand, "_COUNTS_TOGETHER", 0.05)
    monkeypatch.setattr(link_demand, "_HOLD", 0.05)
    async with running_nodes("a", "b", "c") as (a, b, c):
        with a.camera("door") as door, a.camera("yard") as yard, a.viewer("door"), ExitStack() as viewers:
            for node in (b, b, b, c, c):
                viewers.enter_context(node.viewer("door"))
            await until(lambda: [a.hub.demand(one.session.camera).viewers for one in (door, yard)] == [6, 0])
            assert (a.hub.viewer_count("door"), door.viewers) == (6, 3)
            await door.send()
            assert a.hub.results.publish("door", 1, b"") == 6
            viewers.close()
            await until(lambda: a.hub.viewer_count("door") == 1)


async def test_a_camera_is_asked_for_what_viewers_of_another_node_need_together() -> None:
    """The demand goes from node to node: the most at once, and less when it stays low."""
    async with running_nodes("a", "b") as (a, b):
        with a.camera("door") as camera, b.viewer("door", limits=Limits(5, 320, 0.5)):
            await until(lambda: camera.demands and camera.demands[-1] == Limits(5, 320, 0.5))
            with b.viewer("door", limits=Limits(15, 640)):
                await until(lambda: camera.demands[-1] == Limits(15, 640))
            await until(lambda: camera.demands[-1] == Limits(5, 320, 0.5))


async def test_viewers_see_cameras_of_other_nodes_come_and_go() -> None:
    """A camera of another node is announced, shown offline, and forgotten, as one of this node."""
    async with running_nodes("a", "b") as (a, b):
        with b.viewer("yard", notify_about=None) as viewer:
            with a.camera("door", name="Front door"):
                await until(lambda: CameraNotice("door", "Front door", online=True) in viewer.got)
                door = b.hub.camera("door")
                assert door is not None
                assert (door.online, door.name) == (True, "Front door")
                a.cluster.cameras["door"] = a.cluster.place("door", "a", name="Front door", online=False)
                await until(lambda: viewer.got[-1] == CameraNotice("door", "Front door", online=False))
            a.cluster.directories[0].release("door")
            await until(lambda: viewer.got[-1] == CameraNotice("door", "Front door", online=False, removed=True))
            assert b.hub.camera("door") is None


async def test_a_camera_that_moves_to_another_node_goes_on_for_all_viewers() -> None:
    """No viewer is shown a frame of the node that had the camera before, and all get those of the new one."""
    async with running_nodes("a", "b", "c") as (a, b, c):
        with c.viewer("door") as viewer, b.viewer("door") as other, a.camera("door") as before:
            await until(lambda: before.viewers == 2)
            await before.send()
            await until(lambda: viewer.sequences == other.sequences == [1])
            await before.send()
            await until(lambda: viewer.sequences == other.sequences == [1, 2])
            with b.camera("door") as after:
                await until(lambda: before.session.is_replaced and after.viewers == 2)
                await after.send()
                await until(lambda: viewer.sequences == other.sequences == [1, 2, 3])


async def test_a_camera_that_counts_from_one_again_at_another_node_is_shown() -> None:
    """The node that it has come to may know nothing of its earlier frames."""
    async with running_nodes("a", "b", "c") as (a, b, c):
        with c.viewer("door") as viewer, a.camera("door") as before:
            await until(lambda: before.viewers == 1)
            for _ in range(3):
                await before.send()
            await until(lambda: viewer.sequences[-1:] == [3])
            with b.camera("door") as after:
                await until(lambda: after.viewers == 1)
                newest = await after.send(7)
                await until(lambda: viewer.frames[-1].jpeg == newest)
                assert viewer.sequences[-1] == 1


async def test_an_old_frame_at_the_node_that_a_camera_comes_to_is_not_shown() -> None:
    """The node knows it from the time when it was a mirror; other nodes have shown newer ones since."""
    async with running_nodes("a", "b", "c") as (a, b, c):
        with c.viewer("door") as viewer, a.camera("door") as before:
            with b.viewer("door") as other:
                await until(lambda: before.viewers == 2)
                await before.send(1)
                await until(lambda: other.sequences == viewer.sequences == [1])
                b.link_to(a).remove("door")
            for number in (2, 3):
                await before.send(number)
                await wait_for_frames(number, viewer)
            b.link_to(a).mirrors["door"] = Mirror(b.hub_camera("door").session)  # type: ignore[arg-type]
            assert b.hub_camera("door").sequence == 1
            with b.camera("door") as after:
                await until(lambda: after.viewers == 1)
                await trio.sleep(0.1)
                assert viewer.sequences == [1, 2, 3]
                newest = await after.send(9)
                await until(lambda: viewer.frames[-1].jpeg == newest)
                assert viewer.sequences == [1, 2, 3, 2]


async def test_no_viewer_is_shown_an_older_frame_of_a_node_that_is_believed_again() -> None:
    """Nobody may know of the newer connection any more. The camera had counted further at the node before."""
    async with running_nodes("a", "b", "c") as (a, b, c):
        with c.viewer("door") as viewer, a.camera("door") as before:
            old = a.cluster.cameras["door"]
            await until(lambda: before.viewers == 1)
            for number in (1, 2, 3):
                await before.send(number)
                await wait_for_frames(number, viewer)
            with b.camera("door") as after:
                await until(lambda: after.viewers == 1)
                await after.send(7)
                await until(lambda: viewer.sequences == [1, 2, 3, 1])
                b.relay.is_down = True
                b.relay.cut()
                await until(lambda: not c.link_to(b).is_connected)
                a.cluster.directories[1].release("door")
                await until(lambda: not c.hub_camera("door").online)
                a.cluster.cameras["door"] = old
                a.cluster.tell()
                await until(lambda: c.hub_camera("door").online and c.link_to(a).dropped)
                assert viewer.sequences == [1, 2, 3, 1]


async def test_a_location_of_a_lower_epoch_is_never_believed() -> None:
    """News of the directory may arrive in the wrong order."""
    async with running_nodes("a", "b") as (a, b):
        with a.camera("door"):
            old = a.cluster.cameras["door"]
            with b.camera("door") as camera:
                # The node may not have looked into the directory since.
                a.cluster.cameras["door"] = old
                a.cluster.tell()
                await trio.sleep(0.1)
                assert not camera.session.is_replaced


async def test_a_broken_link_is_made_again() -> None:
    """Viewers see a gap and no frame twice; new viewers see no old frame in the meantime."""
    async with running_nodes("a", "b") as (a, b):
        with a.camera("door") as camera, b.viewer("door") as viewer:
            await until(lambda: camera.viewers == 1)
            await camera.send(1)
            await until(lambda: viewer.sequences == [1])
            a.relay.cut()
            await until(lambda: not b.link_to(a).is_connected)
            with b.viewer("door") as late:
                assert late.frames == []
                await camera.send(2)
                await until(lambda: late.sequences == [2])
            await until(lambda: viewer.sequences == [1, 2])


async def test_a_detection_result_reaches_the_viewers_of_all_nodes() -> None:
    """It does not matter at which node it was published."""
    async with running_nodes("a", "b", "c") as nodes:
        a, b, c = nodes
        with a.camera("door") as camera, a.viewer("door") as near, b.viewer("door") as far, c.viewer("door") as other:
            await until(lambda: camera.viewers == 3)
            await camera.send()
            await until(lambda: far.frames and other.frames)
            for number, node in enumerate(nodes):
                text = b'{"type":"result","clientId":"door","sequence":1,"data":%d}' % number
                message = b"\x81" + bytes((len(text),)) + text
                node.hub.results.publish("door", 1, message)
                await wait_for_notice(ResultNotice("door", 1, message), near, far, other)


async def test_results_that_wait_for_a_link_are_bounded_and_dropped_ones_counted() -> None:
    """The oldest results are dropped: a program may find more than the link carries."""
    async with running_nodes("a", "b") as (a, b):
        with a.camera("door"):
            await until(lambda: b.hub.camera("door"))
            for _ in range(258):
                b.link_to(a).send_result(b"")
            assert b.link_to(a).results_dropped == 2


async def test_only_the_viewers_of_a_node_itself_make_it_fetch_frames() -> None:
    """Two nodes that each believe that the other has a camera do not fetch its frames from each other for ever."""
    async with running_nodes("a", "b") as (a, b):
        with a.camera("door") as camera, b.viewer("door"):
            await until(lambda: camera.viewers == 1)
            await until(lambda: b.hub_camera("door").online)
            a.believe("door", "b")
            await until(lambda: a.hub_camera("door").is_elsewhere)
            assert a.hub.mirrored.demand(a.hub_camera("door")) is None


async def test_a_link_that_is_silent_counts_as_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cut network gives no other sign."""
    monkeypatch.setattr(link, "_SILENCE", 0.5)
    async with running_nodes("a", "b") as (a, b):
        with a.camera("door") as camera, b.viewer("door"):
            await until(lambda: camera.viewers == 1)
            a.relay.freeze()
            await until(lambda: "nothing heard from node a" in b.trouble_with(a))


async def test_viewers_are_told_that_a_node_does_not_answer_and_that_it_answers_again() -> None:
    """The camera is online, but its frames cannot come. Cameras that nobody watches are not concerned."""
    async with running_nodes("a", "b") as (a, b):
        with a.camera("door") as camera, a.camera("yard"), b.viewer("door", notify_about=None) as viewer:
            await until(lambda: camera.viewers == 1)
            a.relay.is_down = True
            a.relay.cut()
            await until(lambda: viewer.got[-1] == CameraNotice("door", None, online=True, reachable=False))
            assert not b.hub_camera("door").is_reachable
            assert b.hub_camera("yard").is_reachable
            a.relay.is_down = False
            await until(lambda: viewer.got[-1] == CameraNotice("door", None, online=True))


async def test_viewers_are_told_what_is_wrong_with_pictures_at_another_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as the link says so: without it, nobody knows."""
    monkeypatch.setattr(picture_condition, "_LASTS", 0.0)
    async with running_nodes("a", "b") as (a, b):
        with a.camera("door") as camera, b.viewer("door", notify_about=None) as viewer:
            await until(lambda: camera.viewers == 1)
            a.hub.note_measure(camera.session.camera, PictureMeasure(None, 5.0, 40.0))
            await camera.send()
            await until(lambda: CameraNotice("door", None, online=True, condition="dark") in viewer.got)
            assert b.hub_camera("door").condition == "dark"
            a.relay.is_down = True
            a.relay.cut()
            await until(lambda: b.hub_camera("door").condition is None)


async def test_what_was_wrong_with_pictures_that_nobody_watches_any_more_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The other node does not say when it is over, also not if its last notice crosses the end of the subscription."""
    monkeypatch.setattr(picture_condition, "_LASTS", 0.0)
    monkeypatch.setattr(link_demand, "_HOLD", 0.05)
    async with running_nodes("a", "b") as (a, b):
        with a.camera("door") as camera, a.camera("yard"), b.viewer("yard"):
            a.hub.note_measure(camera.session.camera, PictureMeasure(None, 5.0, 40.0))
            await camera.send()
            await until(lambda: b.hub.camera("door"))
            with b.viewer("door"):
                await until(lambda: b.hub_camera("door").condition == "dark")
            await until(lambda: camera.viewers == 0)
            assert b.hub_camera("door").condition is None
            (link_to_a,) = b.node.mirrors.links
            link_to_a._take_notice(encode_message(ClientConnected("door", None, condition="dark")))
            assert b.hub_camera("door").condition is None


async def test_a_node_with_another_secret_is_refused() -> None:
    """It gets no frames, and both sides say why."""
    async with running_nodes("a", "b") as (a, b):
        b.node.proof._secret = b"another one"
        with a.camera("door") as camera, b.viewer("door"):
            await until(lambda: "the signature is wrong" in b.trouble_with(a))
            assert camera.viewers == 0
