"""What a monitor gets from /metrics: read by the client library's own parsers, held to the conventions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
from attrs import evolve, frozen
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families
from trio.testing import MockClock

from skysentry_trio._version import __version__
from skysentry_trio.base.principal import Principal, Rights
from skysentry_trio.server.history.retention import Forecast, NextDeletion
from skysentry_trio.server.http.metric_families import MAX_LABELLED
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.settings import Settings
from tests.clocks import NOON
from tests.hubs import evict_idle, nothing
from tests.server.history.helpers import OpenFolder, frames, history_of
from tests.server.http.rest_harness import Site, publish

DOCS = Path(__file__).parents[3] / "docs"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
OF_A_CAMERA = {
    "skysentry_camera_online",
    "skysentry_camera_received_frames",
    "skysentry_camera_received_bytes",
    "skysentry_camera_refused_frames",
    "skysentry_camera_frames_per_second",
    "skysentry_camera_viewers",
    "skysentry_camera_last_frame_age_seconds",
}


@frozen
class Figures:
    """The figures of a link to another server."""

    url: str = "http://10.0.0.2:8080"
    is_connected: bool = True
    cameras_watched: int = 1
    round_trip: float | None = 0.001
    frames: int = 3
    nbytes: int = 100
    dropped: int = 0
    results_dropped: int = 4
    requests: int = 2


async def read(site: Site, accept: str = "") -> dict[str, Metric]:
    """Ask for the metrics; return the families by name, each of which comes once."""
    answer = await site.ask("/metrics", Accept=accept)
    assert answer.status == 200
    text = answer.body.decode()
    if accept == OPENMETRICS:
        families = list(openmetrics_parser.text_string_to_metric_families(text))  # type: ignore[no-untyped-call]
    else:
        families = list(text_string_to_metric_families(text))
    by_name = {family.name: family for family in families}
    assert len(by_name) == len(families)
    return by_name


async def samples(site: Site) -> dict[tuple[str, ...], float]:
    """Return values by name and label values."""
    families = await read(site)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families.values()
        for sample in family.samples
    }


@contextmanager
def busy_site() -> Iterator[Site]:
    """Have something to say in every family."""
    site = Site(links=[Figures()])
    site.connections.open, site.connections.accepted = 3, 7
    site.connections.ended_by["request-timeout"] += 2
    with site.hub.register("door", on_end=nothing) as door, site.hub.watch() as viewer:
        site.hub.subscribe(viewer)
        for _ in range(3):
            publish(site.hub, door)
        door.camera.refused["not-a-jpeg"] += 1
        site.hub.count_refusal("viewer", "flood")
        site.hub.latency.by_stage["total"].observe(0.3)
        site.loop.lag.observe(0.2)
        site.loop.stalls, site.loop.stalled = 1, 0.2
        yield site


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/html", "text/plain; version=0.0.4; charset=utf-8"),
        (
            "text/plain;version=1.0.0;escaping=allow-utf-8",
            "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
        ),
        (OPENMETRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"),
        ("application/openmetrics-text; version=x", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text; version=\u0661.0.0", "text/plain; version=0.0.4; charset=utf-8"),
        (f"application/openmetrics-text; version={'9' * 5000}", "text/plain; version=0.0.4; charset=utf-8"),
    ],
)
async def test_the_format_is_what_was_asked_for(accept: str, content_type: str) -> None:
    """Prometheus asks for OpenMetrics and takes the text format; nonsense gets the text format, and no error."""
    with busy_site() as site:
        answer = await site.ask("/metrics", Accept=accept)

    assert (answer.status, answer.headers["content-type"]) == (200, content_type)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["vary"] == "Accept"
    assert answer.body.endswith(b"# EOF\n") == content_type.startswith("application/openmetrics-text")
    assert answer.body.count(b"# EOF") <= 1


async def test_both_formats_say_the_same() -> None:
    """Family by family, as the strict parser of OpenMetrics reads them, too."""
    with busy_site() as site:
        text, open_metrics = await read(site), await read(site, OPENMETRICS)

    # The text format has no type for facts.
    renamed = {"skysentry_build": "skysentry_build_info", "python": "python_info"}
    assert {renamed.get(name, name) for name in open_metrics} == set(text)


async def test_names_keep_the_conventions() -> None:
    """As promtool's linter has them: a prefix, base units, _total for counters only, a help text for each."""
    with busy_site() as site:
        answer = await site.ask("/metrics")
    text = answer.body.decode()
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    helps = dict(re.findall(r"^# HELP (\S+) (.+)$", text, re.MULTILINE))

    assert set(types) == set(helps)
    for name, kind in types.items():
        assert re.fullmatch(r"(skysentry|process|python)_[a-z_]+", name), name
        assert kind in {"counter", "gauge", "histogram"}, name
        assert name.endswith("_total") == (kind == "counter"), name
        assert not re.search(r"_(milli|micro|ms|us|kb|mb|minutes|hours|percent|count|sum|bucket)(_|$)", name), name
        if kind == "histogram":
            assert name.endswith(("_seconds", "_bytes"))
        if name.startswith("skysentry_"):
            assert helps[name].endswith("."), name


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[OpenFolder]:
    """Two cameras that were recorded, and whose recordings will be deleted some day."""
    opened = OpenFolder(tmp_path / "history")
    opened.record("door", frames(3))
    opened.record("yard", frames(3))
    opened.writer.usages = tuple(opened.reader.usage())
    deletion = NextDeletion(NOON + 60, "age")
    opened.writer.forecast = Forecast(deletion, {"door": deletion})
    yield opened
    opened.close()


