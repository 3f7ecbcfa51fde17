"""Exports over REST: made, watched, fetched piece by piece, deleted; who may do so, and what is bounded."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import trio
from attrs import evolve

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import Principal, Rights
from skysentry_trio.server.history.events import EventSource
from skysentry_trio.server.http import export_jobs, exports
from skysentry_trio.server.http.export_archive import ExportRange, Progress
from skysentry_trio.server.http.export_jobs import ExportJob, ExportJobs
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.transport.other_servers import _NoOtherServers
from tests.clocks import NOON
from tests.server.history.helpers import OpenFolder, history_of
from tests.server.http.rest_harness import DESCRIPTION, Answer, Site, check_against

JSON = {"content_type": "application/json"}
BOTH = {"clients": ["door", "yard"], "from": "2026-11-29T12:00:00Z", "to": "2026-11-29T12:01:00Z"}


@pytest.fixture
async def jobs(recorded: OpenFolder) -> ExportJobs:
    return ExportJobs(recorded.reader, 10**9, 0, lambda: NOON + trio.current_time())


@pytest.fixture
async def site(recorded: OpenFolder, jobs: ExportJobs) -> Site:
    hub = Hub(Settings(max_fps=1000))
    return Site(hub, history=history_of(hub, recorded), exports=jobs)


@asynccontextmanager
async def running(jobs: ExportJobs) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(jobs.run)
        yield
        nursery.cancel_scope.cancel()


async def post(site: Site, body: object = BOTH) -> Answer:
    answer = await site.ask("/api/exports", "POST", json.dumps(body).encode(), **JSON)
    operation = DESCRIPTION["paths"]["/api/exports"]["post"]
    check_against(operation, answer.status, answer.headers.get("content-type"), answer.body)
    return answer


async def finished(site: Site, export_id: str) -> Any:
    """Return an export that is no longer being written."""
    with trio.fail_after(30):
        while True:
            answer = await site.ask(f"/api/exports/{export_id}")
            check_against(
                DESCRIPTION["paths"]["/api/exports/{export_id}"]["get"],
                answer.status,
                answer.headers.get("content-type"),
                answer.body,
            )
            if answer.json()["state"] in {"ready", "failed"}:
                return answer.json()
            await trio.sleep(0.01)


async def test_an_export_is_made_and_fetched(site: Site, jobs: ExportJobs) -> None:
    """It has the frames of both cameras between the moments, is listed, and is counted."""
    async with running(jobs):
        made = await post(site)
        done = await finished(site, made.json()["id"])
        file = await site.ask("/" + done["url"])
        listed = (await site.ask("/api/exports")).json()["exports"]
        metrics = (await site.ask("/metrics")).body.decode()

    assert (made.status, made.json()["state"], made.json()["progress"]) == (202, "waiting", 0.0)
    assert (done["state"], done["progress"], done["frames"], done["error"]) == ("ready", 1.0, 71, None)
    with zipfile.ZipFile(io.BytesIO(file.body)) as archive:
        said = json.loads(archive.read("manifest.json"))
    assert [len(camera["frames"]) for camera in said["cameras"]] == [61, 10]
    assert len(file.body) == done["bytes"]
    assert file.headers["content-disposition"] == f'attachment; filename="{done["name"]}"'
    assert listed == [done]
    assert "skysentry_exported_frames_total 71.0" in metrics
    assert f"skysentry_export_bytes {float(done['bytes'])}" in metrics or "skysentry_export_bytes" in metrics


async def test_the_manifest_has_events_for_who_may_see_them(site: Site, jobs: ExportJobs, recorded: OpenFolder) -> None:
    """An event that reaches into this time is listed with its camera; without the right, it is not."""
    recorded.events.begin("door", "person", EventSource.API, begin=NOON - 5, end=NOON, data=None)
    guest = evolve(site, principal=Principal("ann", Rights.of({"history": ("*",)}), "key", "ann"))
    said = []
    async with running(jobs):
        for one in (site, guest):
            done = await finished(one, (await post(one)).json()["id"])
            file = await one.ask("/" + done["url"])
            with zipfile.ZipFile(io.BytesIO(file.body)) as archive:
                door, yard = json.loads(archive.read("manifest.json"))["cameras"]
                said.append(([event["label"] for event in door["events"]], yard["events"]))

    assert said == [(["person"], []), ([], [])]


async def test_frames_from_before_a_right_begins_are_not_exported(site: Site, jobs: ExportJobs) -> None:
    """A right to old frames from a moment on is one to exports from then on."""
    rights = Rights.of({"history": ("door@2026-11-29T12:00:50Z",)})
    guest = evolve(site, principal=Principal("ann", rights, "key", "ann"))
    async with running(jobs):
        early = await post(guest, {**BOTH, "clients": ["door"], "to": "2026-11-29T12:00:40Z"})
        done = await finished(guest, (await post(guest, {**BOTH, "clients": ["door"]})).json()["id"])

    assert (early.status, done["frames"]) == (404, 11)


async def test_a_download_goes_on_where_it_ended(site: Site, jobs: ExportJobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any part can be fetched, as long as the file is the same; other ranges are refused or ignored."""
    monkeypatch.setattr(exports, "_PIECE", 1000)
    async with running(jobs):
        done = await finished(site, (await post(site)).json()["id"])
        whole = await site.ask("/" + done["url"])
        rest = await site.ask("/" + done["url"], range="bytes=5000-")
        last = await site.ask("/" + done["url"], range="bytes=-10", if_range=whole.headers["etag"])
        changed = await site.ask("/" + done["url"], range="bytes=-10", if_range='"another"')
        beyond = await site.ask("/" + done["url"], range=f"bytes={len(whole.body)}-")
        head = await site.ask("/" + done["url"], "HEAD")

    size = len(whole.body)
    assert (rest.status, rest.body) == (206, whole.body[5000:])
    assert rest.headers["content-range"] == f"bytes 5000-{size - 1}/{size}"
    assert (last.status, last.body) == (206, whole.body[-10:])
    assert (changed.status, changed.body) == (200, whole.body)
    assert beyond.status == 416
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(size))
    assert len(whole.pieces) > 3


