"""Events over REST: programs post what happened, and others ask for it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve, field

from skysentry_trio.base.principal import Principal, Rights
from skysentry_trio.server.history.event_log import EventLog
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.transport.other_servers import Gathered
from tests.hubs import nothing
from tests.server.history.helpers import OpenFolder, frame, history_of
from tests.server.http.rest_harness import DESCRIPTION, Answer, Site, check_against

EVENTS = "/api/clients/{clientId}/events"
FOUND = "/api/clients/{clientId}/history/events"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[OpenFolder]:
    opened = OpenFolder(tmp_path, clock=time.time)
    yield opened
    opened.close()


@pytest.fixture
async def site(opened: OpenFolder) -> Any:
    hub = Hub(Settings(max_fps=1000))
    # The events of the helper have no event loop's clock.
    opened.events = opened.writer.events = EventLog(opened.path, opened.folder.index.events, hub.wall_clock.now)
    site = Site(hub, history=history_of(hub, opened))
    with hub.register("door", on_end=nothing):
        yield site


async def post(site: Site, body: object, event_id: str = "", camera_id: str = "door") -> Answer:
    route = f"{EVENTS}/{{event_id}}" if event_id else EVENTS
    target = route.replace("{clientId}", camera_id).replace("{event_id}", event_id)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = await site.ask(target, "POST", content, Content_Type="application/json")
    check_against(DESCRIPTION["paths"][route]["post"], answer.status, answer.headers["content-type"], answer.body)
    return answer


async def test_an_event_begins_now_and_ends_later(site: Site) -> None:
    """The answer has the id by which it is ended, and it is listed with and without an end."""
    begun = (await post(site, {"label": "person", "data": {"plates": ["M-AB 1"]}})).json()
    (lasting,) = (await site.get(FOUND)).json()["events"]
    ended = (await post(site, {}, begun["id"])).json()
    (over,) = (await site.get(FOUND)).json()["events"]
    (listed,) = (await site.get("/api/clients/{clientId}/history")).json()["events"]

    assert (begun["label"], begun["source"], begun["end"]) == ("person", "api", None)
    assert lasting == begun
    assert over == ended == listed
    assert over["end"] >= over["begin"]
    assert over["data"] == {"plates": ["M-AB 1"]}


async def test_an_event_of_the_past(site: Site) -> None:
    """Both times may be said, as seconds and as RFC 3339."""
    answer = await post(site, {"label": "bell", "begin": 1_700_000_000.25, "end": "2023-11-14T22:13:25Z"})

    assert (answer.status, answer.json()["begin"]) == (201, "2023-11-14T22:13:20.250+00:00")
    assert answer.json()["end"] == "2023-11-14T22:13:25.000+00:00"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "expected an object with label"),
        ({}, "missing required field `label`"),
        ({"label": " \u0000 "}, "a label has 1 to 80 printable characters"),
        ({"label": "a", "data": "x" * 5000}, "at most 4096 bytes, got 5002"),
        ({"label": "a", "begin": "yesterday"}, "begin is a moment such as"),
        ({"label": "a", "begin": 99_999_999_999}, "in the future"),
    ],
)
async def test_an_invalid_event_is_refused(site: Site, body: object, words: str) -> None:
    """The sentence says what was expected, and nothing is noted."""
    answer = await post(site, body)

    assert answer.status == 400
    assert words in answer.json()["error"]
    assert (await site.get(FOUND)).json()["events"] == []


async def test_an_event_of_nobody(site: Site) -> None:
    """A camera that was never here has no events, and an event that does not last cannot be ended."""
    unknown = await post(site, {"label": "a"}, camera_id="nobody")
    over = await post(site, {}, event_id="0123456789abcdef")

    assert (unknown.status, over.status) == (404, 404)


async def test_the_rest_of_many_events_is_announced(site: Site) -> None:
    """The first ones are answered, and that there are more."""
    for number in range(3):
        await post(site, {"label": f"{number}", "begin": 1_700_000_000 + number, "end": 1_700_000_000 + number})
    answer = (await site.get(FOUND, query="?limit=2")).json()

    assert ([event["label"] for event in answer["events"]], answer["more"]) == (["0", "1"], True)


async def test_events_are_shown_to_those_who_may_see_them(site: Site) -> None:
    """The right to old frames alone shows none."""
    await post(site, {"label": "person"})
    guest = evolve(site, principal=Principal("guest", Rights.of({"history": ("door",)}), "key", "guest"))
    listed, refused = await guest.get("/api/clients/{clientId}/history"), await guest.get(FOUND)

    assert (listed.json()["events"], refused.status) == ([], 403)


async def test_a_server_that_records_nothing_has_no_events() -> None:
    """The sentence says how to record."""
    answer = await post(Site(), {"label": "person"})

    assert answer.status == 404
    assert "--history" in answer.json()["error"]


@pytest.fixture
async def two_cameras(site: Site, opened: OpenFolder) -> Site:
    """Have events of two cameras: the door's in the seconds 0, 2 and 4, the yard's in 1 and 3."""
    opened.record("yard", [frame(1, time.time())])
    for second in range(5):
        moment, camera_id = 1_700_000_000 + second, ("door", "yard")[second % 2]
        await post(site, {"label": f"{second // 3}", "begin": moment, "end": moment}, camera_id=camera_id)
    return site


async def ask_for_all(site: Site, query: str = "") -> tuple[list[tuple[str, str]], bool]:
    """Return the cameras and the seconds of the events that are answered, and whether there are more."""
    answer = await site.get("/api/events", query=query)
    assert answer.status == 200
    found = answer.json()
    return [(one["clientId"], one["begin"][17:19]) for one in found["events"]], found["more"]


async def test_events_of_all_cameras_are_listed(two_cameras: Site) -> None:
    """By their beginnings, in a time, with a label, and a few at a time."""
    everything = [("door", "20"), ("yard", "21"), ("door", "22"), ("yard", "23"), ("door", "24")]

    assert await ask_for_all(two_cameras) == (everything, False)
    assert await ask_for_all(two_cameras, "?limit=3") == (everything[:3], True)
    assert await ask_for_all(two_cameras, "?from=1700000001&to=1700000002") == (everything[1:3], False)
    assert await ask_for_all(two_cameras, "?label=1") == (everything[3:], False)
    assert await ask_for_all(two_cameras, "?label=nothing") == ([], False)


async def test_events_of_all_cameras_are_those_of_the_principal(two_cameras: Site) -> None:
    """A camera without the right is not there; without any right, the question is refused."""
    rights = {"events": ("yard",), "history": ("*",)}
    guest = evolve(two_cameras, principal=Principal("guest", Rights.of(rights), "key", "guest"))
    nobody = evolve(two_cameras, principal=Principal("nobody", Rights.of({"history": ("*",)}), "key", "nobody"))

    assert await ask_for_all(guest) == ([("yard", "21"), ("yard", "23")], False)
    assert (await nobody.get("/api/events")).status == 403


@define
class Neighbours:
    """Two other servers, of which one answers."""

    bodies: dict[str, bytes]
    unreachable: tuple[str, ...]
    asked: list[str] = field(factory=list)

    async def gather(self, target: str, _principal: Principal, _seconds: float) -> Gathered:
        self.asked.append(target)
        return Gathered(self.bodies, self.unreachable)


async def test_other_servers_say_what_happened_at_their_cameras(two_cameras: Site) -> None:
    """Their events are in order with those of this server, and a server that does not answer is named."""
    one = {
        "id": "1",
        "label": "1",
        "source": "api",
        "begin": "2023-11-14T22:13:22.500+00:00",
        "end": None,
        "data": None,
    }
    others = Neighbours({"b": json.dumps({"events": [{**one, "clientId": "gate"}], "more": False}).encode()}, ("c",))
    site = evolve(two_cameras, others=others)  # type: ignore[arg-type] # as much of them as the route uses
    answer = await site.get("/api/events", query="?label=1&key=secret")

    assert [event["clientId"] for event in answer.json()["events"]] == ["gate", "yard", "door"]
    assert answer.json()["unreachable"] == ["c"]
    assert others.asked == ["/api/events?label=1"]