def with_recordings(site: Site, recorded: OpenFolder) -> Site:
    return evolve(site, history=history_of(site.hub, recorded))


async def test_figures_of_recordings_are_of_cameras_that_may_be_seen(recorded: OpenFolder) -> None:
    """A program that may read the counters of one camera does not learn that there are others."""
    with busy_site() as site:
        reader = Principal("guest", Rights.of({"metrics": ("door",)}), "key", "guest")
        answer = await evolve(with_recordings(site, recorded), principal=reader).ask("/metrics")
    text = "\n".join(line for line in answer.body.decode().splitlines() if line.startswith("skysentry_recordings"))

    assert 'skysentry_recordings_bytes{camera="door"}' in text
    assert 'skysentry_recordings_next_deletion_timestamp_seconds{camera="door"} 1.79595366e+09' in text
    assert "yard" not in text


async def test_the_reference_lists_what_there_is(recorded: OpenFolder) -> None:
    """Each metric with its type and its labels, and none that is not there."""
    with busy_site() as site:
        answer = await with_recordings(site, recorded).ask("/metrics")
    exposed = {}
    for family in text_string_to_metric_families(answer.body.decode()):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        exposed[name] = family.type, labels
    rows = re.findall(
        r"^\| `(\w+)` \| (\w+) \|([^|]*)\| \S", (DOCS / "reference" / "metrics.md").read_text(), re.MULTILINE
    )

    assert {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows} == exposed


async def test_what_the_guide_asks_for_exists() -> None:
    """Its alerts and questions are about metrics that there are."""
    with busy_site() as site:
        families = await read(site)
    known = {sample.name for family in families.values() for sample in family.samples}
    asked = re.findall(r"\b(?:skysentry|process)_\w+", (DOCS / "how-to" / "monitor-with-prometheus.md").read_text())

    assert len(asked) > 15
    assert set(asked) <= known


