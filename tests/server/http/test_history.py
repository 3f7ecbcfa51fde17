"""Recordings over REST: where the ring is too short, and what is kept and deleted."""

from __future__ import annotations

import csv
import io
import zipfile
from threading import Event

import pytest
import trio
from attrs import evolve

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.principal import ANYONE, Principal, Rights
from skysentry_trio.server.history.events import EventSource
from skysentry_trio.server.history.reader import HistoryReader, RecordedSpan
from skysentry_trio.server.history.retention import Forecast, NextDeletion
from skysentry_trio.server.http.clip_source import find_source
from skysentry_trio.server.http.recordings import Recordings
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.settings import Settings
from skysentry_trio.wire.query import decode_query
from tests.clocks import NOON
from tests.hubs import nothing
from tests.server.history.helpers import JPEG, OpenFolder, history_of
from tests.server.http.rest_harness import Site, publish

ROUTE = "/api/clients/{clientId}/history"
LATEST = "/api/clients/{clientId}/latest.jpg"
CLIP = "/api/clients/{clientId}/clip"
MINUTE = "?from=2026-11-29T12:00:00Z&to=2026-11-29T12:01:00Z"


@pytest.fixture
async def site(recorded: OpenFolder) -> Site:
    hub = Hub(Settings(max_fps=1000))
    return Site(hub, history=history_of(hub, recorded))


async def test_when_a_camera_was_recorded(site: Site) -> None:
    """Neighbouring segments are one span; the camera itself may have been forgotten."""
    answer = (await site.get(ROUTE)).json()

    assert answer["frames"] == 120
    (span,) = answer["spans"]
    assert span["begin"] == "2026-11-29T12:00:00.000+00:00"
    assert span["end"] == "2026-11-29T12:01:59.000+00:00"


async def test_on_which_days_a_camera_was_recorded(site: Site) -> None:
    """Each day has its frames and bytes."""
    (day,) = (await site.get(ROUTE + "/days", query="?zone=America/New_York")).json()["days"]
    refused = await site.get(ROUTE + "/days", query="?zone=Mars")

    assert (day["day"], day["frames"]) == ("2026-11-29", 120)
    assert (day["begin"], day["end"]) == ("2026-11-29T05:00:00.000+00:00", "2026-11-30T05:00:00.000+00:00")
    assert refused.status == 400


async def test_in_which_parts_of_a_time_a_camera_was_recorded(site: Site) -> None:
    """The answer counts the frames of each part instead of listing times; without a whole time it is refused."""
    answer = (await site.get(ROUTE, query="?from=1795953540&to=1795953720&buckets=6")).json()
    refused = [await site.get(ROUTE, query=query) for query in ("?buckets=3", "?from=1&to=2&buckets=2001")]

    assert (answer["coverage"], answer["spans"], answer["frames"]) == ([0, 0, 30, 30, 30, 30], [], 120)
    assert [one.status for one in refused] == [400, 400]


async def test_what_is_deleted_next_is_known(site: Site, recorded: OpenFolder) -> None:
    """For all recordings, and for each camera."""
    deletion = NextDeletion(NOON + 60, "age")
    recorded.writer.forecast = Forecast(deletion, {"door": deletion})

    answer = (await site.get("/api/history")).json()

    said = {"at": "2026-11-29T12:01:00.000+00:00", "cause": "age"}
    assert (answer["nextDeletion"], [one["nextDeletion"] for one in answer["cameras"]]) == (said, [said, None])


async def test_the_state_of_all_recordings(site: Site) -> None:
    """What is on disk is listed by camera."""
    answer = (await site.get("/api/history")).json()

    assert answer["recording"]
    assert [(one["clientId"], one["frames"]) for one in answer["cameras"]] == [("door", 120), ("yard", 10)]


async def test_a_picture_that_left_the_ring_comes_from_disk(site: Site) -> None:
    """An old frame of a camera that is forgotten, and of one that is here, is answered by the recordings."""
    gone = await site.get(LATEST, query="?at=2026-11-29T12:00:30.5Z")
    with site.hub.register("door", on_end=nothing) as session:
        publish(site.hub, session)
        here = await site.get(LATEST, query="?at=2026-11-29T12:00:30.5Z")

    assert [(one.status, one.headers["x-sequence"]) for one in (gone, here)] == [(200, "31"), (200, "31")]
    assert gone.headers["x-timestamp"] == f"{NOON + 30:.6f}"


async def test_a_moment_before_all_recordings_has_no_frame(site: Site) -> None:
    """It is answered as before: no such frame of a camera that is here, no such camera otherwise."""
    gone = await site.get(LATEST, query="?at=2026-11-28T00:00:00Z")
    with site.hub.register("door", on_end=nothing) as session:
        publish(site.hub, session)
        here = await site.get(LATEST, query="?at=2026-11-28T00:00:00Z")

    assert (gone.status, here.status) == (404, 404)
    assert "no frame from that time" in here.json()["error"]


