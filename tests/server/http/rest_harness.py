"""The REST application as a test sees it: every reply is checked against the description that the server gives."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import trio
from attrs import define, evolve, field
from jsonschema import Draft202012Validator
from quart_trio import QuartTrio

from skysentry_trio._version import __version__
from skysentry_trio.base.principal import ANYONE, Principal
from skysentry_trio.server.access.start import AccessSetup
from skysentry_trio.server.health import Health
from skysentry_trio.server.history.history import History
from skysentry_trio.server.http.app import build_app
from skysentry_trio.server.http.direct_routes import DirectRoutes
from skysentry_trio.server.http.export_jobs import ExportJobs
from skysentry_trio.server.http.link_metrics import LinkFigures
from skysentry_trio.server.http.openapi import describe_api
from skysentry_trio.server.http.phone import PhoneSetup
from skysentry_trio.server.http.push_sessions import PushSessions
from skysentry_trio.server.http.recordings import Recordings
from skysentry_trio.server.loop_monitor import LoopMonitor
from skysentry_trio.server.relay.camera import CameraSession
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.transport.connection_log import ConnectionLog
from skysentry_trio.server.transport.hypercorn_server import SCOPE_KEY
from skysentry_trio.server.transport.other_servers import NO_OTHER_SERVERS, OtherServers
from skysentry_trio.server.transport.peer_address import PeerAddress
from skysentry_trio.server.transport.request import Request, judge_request
from skysentry_trio.wire.request_head import RequestHead
from tests.hubs import publish_nowait
from tests.jpegs import draw_jpeg
from tests.server.http.fake_byte_stream import BareStream

DESCRIPTION = describe_api(__version__)


def check_against(operation: dict[str, Any], status: int, content_type: str | None, body: bytes) -> None:
    """Fail unless an operation describes such a reply."""
    described = operation["responses"][str(status)]
    if "content" not in described:
        assert body == b""
        return
    assert content_type is not None
    schema = described["content"][content_type]["schema"]
    if content_type == "application/json":
        whole = {**schema, "components": DESCRIPTION["components"]}
        Draft202012Validator(whole).validate(json.loads(body))


def publish(hub: Hub, session: CameraSession, shade: int = 0, captured_at: float | None = None) -> bytes:
    """Publish a frame; return its JPEG."""
    jpeg = draw_jpeg(shade)
    publish_nowait(hub, session, jpeg, width=32, height=24, captured_at=captured_at)
    return jpeg


@define
class Answer:
    """A response, read to its end."""

    status: int
    headers: dict[str, str]
    """By lower-case name."""
    pieces: list[bytes]
    """Of the body, as they were sent."""

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def json(self) -> Any:
        return json.loads(self.body)


class _ForPages(Exception):
    """The application serves the request."""


async def _leave_to_pages(_request: Request) -> None:
    raise _ForPages


@define
class Site:
    """A hub with an application, and with the routes past it, in front of it."""

    hub: Hub = field(factory=lambda: Hub(Settings(max_fps=1000)))
    health: Health = field(factory=Health)
    pages: Path = Path("/there/is/nothing")
    principal: Principal = ANYONE
    """Who is asking."""
    loop: LoopMonitor = field(factory=LoopMonitor)
    connections: ConnectionLog = field(factory=ConnectionLog)
    pause: float = 0
    """Seconds that clients take for each piece of a reply."""
    on_piece: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint
    """What clients do before they take a piece."""
    history: History | None = None
    exports: ExportJobs | None = None
    authority: Path | None = None
    """Certificate of the server's own authority."""
    phone: PhoneSetup = field(factory=PhoneSetup)
    """What the server knows of phones."""
    setup: AccessSetup | None = None
    """The rules; None for a server that is open to everybody."""
    links: Sequence[LinkFigures] = ()
    """The links to other servers."""
    others: OtherServers = NO_OTHER_SERVERS
    """The other servers of a cluster."""
    app: QuartTrio = field(init=False)
    direct: DirectRoutes = field(init=False)

    def __attrs_post_init__(self) -> None:
        recordings = Recordings(None if self.history is None else self.history.reader)
        sessions = PushSessions(self.hub)
        self.direct = DirectRoutes(self.hub, sessions, self.health.shutdown, recordings, _leave_to_pages)
        self.app = build_app(
            self.hub,
            self.health,
            self.connections,
            self.loop,
            self.setup,
            history=self.history,
            exports=self.exports,
            pages=self.pages,
            authority=self.authority,
            phone=self.phone,
            others=self.others,
            list_links=lambda: self.links,
        )

    async def ask(self, target: str, method: str = "GET", body: bytes = b"", /, **headers: str) -> Answer:
        """Make a request as a server hands it on; underscores in the names of headers stand for hyphens.

        Quart's test client would do, but it takes at most ten pieces of a reply.

        Args:
            target: path and query, quoted.
            method: of HTTP.
            body: of the request.
            headers: by name.
        """
        path, _, query = target.partition("?")
        fields = {"host": "localhost"} | {name.lower().replace("_", "-"): value for name, value in headers.items()}
        judged = self._judge(RequestHead(method, path, query, fields, 0))
        if (answer := await self._ask_directly(judged)) is not None:
            return answer
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
            "extensions": {},
            SCOPE_KEY: judged,
        }
        requests = [{"type": "http.request", "body": body, "more_body": False}]
        replies: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return requests.pop() if requests else await trio.sleep_forever()

        async def send(message: Any) -> None:
            await trio.sleep(self.pause)
            if message["type"] == "http.response.body":
                await self.on_piece()
            replies.append(message)

        with trio.fail_after(60 + 100 * self.pause):
            await self.app(scope, receive, send)  # type: ignore[arg-type]
        start, *pieces = replies
        return Answer(
            start["status"],
            {name.decode().lower(): value.decode() for name, value in start["headers"]},
            [piece["body"] for piece in pieces],
        )

    async def _ask_directly(self, request: Request) -> Answer | None:
        """Return the answer to a request that passes the application; None for all other requests."""
        service, stream = self.direct.find(request.head), BareStream()
        if service is None:
            return None
        try:
            with trio.fail_after(120):
                await service(evolve(request, stream=stream))  # type: ignore[arg-type] # a stream in memory
        except _ForPages:
            return None
        status, fields, body = stream.answer(request.head.method)
        return Answer(status, fields, [body])

    def _judge(self, head: RequestHead) -> Request:
        origins = frozenset(self.hub.settings.cors_origins)
        # The routes of the application do not use the stream.
        judged = judge_request(None, head, PeerAddress("127.0.0.1", 1), origins)  # type: ignore[arg-type]
        return evolve(judged, principal=self.principal)

    async def get(self, route: str, camera_id: str = "door", query: str = "", **headers: str) -> Answer:
        """Ask for a described route; fail unless the reply is as described."""
        answer = await self.ask(route.replace("{clientId}", camera_id) + query, **headers)
        check_against(
            DESCRIPTION["paths"][route]["get"], answer.status, answer.headers.get("content-type"), answer.body
        )
        return answer