async def test_what_was_counted_is_shown(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames and bytes both ways, drops, connections, cameras, viewers, rings, and each camera by itself."""
    monkeypatch.setattr("time.time", trio.current_time)
    with busy_site() as site:
        await trio.sleep(5)
        seen = await samples(site)
        size = site.hub.statistics().ring_bytes
    left = await samples(site)

    assert size > 0
    assert {
        name: seen[tuple(name.split())]
        for name in (
            "skysentry_build_info " + __version__,
            "skysentry_cameras",
            "skysentry_cameras_online",
            "skysentry_viewers",
            "skysentry_ring_bytes",
            "skysentry_received_frames_total",
            "skysentry_received_bytes_total",
            "skysentry_dropped_frames_total replaced",
            "skysentry_dropped_frames_total left",
            "skysentry_refused_frames_total not-a-jpeg",
            "skysentry_refused_frames_total too-fast",
            "skysentry_refused_peers_total flood viewer",
            "skysentry_connections",
            "skysentry_accepted_connections_total",
            "skysentry_ended_connections_total request-timeout",
            "skysentry_ended_connections_total crash",
            "skysentry_latency_seconds_sum total",
            "skysentry_latency_seconds_bucket total 0.25",
            "skysentry_latency_seconds_bucket total 0.5",
            "skysentry_latency_seconds_bucket total +Inf",
            "skysentry_event_loop_stalls_total",
            "skysentry_event_loop_stall_seconds_total",
            "skysentry_event_loop_lag_seconds_count",
            "skysentry_camera_online door",
            "skysentry_camera_received_frames_total door",
            "skysentry_camera_received_bytes_total door",
            "skysentry_camera_refused_frames_total door not-a-jpeg",
            "skysentry_camera_viewers door",
            "skysentry_camera_last_frame_age_seconds door",
            "skysentry_cameras_unlabelled",
        )
    } == {
        "skysentry_build_info " + __version__: 1,
        "skysentry_cameras": 1,
        "skysentry_cameras_online": 1,
        "skysentry_viewers": 1,
        "skysentry_ring_bytes": size,
        "skysentry_received_frames_total": 3,
        "skysentry_received_bytes_total": size,
        "skysentry_dropped_frames_total replaced": 2,
        "skysentry_dropped_frames_total left": 0,
        "skysentry_refused_frames_total not-a-jpeg": 1,
        "skysentry_refused_frames_total too-fast": 0,
        "skysentry_refused_peers_total flood viewer": 1,
        "skysentry_connections": 3,
        "skysentry_accepted_connections_total": 7,
        "skysentry_ended_connections_total request-timeout": 2,
        "skysentry_ended_connections_total crash": 0,
        "skysentry_latency_seconds_sum total": 0.3,
        "skysentry_latency_seconds_bucket total 0.25": 0,
        "skysentry_latency_seconds_bucket total 0.5": 1,
        "skysentry_latency_seconds_bucket total +Inf": 1,
        "skysentry_event_loop_stalls_total": 1,
        "skysentry_event_loop_stall_seconds_total": 0.2,
        "skysentry_event_loop_lag_seconds_count": 1,
        "skysentry_camera_online door": 1,
        "skysentry_camera_received_frames_total door": 3,
        "skysentry_camera_received_bytes_total door": size,
        "skysentry_camera_refused_frames_total door not-a-jpeg": 1,
        "skysentry_camera_viewers door": 1,
        "skysentry_camera_last_frame_age_seconds door": 5,
        "skysentry_cameras_unlabelled": 0,
    }
    assert left["skysentry_dropped_frames_total", "left"] == 1
    assert left["skysentry_viewers",] == left["skysentry_camera_online", "door"] == 0
    assert seen["process_resident_memory_bytes",] > 1e6


async def test_a_camera_without_frames_is_as_old_as_itself(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So an alert on silent cameras sees those that never began, also when the clock is set."""
    monkeypatch.setattr("time.time", trio.current_time)
    site = Site()
    with site.hub.register("door", on_end=nothing):
        await trio.sleep(7)
        assert (await samples(site))["skysentry_camera_last_frame_age_seconds", "door"] == 7
        monkeypatch.setattr("time.time", lambda: -1000.0)
        assert (await samples(site))["skysentry_camera_last_frame_age_seconds", "door"] == 7


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
@pytest.mark.parametrize(
    "camera_id", ['"} 1\nevil_total 666\n#', "back\\slash", "\\n", "\u202eRTL", "\x00", "a,b=c", "\u2028", " ", "{}"]
)
async def test_ids_cannot_break_the_format(camera_id: str, accept: str) -> None:
    """None of these gets past the wire; if one ever does it is a label value, as it was, and nothing else."""
    site = Site()
    with site.hub.register(camera_id, on_end=nothing) as session:
        publish(site.hub, session)
        families = await read(site, accept)

    assert "evil" not in families
    (sample,) = families["skysentry_camera_received_frames"].samples
    assert (sample.labels, sample.value) == ({"camera": camera_id}, 1.0)


async def test_series_are_bounded(autojump_clock: MockClock) -> None:
    """200 cameras have their own; what all others counted is in the series without that label, and goes only up."""
    site = Site(hub=Hub(Settings(max_fps=1000, client_timeout=60)))
    hub, beyond = site.hub, 30
    sessions = {}
    for index in range(MAX_LABELLED + beyond):
        context = hub.register(f"camera-{index}", on_end=nothing)
        sessions[index] = context, context.__enter__()
        publish(hub, sessions[index][1])
    one_of_the_rest = sessions[MAX_LABELLED][1]
    one_of_the_rest.camera.refused["too-fast"] += 5
    families = await read(site)
    first = await samples(site)

    assert all(len(families[name].samples) <= MAX_LABELLED + 1 for name in OF_A_CAMERA)
    assert len({sample.labels.get("camera") for name in OF_A_CAMERA for sample in families[name].samples}) == 201
    assert first["skysentry_cameras_unlabelled",] == beyond
    assert first["skysentry_camera_received_frames_total",] == beyond
    assert first["skysentry_camera_online",] == beyond
    assert first["skysentry_camera_refused_frames_total", "too-fast"] == 5

    # The first ten leave and are forgotten: ten of the others get series of their own.
    await trio.sleep(50)
    for index, (context, session) in sessions.items():
        if index < 10:
            context.__exit__(None, None, None)
        else:
            publish(hub, session)
    await trio.sleep(20)
    for index in range(10):
        site.hub.camera(f"camera-{index}").last_heard = 0.0  # type: ignore[union-attr]
    assert len(evict_idle(hub)) == 10
    one_of_the_rest.camera.refused["too-fast"] += 1
    second = await samples(site)

    assert second["skysentry_cameras_unlabelled",] == beyond - 10
    assert second["skysentry_camera_received_frames_total",] == beyond + beyond - 10
    assert second["skysentry_camera_received_frames_total", f"camera-{MAX_LABELLED}"] == 2
    assert second["skysentry_camera_refused_frames_total", "too-fast"] == 5
    for index, (context, _) in sessions.items():
        if index >= 10:
            context.__exit__(None, None, None)


async def test_others_have_their_turn_while_it_is_rendered() -> None:
    """Between any two families, so that nobody's frames wait for the whole of it."""
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    with busy_site() as site:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(take_turns)
            families = await read(site)
            nursery.cancel_scope.cancel()

    assert turns >= len(families)