async def test_a_slow_reader_delays_nobody(site: Site, jobs: ExportJobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """While somebody reads slowly, others read the same file, and the next export is written."""
    monkeypatch.setattr(exports, "_PIECE", 1000)
    begun, go_on, got = trio.Event(), trio.Event(), list[bytes]()

    async def wait() -> None:
        begun.set()
        await go_on.wait()

    async def read_slowly() -> None:
        got.append((await evolve(site, on_piece=wait).ask("/" + first["url"])).body)

    async with running(jobs):
        first = await finished(site, (await post(site)).json()["id"])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read_slowly)
            await begun.wait()
            quick = await site.ask("/" + first["url"])
            second = await finished(site, (await post(site)).json()["id"])
            go_on.set()

    assert second["state"] == "ready"
    assert got == [quick.body]


async def test_what_somebody_is_fetching_can_be_deleted(site: Site, jobs: ExportJobs) -> None:
    """A deleted export is gone, and so is its file."""
    async with running(jobs):
        done = await finished(site, (await post(site)).json()["id"])
        path = jobs.jobs[done["id"]].path
        deleted = await site.ask(f"/api/exports/{done['id']}", "DELETE")
        gone = await site.ask("/" + done["url"])

    assert (deleted.status, deleted.body, gone.status) == (204, b"", 404)
    assert not path.exists()