async def test_a_clip_has_frames_of_disk_and_ring(site: Site) -> None:
    """Each frame is in the clip once, the recorded ones first."""
    with site.hub.register("door", on_end=nothing) as session:
        publish(site.hub, session)
        publish(site.hub, session)
        clip = await site.get(CLIP, query="?from=2026-11-29T12:01:50Z")

    assert clip.status == 200
    with zipfile.ZipFile(io.BytesIO(clip.body)) as archive:
        (index,) = [name for name in archive.namelist() if name.endswith("index.csv")]
        rows = list(csv.DictReader(io.StringIO(archive.read(index).decode())))
    assert [int(row["sequence"]) for row in rows] == [*range(111, 121), 1, 2]


@pytest.mark.parametrize("count", [3, 10])
async def test_what_leaves_the_ring_before_a_slow_client_reads_it_comes_from_disk(
    recorded: OpenFolder, count: int
) -> None:
    """A clip that reaches into the ring has no gap there, however long the client takes."""
    hub, sent = Hub(Settings(max_fps=1000, buffer_size=4)), list[JpegFrame]()
    with hub.register("gate", on_end=nothing) as session:

        async def send(count: int) -> None:
            for number in range(len(sent) + 1, len(sent) + 1 + count):
                moment = NOON + number
                sent.append(await hub.publish(session, JPEG, width=32, height=24, sequence=number, received_at=moment))

        await send(4)
        recorded.record("gate", sent)
        await send(4)
        source = await find_source(ScopedHub(hub, ANYONE), "gate", decode_query(""), Recordings(recorded.reader))
        batches, got = source.batches(1), list[JpegFrame]()
        while batch := await batches.next():
            got += batch
            if len(got) == 1:
                await send(count)
                recorded.record("gate", sent[4:], epoch=1)

    assert [frame.sequence for frame in got] == [1, 2, 3, 4, 5, 6, 7, 8]


async def test_a_clip_of_a_camera_that_is_forgotten(site: Site) -> None:
    """The recordings are enough for a clip."""
    clip = await site.get(CLIP, query=MINUTE + "&format=mjpeg")

    assert clip.status == 200
    assert clip.body.count(b"\xff\xd8\xff") == 61


async def test_recordings_are_deleted_and_protected(site: Site, recorded: OpenFolder) -> None:
    """Protected files stay, the others that lie in the range go."""
    recorded.close()
    recorded.__init__(recorded.path)  # type: ignore[misc]
    site.history = history_of(site.hub, recorded)
    site.__attrs_post_init__()
    total = len(recorded.reader.segments("door"))

    protected = await site.ask("/api/clients/door/history/protected?from=1795953600&to=1795953600.5", "POST")
    deleted = await site.ask("/api/clients/door/history", "DELETE")
    listed = (await site.get(ROUTE)).json()

    assert (protected.json()["segments"], deleted.json()["segments"]) == (1, total - 1)
    assert len(recorded.reader.segments("door")) == 1
    assert listed["protected"] == protected.json()["protected"]
    assert listed["protected"] == [{"begin": "2026-11-29T12:00:00.000+00:00", "end": "2026-11-29T12:00:00.500+00:00"}]


async def test_a_range_is_protected_no_more(site: Site) -> None:
    """What is cut out of a range leaves two; a range without an end is refused."""
    await site.ask("/api/clients/door/history/protected?from=100&to=200", "POST")
    left = await site.ask("/api/clients/door/history/protected?from=140&to=150", "DELETE")
    none = await site.ask("/api/clients/door/history/protected", "DELETE")
    refused = await site.ask("/api/clients/door/history/protected?from=100", "POST")

    moments = [(one["begin"][17:19], one["end"][17:19]) for one in left.json()["protected"]]
    assert moments == [("40", "20"), ("30", "20")]
    assert none.json()["protected"] == []
    assert refused.status == 400


async def test_only_an_administrator_deletes(site: Site) -> None:
    """Somebody who may see old frames may not delete them, and finds nothing of other cameras."""
    guest = evolve(site, principal=Principal("guest", Rights.of({"history": ("door",)}), "key", "guest"))

    refused = await guest.ask("/api/clients/door/history", "DELETE")
    hidden = await guest.ask("/api/clients/yard/history")
    listed = await guest.ask("/api/history")

    assert (refused.status, hidden.status) == (403, 404)
    assert [one["clientId"] for one in listed.json()["cameras"]] == ["door"]


