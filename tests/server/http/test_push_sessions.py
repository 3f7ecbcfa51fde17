"""For how long a camera counts as online that uploads one picture after the other, in virtual time."""

from __future__ import annotations

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import EVERYTHING, Principal
from skysentry_trio.server.access.access import Access
from skysentry_trio.server.access.sessions import Sessions
from skysentry_trio.server.http.push_sessions import PushSessions
from skysentry_trio.server.relay.notices import CameraNotice
from tests.hubs import evict_idle, make_hub, nothing
from tests.jpegs import draw_jpeg
from tests.principals import make_guest
from tests.server.http.push_harness import Door, door
from tests.server.websocket.fakes import JPEG, NO_JPEG

HOLD = 60.0
"""Half of the client timeout."""


async def notices_of(here: Door, seconds: float) -> list[tuple[bool, bool]]:
    """Watch the door for a while; return what was said of it: online, removed."""
    seen: list[tuple[bool, bool]] = []
    with here.hub.watch() as viewer, trio.move_on_after(seconds):
        here.hub.subscribe(viewer)
        while True:
            news = await viewer.outbox.receive()
            if isinstance(news, list):
                seen.extend((notice.online, notice.removed) for notice in news if isinstance(notice, CameraNotice))
    return seen


async def test_a_camera_is_online_for_a_while_after_each_picture(autojump_clock: MockClock) -> None:
    """So viewers hear once that it came, and once that it is gone, well before it is forgotten."""
    states = []
    async with door() as here:

        async def post() -> None:
            for shade in range(3):
                await here.post(draw_jpeg(shade))
                await trio.sleep(HOLD - 1)
                states.append(here.camera.online)
            await trio.sleep(HOLD)
            states.append(here.camera.online)

        here.nursery.start_soon(post)
        seen = await notices_of(here, 5 * HOLD)
        forgotten = evict_idle(here.hub)

    assert states == [True, True, True, False]
    assert seen == [(True, False), (False, False)]
    assert forgotten == []


async def test_each_camera_has_its_own_time(autojump_clock: MockClock) -> None:
    """And another may begin when all have stopped."""
    async with door() as here:
        await here.post(JPEG)
        await trio.sleep(HOLD / 2)
        await here.post(JPEG, camera="gate")
        await trio.sleep(HOLD / 2 + 1)
        first = [camera.online for camera in here.hub.cameras]
        await trio.sleep(HOLD)
        second = [camera.online for camera in here.hub.cameras]
        await here.post(JPEG)
        third = [camera.online for camera in here.hub.cameras]

    assert (first, second, third) == ([False, True], [False, False], [True, False])


async def test_who_registers_takes_an_uploading_camera_over(autojump_clock: MockClock) -> None:
    """And is not told to go when the upload's time is over; an upload takes it back."""
    ended: list[int] = []
    async with door() as here:
        await here.post(JPEG)
        with here.hub.register("door", on_end=lambda: ended.append(1)):
            await trio.sleep(2 * HOLD)
            kept = (list(ended), here.camera.online)
            await here.post(JPEG)
            taken = (list(ended), here.camera.online)
        still = here.camera.online

    assert kept == ([], True)
    assert taken == ([1], True)
    assert still


@pytest.mark.parametrize("pause", [300, 1700, 3500])
async def test_a_camera_on_a_battery_keeps_its_name_count_and_picture(autojump_clock: MockClock, pause: float) -> None:
    """However rarely it posts, it is the same camera, and from its second picture on it is online between two."""
    seen = list[tuple[str | None, bool, list[bytes]]]()
    async with door() as here:
        for number in range(3):
            await here.post(draw_jpeg(number), query="" if number else "?name=Field")
            await trio.sleep(pause)
            assert evict_idle(here.hub) == []
            seen.append((here.camera.name, here.camera.online, here.frames))

    jpegs = [draw_jpeg(number) for number in range(3)]
    assert seen == [("Field", number > 0, jpegs[: number + 1]) for number in range(3)]


