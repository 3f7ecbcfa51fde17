"""The documentation is complete, fresh and true: what the code knows is compared with it, what can be run is run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click
import httpx
import msgspec
import pytest

import skysentry_trio.wire.capture
import skysentry_trio.wire.viewer
import skysentry_trio.wire.viewer_frames  # noqa: F401 # so that their messages are known
from skysentry_trio.base.exceptions import REFUSALS, CloseCode
from skysentry_trio.cli.main import cli
from skysentry_trio.server.health import Health
from skysentry_trio.server.http.app import build_app
from skysentry_trio.server.http.direct_routes import ROUTES as DIRECT
from skysentry_trio.server.loop_monitor import LoopMonitor
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.transport.connection_log import ConnectionLog
from skysentry_trio.sources.drawing import Pattern
from skysentry_trio.wire.messages import Message

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PACKAGE = ROOT / "src" / "skysentry_trio"
PROTOCOL = (DOCS / "reference" / "protocol.md").read_text("utf-8")
REST = (DOCS / "reference" / "rest.md").read_text("utf-8")
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "frontend" / "README.md",
    *sorted(DOCS.rglob("*.md")),
]
PATIENCE = 30.0
SERVER = "localhost:8080"
"""Where the documentation has the server."""
MESSAGES: dict[str, list[type[Message]]] = {}
for _message in (message for one in Message.__subclasses__() for message in (one, *one.__subclasses__())):
    if isinstance(_tag := _message.__struct_config__.tag, str):
        MESSAGES.setdefault(_tag, []).append(_message)
WITHOUT_WEBSOCKET = {
    "bad-multipart",
    "bad-proxy-header",
    "bad-request",
    "busy",
    "draining",
    "host-refused",
    "not-installed",
    "origin-refused",
    "replaced",
    "silent",
    "upgrade-required",
    "wrong-content-type",
}
"""Codes that no message over WebSockets has: the HTTP status, or the close code, tells programs enough."""


class Block(NamedTuple):
    """A fenced block of a page."""

    info: str
    text: str


def blocks(text: str) -> list[Block]:
    return [Block(*found) for found in re.findall(r"^```([^\n]+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]


def prose(page: Path) -> str:
    """Return the page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


# Links