async def test_an_export_that_is_being_written_can_be_deleted(
    site: Site, jobs: ExportJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stops after a step, and the next one is written."""
    begun, go_on = Event(), Event()

    def slowly(target: Any, *_: Any) -> Iterator[Progress]:
        target.write(b"begun")
        begun.set()
        go_on.wait(20)
        yield Progress(0.5, 1, 5)
        raise AssertionError("this step is not taken")

    with monkeypatch.context() as patched:
        patched.setattr(export_jobs, "write_archive", slowly)
        async with running(jobs):
            first = (await post(site)).json()["id"]
            path = jobs.jobs[first].path
            await trio.to_thread.run_sync(begun.wait, 20)
            early = await site.ask(f"/api/exports/{first}/file")
            deleted = await site.ask(f"/api/exports/{first}", "DELETE")
            patched.undo()
            second = (await post(site)).json()["id"]
            go_on.set()
            done = await finished(site, second)

    assert (early.status, deleted.status, done["state"]) == (404, 204, "ready")
    assert not path.exists()


async def test_exports_end_after_a_day(site: Site, jobs: ExportJobs, autojump_clock: trio.testing.MockClock) -> None:
    """Then their files are deleted; what an earlier process left is deleted at the start, and nothing else."""
    folder = jobs.reader.folder.path / export_jobs.FOLDER
    folder.mkdir()
    (folder / f"{'0' * 32}.zip").write_bytes(b"old")
    (folder / "mine.zip").write_bytes(b"mine")
    job = jobs.add(site.principal, ExportRange(["door"], NOON, NOON + 1, "zip"))
    job.state, job.expires_at = "ready", NOON + trio.current_time() + 3600
    job.path.write_bytes(b"done")
    leftovers = jobs._delete_leftovers
    leftovers()
    autojump_clock.autojump_threshold = float("inf")
    autojump_clock.jump(3700)
    async with running(jobs):
        with trio.fail_after(30):
            # A thread deletes the file after the export is in no list any more.
            while job.path.exists():
                await trio.to_thread.run_sync(lambda: None)

    assert jobs.jobs == {}
    assert [path.name for path in folder.iterdir()] == ["mine.zip"]


async def test_exports_are_bounded(site: Site, jobs: ExportJobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """By number, by their bytes, and by the space on the volume; one that fails leaves no file."""
    monkeypatch.setattr(export_jobs, "MOST", 2)
    answers = [await post(site) for _ in range(3)]
    jobs.max_bytes = 100
    async with running(jobs):
        large = await finished(site, answers[0].json()["id"])
        jobs.max_bytes, jobs.min_free = 10**9, 2**80
        full = await finished(site, answers[1].json()["id"])
        for answer in answers[:2]:
            await site.ask(f"/api/exports/{answer.json()['id']}", "DELETE")
        jobs.min_free = 0
        again = await finished(site, (await post(site)).json()["id"])

    assert [answer.status for answer in answers] == [202, 202, 503]
    assert large["error"] == "the exports together have reached their limit, history_export_bytes"
    assert (full["state"], again["state"]) == ("failed", "ready")
    folder = jobs.reader.folder.path / export_jobs.FOLDER
    assert len(list(folder.iterdir())) == 1


async def test_what_is_fetched_from_another_server_is_bounded(site: Site, jobs: ExportJobs) -> None:
    """By the bytes of all exports, and by the space on the volume; nothing of it is left."""
    others = EndlessServer()
    jobs.others, jobs.max_bytes = others, 300_000
    async with running(jobs):
        large = await finished(site, jobs.add(site.principal, ExportRange(["yard"], NOON, NOON + 60, "zip")).id)
        jobs.max_bytes, jobs.min_free, others.sent = 10**9, 2**80, 0
        full = await finished(site, jobs.add(site.principal, ExportRange(["yard"], NOON, NOON + 60, "zip")).id)
        with trio.fail_after(30):
            while list((jobs.reader.folder.path / export_jobs.FOLDER).iterdir()):  # noqa: ASYNC110 - no event says so
                await trio.sleep(0.01)

    assert large["error"] == "the exports together have reached their limit, history_export_bytes"
    assert (full["error"], others.sent) == ("the volume has too little space for this export", 1)


async def test_nobody_can_use_up_the_exports_of_everybody(site: Site, jobs: ExportJobs) -> None:
    """Each gets half of what the others leave, and an administrator all of it."""
    ann, bob = (guest_of(site, name) for name in ("ann", "bob"))
    made = [[(await post(who)).status for _ in range(count)] for who, count in ((ann, 9), (bob, 5), (site, 5))]
    assert made == [[202] * 8 + [503], [202] * 4 + [503], [202] * 4 + [503]]


async def test_nobody_can_use_up_the_bytes_of_everybody(site: Site, jobs: ExportJobs) -> None:
    """A guest's export may have half of what there is; then somebody else's has room."""
    ann, bob = (guest_of(site, name) for name in ("ann", "bob"))
    async with running(jobs):
        size = (await finished(ann, (await post(ann)).json()["id"]))["bytes"]
        jobs.max_bytes = 5 * size
        done = [await finished(who, (await post(who)).json()["id"]) for who in (ann, ann, bob, site, site)]

    assert [one["state"] for one in done] == ["ready", "failed", "ready", "ready", "ready"]
    assert done[1]["error"] == "your exports have reached half of what those of others leave of history_export_bytes"


async def test_exports_are_written_in_turn(site: Site, jobs: ExportJobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who asks for many delays nobody else by more than one of them."""
    written = list[str]()
    wanted = ExportRange(["door"], NOON, NOON + 1, "zip")
    names = {
        jobs.add(guest_of(site, name[0]).principal, wanted).id: name for name in ("a1", "a2", "a3", "b1", "b2", "c1")
    }

    async def note(job: ExportJob) -> None:
        written.append(names[job.id])
        job.state = "ready"

    monkeypatch.setattr(ExportJobs, "_write", lambda _jobs, job: note(job))
    async with running(jobs):
        with trio.fail_after(30):
            while len(written) < len(names):  # noqa: ASYNC110 - no event says so
                await trio.sleep(0.01)

    assert written == ["a1", "b1", "c1", "a2", "b2", "a3"]


async def test_a_deleted_export_waits_for_no_other_server(site: Site, jobs: ExportJobs) -> None:
    """That server may send as many clips as it may; the next export is written at once, and no file is left."""
    others = BusyServer()
    jobs.others = others
    async with running(jobs):
        waiting = jobs.add(site.principal, ExportRange(["yard"], NOON, NOON + 60, "zip"))
        await others.asked.wait()
        jobs.others = _NoOtherServers()
        following = jobs.add(site.principal, ExportRange(["door"], NOON, NOON + 60, "zip"))
        await jobs.remove(waiting)
        with trio.fail_after(10):
            assert (await finished(site, following.id))["state"] == "ready"

    folder = jobs.reader.folder.path / export_jobs.FOLDER
    assert [path.name for path in folder.iterdir()] == [following.path.name]


async def test_a_file_that_cannot_be_deleted_ends_no_export(
    site: Site, jobs: ExportJobs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The volume may be read-only after a failure; the export is gone all the same, and the log names its file."""
    (jobs.reader.folder.path / export_jobs.FOLDER).mkdir()
    (jobs.reader.folder.path / export_jobs.FOLDER / f"{'0' * 32}.zip").write_bytes(b"old")

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", fail)
    async with running(jobs):
        done = await finished(site, (await post(site)).json()["id"])
        deleted = await site.ask(f"/api/exports/{done['id']}", "DELETE")
        jobs.jobs[(await post(site)).json()["id"]].expires_at = 0.0
        again = await finished(site, (await post(site)).json()["id"])

    assert (done["state"], deleted.status, again["state"]) == ("ready", 204, "ready")
    assert "Read-only file system" in caplog.text


async def test_an_export_whose_service_crashed_has_failed(
    site: Site, jobs: ExportJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody goes on with it when the service is restarted, so it does not keep its place for ever."""

    async def crash(_jobs: ExportJobs) -> None:
        await others.asked.wait()
        raise RuntimeError("crash")

    jobs.others = others = BusyServer()
    job = jobs.add(site.principal, ExportRange(["yard"], NOON, NOON + 60, "zip"))
    with monkeypatch.context() as patched:
        patched.setattr(ExportJobs, "_delete_expired", crash)
        with pytest.RaisesGroup(RuntimeError):
            await jobs.run()

    assert job.state == "failed"
    assert job.expires_at is not None
    jobs.others = _NoOtherServers()
    async with running(jobs):
        assert (await finished(site, (await post(site)).json()["id"]))["state"] == "ready"


def guest_of(site: Site, name: str) -> Site:
    """Return the site for somebody who may see all recordings, and is no administrator."""
    return evolve(site, principal=Principal(name, Rights.of({"history": ["*"]}), "key", name))


class BusyServer(_NoOtherServers):
    """Another server that always sends as many clips as it may."""

    def __init__(self) -> None:
        self.asked = trio.Event()

    def owner(self, _camera_id: str) -> str:
        return "another"

    async def fetch_from_owner(self, *_: Any) -> bool:
        self.asked.set()
        raise ProtocolViolation("node another is busy; try again later", "busy")


class EndlessServer(_NoOtherServers):
    """Another server, whose clips have no end."""

    sent = 0

    def owner(self, _camera_id: str) -> str:
        return "another"

    async def fetch_from_owner(
        self, _camera_id: str, _resource: str, _principal: Principal, take: Callable[[bytes], Awaitable[None]]
    ) -> bool:
        while self.sent < 20:
            self.sent += 1
            await take(bytes(100_000))
        return True


async def test_only_who_may_see_all_cameras_gets_an_export(site: Site, jobs: ExportJobs) -> None:
    """A camera without this right does not exist; exports of others, and one's own after a right was lost, neither."""

    def guest(name: str, *cameras: str) -> Site:
        return evolve(site, principal=Principal(name, Rights.of({"history": cameras}), "key", name))

    async with running(jobs):
        hidden = await post(guest("ann", "door"))
        mine = (await post(guest("ann", "door", "yard"))).json()["id"]
        await finished(guest("ann", "door", "yard"), mine)
        lost = await guest("ann", "door").ask(f"/api/exports/{mine}/file")
        foreign = await guest("bob", "door", "yard").ask(f"/api/exports/{mine}")
        listed = (await guest("bob", "door", "yard").ask("/api/exports")).json()
        admin = await site.ask(f"/api/exports/{mine}")

    assert (hidden.status, lost.status, foreign.status, admin.status) == (404, 404, 404, 200)
    assert listed == {"exports": []}


async def test_a_right_that_begins_later_now_hides_an_export_of_earlier_frames(site: Site, jobs: ExportJobs) -> None:
    """As if the right to the camera were gone; an export of later frames stays."""

    def guest(begin: str) -> Site:
        rights = Rights.of({"history": (f"door@2026-11-29T{begin}Z",)})
        return evolve(site, principal=Principal("ann", rights, "key", "ann"))

    async with running(jobs):
        early = (await post(guest("11:00"), {**BOTH, "clients": ["door"]})).json()["id"]
        late = (await post(guest("12:00:50"), {**BOTH, "clients": ["door"]})).json()["id"]
        for one in (early, late):
            await finished(guest("11:00"), one)
        statuses = [(await guest("12:00:50").ask(f"/api/exports/{one}/file")).status for one in (early, late)]

    assert statuses == [404, 200]


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        ({"clients": []}, 400, "clients are 1 to 100 ids of cameras, got 0"),
        ({"clients": ["../x"]}, 400, "id"),
        ({"format": "gif"}, 400, "format is one of zip, mkv, mp4, mjpeg, got 'gif'"),
        ({"from": "yesterday"}, 400, "from is a moment such as"),
        ({"from": 2, "to": 1}, 400, "from is a moment before to"),
        ({"from": 1, "to": 2}, 404, "none of these cameras was recorded then"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    site: Site, change: dict[str, object], status: int, sentence: str
) -> None:
    """The sentence says what was expected."""
    answer = await post(site, {**BOTH, **change})

    assert answer.status == status
    assert sentence in answer.json()["error"]


async def test_videos_need_a_library(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, the answer names it."""
    monkeypatch.setattr(exports, "find_spec", lambda _name: None)

    answer = await post(site, {**BOTH, "format": "mkv"})

    assert answer.status == 501
    assert "PyAV" in answer.json()["error"]


async def test_who_exports_is_in_the_log(site: Site, jobs: ExportJobs, caplog: pytest.LogCaptureFixture) -> None:
    """Making, fetching and deleting have a line each."""
    caplog.set_level("INFO")
    async with running(jobs):
        done = await finished(site, (await post(site)).json()["id"])
        await site.ask("/" + done["url"])
        await site.ask(f"/api/exports/{done['id']}", "DELETE")

    lines: list[Any] = [record.msg for record in caplog.records]
    said = [(line["event"], line["who"]) for line in lines if "export" in line]
    assert said == [("export made", "anyone"), ("export fetched", "anyone"), ("export deleted", "anyone")]


async def test_a_server_that_records_nothing_exports_nothing() -> None:
    """The sentence names the flag."""
    answer = await Site().ask("/api/exports")

    assert answer.status == 404
    assert "--history FOLDER" in answer.json()["error"]