async def test_recordings_before_the_moment_of_a_right_do_not_exist(site: Site) -> None:
    """In lists, days, pictures and clips; the same for the ring."""
    rule = {"view": ("*",), "history": ("door@2026-11-29T12:01:00Z", "gate@2200-01-01T00:00:00Z")}
    guest = evolve(site, principal=Principal("guest", Rights.of(rule), "key", "guest"))

    (span,) = (await guest.get(ROUTE)).json()["spans"]
    (day,) = (await guest.get(ROUTE + "/days")).json()["days"]
    (listed,) = (await guest.get("/api/history")).json()["cameras"]
    early = await guest.get(LATEST, query="?at=2026-11-29T12:00:59.999Z")
    late = await guest.get(LATEST, query="?at=2026-11-29T12:01:00.5Z")
    clip = await guest.get(CLIP, query="?format=mjpeg")
    none = await guest.get(CLIP, query=MINUTE.replace("12:01:00Z", "12:00:59Z"))
    with site.hub.register("gate", on_end=nothing) as session:
        publish(site.hub, session)
        answers = [
            await guest.get(LATEST, "gate", query="?back=0"),
            await guest.get(CLIP, "gate"),
        ]
        ring = await guest.ask("/api/clients/gate/stream")

    assert (span["begin"], span["frames"], day["frames"], listed["frames"]) == (
        "2026-11-29T12:01:00.000+00:00",
        60,
        60,
        60,
    )
    assert listed["oldestAt"] == "2026-11-29T12:01:00.000+00:00"
    assert (early.status, late.headers["x-sequence"], none.status) == (404, "61", 404)
    assert clip.body.count(b"\xff\xd8\xff") == 60
    assert [answer.status for answer in answers] == [404, 404]
    assert ring.json()["frames"] == []


async def test_events_before_the_moment_of_a_right_do_not_exist(site: Site, recorded: OpenFolder) -> None:
    """Those that were over by then; one that lasted at that moment is shown."""
    rule = {"events": ("*",), "history": ("door@2026-11-29T11:59:30Z",)}
    guest = evolve(site, principal=Principal("guest", Rights.of(rule), "key", "guest"))
    for label, begin, end in (("over", -60, -50), ("lasting", -40, -10)):
        recorded.events.begin("door", label, EventSource.API, begin=NOON + begin, end=NOON + end)

    found = [(await one.get(ROUTE)).json()["events"] for one in (site, guest)]

    assert [[event["label"] for event in events] for events in found] == [["over", "lasting"], ["lasting"]]


async def test_only_those_who_may_see_all_recordings_get_the_figures_about_all(site: Site) -> None:
    """Others would see that cameras are recorded of which they may not know."""
    guest = evolve(site, principal=Principal("guest", Rights.of({"history": ("door",)}), "key", "guest"))
    assert {"framesWritten", "bytesFree"} <= set((await site.get("/api/history")).json())
    assert set((await guest.get("/api/history")).json()) == {"recording", "trouble", "cameras"}


async def test_the_log_says_who_history_begins(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """One line for each clip and each deletion; and one a minute for pictures and lists, however many there are."""
    caplog.set_level("INFO", "skysentry_trio.audit")
    admin = evolve(site, principal=Principal("ann", Rights.of({"admin": ("*",)}), "user", "user:ann"))
    for _ in range(3):
        await admin.get(LATEST, query="?at=2026-11-29T12:00:30Z")
        await admin.get(ROUTE)
        await admin.get(CLIP, query="?format=mjpeg")
    await admin.ask("/api/clients/door/history", "DELETE")
    said = [record.msg["event"] for record in caplog.records if isinstance(record.msg, dict)]
    assert [said.count(event) for event in ("old frames seen", "clip exported", "recordings deleted")] == [2, 3, 1]
    assert all(record.msg["who"] == "ann" for record in caplog.records if isinstance(record.msg, dict))


async def test_a_server_that_records_nothing_says_so() -> None:
    """The sentence names the flag."""
    answer = await Site().get(ROUTE)

    assert answer.status == 404
    assert "--history FOLDER" in answer.json()["error"]


async def test_limits_in_the_wrong_order_are_refused(site: Site) -> None:
    """From is a moment before to."""
    answer = await site.get(ROUTE, query="?from=2&to=1")

    assert answer.status == 400


async def test_a_disk_that_hangs_delays_only_who_asks(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other requests are answered while one waits for the disk."""
    release = Event()

    def hang(*_arguments: object) -> list[RecordedSpan]:
        release.wait(20)
        return []

    monkeypatch.setattr(HistoryReader, "spans", hang)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(site.get, ROUTE)
        await trio.sleep(0.05)
        answer = await site.ask("/api/health")
        release.set()

    assert answer.status == 200