def anchors(page: Path) -> set[str]:
    """Return what can stand behind the ``#``, as GitHub makes it of headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", prose(page))


def target(page: Path, link: str) -> Path:
    return (page.parent / link.partition("#")[0]).resolve() if not link.startswith("#") else page


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    """Each link within the repository names a file that is there, and a heading of it."""
    broken = []
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        leads_to = target(page, link)
        anchor = link.partition("#")[2]
        if not leads_to.exists() or (anchor and anchor not in anchors(leads_to)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("start", [ROOT / "README.md", DOCS / "README.md"], ids=named)
def test_every_page_is_listed(start: Path) -> None:
    """The README and the index of the documentation lead to every page directly."""
    listed = {target(start, link) for link in links(start)}
    assert [named(page) for page in DOCS.rglob("*.md") if page not in listed | {DOCS / "README.md"}] == []


# Completeness


def test_the_map_lists_every_package() -> None:
    """The map in architecture.md has a line for each package of the top two levels, and for nothing else."""
    packages = [
        path.parent.relative_to(PACKAGE) for depth in ("*", "*/*") for path in PACKAGE.glob(f"{depth}/__init__.py")
    ]
    text = (DOCS / "explanation" / "architecture.md").read_text("utf-8")
    rows = text.partition("## Rooms")[2].partition("```text\n")[2].partition("```")[0].splitlines()
    assert sorted(row.split()[0] for row in rows) == sorted(".".join(package.parts) for package in packages)


def test_the_package_has_at_most_six_rooms() -> None:
    """Beside the six rooms there are only the files that Python and its tools need."""
    names = {path.name for path in PACKAGE.iterdir()} - {"web", "__pycache__"}
    assert names - {"__init__.py", "__main__.py", "_version.py", "py.typed"} == {
        "base",
        "cli",
        "client",
        "server",
        "sources",
        "wire",
    }


@pytest.mark.parametrize("name", ["command-line", "settings"])
def test_generated_pages_are_fresh(name: str) -> None:
    """`nox -s docs -- fix` writes them; how click breaks lines differs between its versions and does not count."""
    command = [sys.executable, str(DOCS / "generate.py"), name]
    made = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert (DOCS / "reference" / f"{name}.md").read_text("utf-8").split() == made.split()


async def test_every_route_has_a_section_or_a_line() -> None:
    """A route that nobody can read about fails."""
    app = build_app(Hub(Settings()), Health(), ConnectionLog(), LoopMonitor())
    described = {
        (method, re.sub(r"<(?:path:)?(\w+)>", r"{\1}", rule.rule).replace("camera_id", "clientId"))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & {"GET", "POST"}
    }
    described |= {(method.upper(), path) for path, methods in DIRECT.items() for method in methods}
    headings = set(re.findall(r"^## (GET|POST) (\S+)$", REST, re.MULTILINE))
    assert headings <= described
    assert [route for route in described - headings if f"{' '.join(route)}`" not in REST] == []


@pytest.mark.parametrize("kind", sorted(MESSAGES))
def test_every_message_is_described(kind: str) -> None:
    """With an example that the code understands, and all of its keys."""
    examples = [json.loads(block.text) for block in blocks(PROTOCOL) if block.info == "json"]
    of_this_kind = [example for example in examples if example.get("type") == kind]
    assert of_this_kind
    for message in MESSAGES[kind]:
        keys = {field.encode_name for field in msgspec.structs.fields(message)}
        assert [key for key in keys if f'"{key}"' not in PROTOCOL and f"`{key}`" not in PROTOCOL] == []
    for example in of_this_kind:
        assert any(understands(message, example) for message in MESSAGES[kind]), example


def understands(message: type[Message], example: dict[str, Any]) -> bool:
    try:
        msgspec.convert(example, message)
    except msgspec.ValidationError:
        return False
    return set(example) <= {field.encode_name for field in msgspec.structs.fields(message)} | {"type"}


def test_every_error_code_is_listed() -> None:
    """What a program may have to tell apart is in the table of error codes."""
    listed = PROTOCOL.partition("### Error codes")[2]
    assert {code for code in REFUSALS if f"`{code}`" not in listed} == WITHOUT_WEBSOCKET


def test_every_close_code_is_listed() -> None:
    """What a client has to decide by is in the table of close codes."""
    section = PROTOCOL.partition("### Close codes")[2].partition("###")[0]
    listed = set(re.findall(r"\d{4}", " ".join(re.findall(r"^\| ([\d, ]+) \|", section, re.MULTILINE))))
    assert {str(code.value) for code in CloseCode} - {str(CloseCode.ABNORMAL_CLOSURE.value)} == listed


def test_every_service_of_the_daemon_is_in_both_trees_of_tasks() -> None:
    """Readers of the code and of the documentation find each task, and what ends it."""
    source = (PACKAGE / "server" / "daemon.py").read_text("utf-8")
    services = set(re.findall(r'"([a-z ]+)"(?:: |\] = )', source))
    assert "janitor" in services
    page = (DOCS / "explanation" / "architecture.md").read_text("utf-8")
    for tree in (source, page.partition("## Tasks")[2].partition("##")[0]):
        assert services <= set(re.findall(r"│  [├└]─ ([a-z ]+?)(?::|  )", tree))


def flags(command: click.Command) -> Iterator[str]:
    for parameter in command.params:
        yield from parameter.opts
    if isinstance(command, click.Group):
        for name in command.list_commands(context := click.Context(command)):
            child = command.get_command(context, name)
            assert child is not None
            yield from flags(child)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_flags_that_are_named_exist(page: Path) -> None:
    """A flag in the text is one of ours, spelled as it is."""
    known = {*flags(cli), "--help", "--sky-"}  # the last begins the names of CSS properties
    assert [flag for flag in re.findall(r"`(--[a-z][a-z-]*)", prose(page)) if flag not in known] == []


def test_continuous_integration_runs_what_the_readme_says() -> None:
    """A reader who types the second command sees what the project sees."""
    _, test_command, *_ = [block.text.strip() for block in blocks((ROOT / "README.md").read_text("utf-8"))]
    assert test_command.endswith("nox")
    assert test_command in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert test_command in (ROOT / "CONTRIBUTING.md").read_text("utf-8")


# Truth


class Shell:
    """Runs what a page tells its reader to type, with our own server in the place of the page's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[subprocess.Popen[str]] = []
        self.server = ""

    def rewritten(self, script: str) -> str:
        programs = Path(sys.executable).parent
        return script.replace(".venv/bin/", f"{programs}/").replace(SERVER, self.server)

    def start(self, script: str) -> None:
        """Run a command that goes on; the first one is the server."""
        script = self.rewritten(script.strip())
        environment = os.environ | {"SKYSENTRY_PORT": "0", "SKYSENTRY_LOG_FORMAT": "json"}
        if self.server:
            script, environment = f"{script} --server http://{self.server}", dict(os.environ)
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {script}"], cwd=self._folder, env=environment, stderr=subprocess.PIPE, text=True
        )
        self._running.append(process)
        if not self.server:
            assert process.stderr is not None
            self.server = json.loads(process.stderr.readline())["urls"][0].removeprefix("http://")

    def run(self, script: str) -> str:
        if not self.server:
            raise AssertionError("the page has not started the server yet")
        script = re.sub(r"(skysentry-trio watch.*)", rf"\1 --server http://{self.server}", self.rewritten(script))
        ended = subprocess.run(
            ["/bin/sh", "-ec", script], cwd=self._folder, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert ended.returncode == 0, f"{script}\n{ended.stdout}{ended.stderr}"
        return ended.stdout

    def wait_for_cameras(self, count: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            details = httpx.get(f"http://{self.server}/api/clients").json()["details"]
            if sum(camera["frameCount"] > 0 for camera in details) == count:
                return
            assert time.monotonic() < deadline, details
            time.sleep(0.1)

    def end(self) -> None:
        for process in reversed(self._running):
            process.terminate()
        for process in self._running:
            process.communicate(timeout=PATIENCE)


@contextmanager
def shell(folder: Path) -> Iterator[Shell]:
    opened = Shell(folder)
    try:
        yield opened
    finally:
        opened.end()


needs_curl = pytest.mark.skipif(
    shutil.which("curl") is None and "CI" not in os.environ, reason="no curl on this machine"
)


@pytest.mark.e2e
@needs_curl
def test_the_tutorial_works(tmp_path: Path) -> None:
    """Every command of it, one after the other, as a reader types them."""
    with shell(tmp_path) as terminal:
        cameras = -1
        for block in blocks((DOCS / "tutorials" / "first-camera.md").read_text("utf-8")):
            if block.info == "sh background":
                terminal.start(block.text)
                cameras += 1
                terminal.wait_for_cameras(cameras)
            elif block.info == "sh run":
                terminal.run(block.text)
        assert cameras == 1
    assert (tmp_path / "now.jpg").read_bytes()[:2] == b"\xff\xd8"
    assert len(list((tmp_path / "pictures" / "test").glob("*.jpg"))) == 10


@pytest.mark.e2e
@needs_curl
def test_the_probes_work(tmp_path: Path) -> None:
    """What is recommended to load balancers answers."""
    with shell(tmp_path) as terminal:
        terminal.start(".venv/bin/skysentry-trio serve")
        for block in blocks((DOCS / "how-to" / "probe-health.md").read_text("utf-8")):
            if block.info == "sh run":
                assert '"status":"healthy"' in terminal.run(block.text)
        for block in blocks((DOCS / "how-to" / "monitor-with-prometheus.md").read_text("utf-8")):
            if block.info == "sh run":
                assert "\nskysentry_viewers 0.0\n" in terminal.run(block.text)


@pytest.mark.e2e
def test_the_examples_of_the_protocol_work(tmp_path: Path) -> None:
    """The camera sends, and the viewer sees it come, send and leave."""
    camera, viewer = [block.text for block in blocks(PROTOCOL) if block.info == "python" and "connect(" in block.text]
    (tmp_path / "picture.jpg").write_bytes(Pattern("example").draw(0, 0.0))
    with shell(tmp_path) as terminal:
        terminal.start(".venv/bin/skysentry-trio serve")
        watching = subprocess.Popen(
            [sys.executable, "-uc", terminal.rewritten(viewer)], stdout=subprocess.PIPE, text=True
        )
        try:
            assert watching.stdout is not None
            assert watching.stdout.readline() == "clients\n"
            command = [sys.executable, "-c", terminal.rewritten(camera)]
            subprocess.run(command, cwd=tmp_path, check=True, timeout=PATIENCE)
            seen = [watching.stdout.readline().strip() for _ in range(22)]
        finally:
            watching.kill()
            watching.communicate()
    size = (tmp_path / "picture.jpg").stat().st_size
    assert seen == ["client-connected", *(f"{number} {size} bytes" for number in range(1, 21)), "client-disconnected"]


@pytest.mark.e2e
def test_the_examples_of_rest_are_answers(tmp_path: Path) -> None:
    """Each has the keys that a running server gives, and values of the same kinds."""
    sections = re.findall(r"^## GET (\S+)\n(.*?)(?=^## |\Z)", REST, re.MULTILINE | re.DOTALL)
    examples = {
        route: json.loads(block.text) for route, text in sections for block in blocks(text) if block.info == "json"
    }
    assert len(examples) >= 8
    with shell(tmp_path) as terminal:
        terminal.start(".venv/bin/skysentry-trio serve --demo")
        terminal.wait_for_cameras(2)
        for route, example in examples.items():
            answer = httpx.get(f"http://{terminal.server}{route.replace('{clientId}', 'demo-1')}")
            assert shape(example) == shape(answer.json()), route
        refusal = httpx.get(f"http://{terminal.server}/api/clients/porch/latest")
        assert refusal.json() in [json.loads(block.text) for block in blocks(REST.partition("## Errors")[2])]


def shape(value: Any, key: str = "") -> Any:
    """Return keys and kinds; of lists, of counters by cause and of what depends on viewers, that they are such."""
    if key in {"drops", "connectionsEnded", "refused", "failing"}:
        return "counters"
    if key in {"demand", "latency", "watchers", "actions"}:
        return "depends on viewers or rules"
    if key == "streams":
        return {"demo-1": shape(value["demo-1"])}
    if isinstance(value, dict):
        return {name: shape(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0])]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