async def test_the_longer_a_camera_pauses_the_longer_it_is_kept(autojump_clock: MockClock) -> None:
    """Twice the last pause, at most a day; but it is online for an hour at most."""
    async with door() as here:
        for pause in (3000, 5900, 11_000, 20_000):
            await here.post(JPEG)
            await trio.sleep(pause)
            assert evict_idle(here.hub) == []
            assert here.camera.online == (pause == 3000 and here.camera.frame_count > 1)
        answer = await here.post(JPEG)
        await trio.sleep(86_400 + 3600)

        assert answer.json["sequence"] == 5
        assert evict_idle(here.hub) == ["door"]


async def test_a_camera_that_posts_no_more_is_forgotten(autojump_clock: MockClock) -> None:
    """After an hour if it posted often."""
    async with door() as here:
        for _ in range(3):
            await here.post(JPEG)
            await trio.sleep(1)
        await trio.sleep(3600)
        early = evict_idle(here.hub)
        await trio.sleep(60)
        late = evict_idle(here.hub)

    assert (early, late) == ([], ["door"])


async def test_a_camera_that_registers_is_kept_as_such(autojump_clock: MockClock) -> None:
    """When it posts no more but has a connection, the client timeout applies."""
    async with door() as here:
        await here.post(JPEG)
        with here.hub.register("door", on_end=lambda: None):
            pass
        await trio.sleep(120)
        assert evict_idle(here.hub) == ["door"]


async def test_a_flood_of_refusals_is_logged_once(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    """A broken camera makes sixty requests a second."""
    async with door() as here:
        for _ in range(50):
            await here.post(NO_JPEG)

    assert len([record for record in caplog.records if "pictures refused" in str(record.msg)]) == 1


async def test_a_camera_that_posts_cannot_be_taken_over(autojump_clock: MockClock) -> None:
    """Neither by another principal that posts, nor over a WebSocket; its own connection may take over."""
    hub = make_hub()
    push_sessions, owner, thief = PushSessions(hub), make_guest("*", name="owner"), make_guest("*", name="thief")
    session = await push_sessions.touch("door", None, owner)
    with pytest.raises(ProtocolViolation) as posted:
        await push_sessions.touch("door", None, thief)
    with pytest.raises(ProtocolViolation) as registered, hub.register("door", on_end=nothing, principal=thief):
        raise AssertionError("registered")
    assert posted.value.code == registered.value.code == "in-use"
    assert await push_sessions.touch("door", None, owner) is session
    with hub.register("door", on_end=nothing, principal=owner):
        assert session.is_replaced


async def test_a_camera_that_posts_goes_offline_when_its_access_ends(autojump_clock: MockClock) -> None:
    """Although it has no connection that could end."""
    hub, access = make_hub(), Access()
    push_sessions = PushSessions(hub, access.sessions)
    await push_sessions.touch("door", None, make_guest("*"))
    camera = hub.camera("door")
    assert camera is not None
    assert camera.online
    access.sessions.end_unless(lambda _principal: False, "the access was revoked")
    assert not camera.online
    assert list(access.sessions) == []


async def test_a_picture_whose_access_ended_while_it_was_claimed_is_refused(autojump_clock: MockClock) -> None:
    """In a cluster, a claim takes a moment, in which a key may be revoked."""
    hub, sessions = make_hub(), Sessions(lambda: 0.0, lambda _principal: False)
    with pytest.raises(ProtocolViolation) as refused:
        await PushSessions(hub, sessions).touch("door", None, make_guest("*"))

    assert refused.value.code == "access-ended"
    assert [camera.online for camera in hub.cameras] == [False]
    assert list(sessions) == []


async def test_a_camera_that_posts_with_a_newer_token_stays_online(autojump_clock: MockClock) -> None:
    """When its first token expires; the camera does not go and come again."""
    hub, times = make_hub(), [100.0]
    access = Access(now=lambda: times[0])
    push_sessions = PushSessions(hub, access.sessions)
    first = Principal("porch", EVERYTHING, "jwt", "jwt:porch", expires_at=110.0)
    session = await push_sessions.touch("door", None, first)
    assert await push_sessions.touch("door", None, evolve(first, expires_at=200.0)) is session
    for now, is_online in ((150.0, True), (200.0, False)):
        times[0] = now
        access.sessions.end_expired()
        assert session.camera.online == is_online
