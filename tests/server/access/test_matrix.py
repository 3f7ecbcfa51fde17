"""Every route with every kind of credential in every state; a route without a row fails."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from itertools import count
from pathlib import Path

import httpx
import pytest
import trio
from attrs import define, field, frozen
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from skysentry_trio.base.principal import Action
from skysentry_trio.server.access import tickets
from skysentry_trio.server.access.changes import RulesEditor
from skysentry_trio.server.access.guessing import GuessLimiter
from skysentry_trio.server.access.records import fingerprint, read_records
from skysentry_trio.server.access.tickets import Ticket, TicketKind
from skysentry_trio.server.http.direct_routes import ROUTES as DIRECT
from tests.daemons import running_daemon
from tests.jpegs import draw_jpeg
from tests.printed_secrets import find_secrets
from tests.server.http.rest_harness import Site

CAMERA_ACTIONS = [action for action in Action if action is not Action.ADMIN]


class State(StrEnum):
    NONE = "none"
    WRONG = "wrong"
    EXPIRED = "expired"
    REVOKED = "revoked"
    OTHER_CAMERA = "other camera's"
    OTHER_ACTION = "other action's"
    RIGHT = "right"


class Kind(StrEnum):
    BEARER = "Bearer"
    BASIC = "Basic"
    COOKIE = "cookie"
    LINK = "link"
    JWT = "JWT"


BAD = (State.WRONG, State.EXPIRED, State.REVOKED)


@frozen
class Row:
    """A request, and what it needs."""

    method: str
    route: str
    """As it is described."""
    action: Action | None = None
    """What a credential has to allow; None if any credential is enough."""
    status: int = 200
    """Of the answer to a right credential."""
    target: str | None = None
    """The address, if it is not the route with the camera."""
    names_camera: bool = False
    """Whether the address is about one camera."""
    body: object = None
    """Sent as JSON; bytes are sent as a JPEG."""
    without: int = 401
    """The status without a credential."""
    is_public: bool = False
    """Whether the route looks at no credential."""
    headers: dict[str, str] = field(factory=dict)

    def expected(self, state: State) -> int:  # noqa: PLR0911 - one for each row of the specification
        if self.is_public or state is State.RIGHT:
            return self.status
        if state is State.NONE:
            return self.without
        if state in BAD:
            return 401
        if self.action is None:
            return self.status
        if state is State.OTHER_ACTION or self.action is Action.PUBLISH:
            return 403
        if self.names_camera:
            return 404
        return 403 if self.action is Action.ADMIN else self.status


def of_camera(method: str, route: str, action: Action, target: str | None = None, **more: object) -> Row:
    return Row(method, route, action, target=target, names_camera=True, **more)  # type: ignore[arg-type]


HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
PICTURE = draw_jpeg()
KEY = {"name": "a", "allow": {"view": ["*"]}}
USER = {"name": "a", "password": "long enough", "allow": {"view": ["*"]}}
LINK = {"action": "view", "clientId": "door", "expiresIn": 60}
EXPORT = {"clients": ["door"], "from": 1, "to": 2}
CLIENT = "/api/clients/{clientId}"
ROWS = [
    Row("GET", "/ws", status=101, without=101, headers=HANDSHAKE),
    Row("GET", "/stream/ws", status=101, without=101, headers=HANDSHAKE),
    Row("GET", "/api/health", without=200),
    Row("GET", "/api/ready", without=200),
    Row("GET", "/api/openapi.json"),
    Row("GET", "/api/clients"),
    Row("GET", "/api/session"),
    Row("POST", "/api/session", status=400, body={}, is_public=True),
    Row("DELETE", "/api/session", status=204, is_public=True),
    Row("GET", "/api/streams", Action.HISTORY),
    of_camera("GET", f"{CLIENT}/latest", Action.VIEW),
    of_camera("GET", f"{CLIENT}/latest.jpg", Action.VIEW),
    of_camera("GET", f"{CLIENT}/latest.jpg", Action.VIEW, "/api/clients/door/latest.jpg?after=0"),
    of_camera("GET", f"{CLIENT}/latest.jpg", Action.HISTORY, "/api/clients/door/latest.jpg?back=0"),
    of_camera("GET", f"{CLIENT}/latest.jpg", Action.HISTORY, "/api/clients/door/latest.jpg?at=99999999999"),
    of_camera("GET", "/api/frame.jpeg", Action.VIEW, "/api/frame.jpeg?src=door"),
    of_camera("GET", "/snapshot", Action.VIEW, "/snapshot?client=door"),
    of_camera("GET", "/", Action.VIEW, "/?action=snapshot&client=door"),
    of_camera("GET", "/", Action.VIEW, "/?action=stream&client=door"),
    of_camera("GET", "/stream", Action.VIEW, "/stream?client=door"),
    of_camera("GET", f"{CLIENT}/stream.mjpeg", Action.VIEW),
    of_camera("GET", "/api/stream.mjpeg", Action.VIEW, "/api/stream.mjpeg?src=door"),
    of_camera("POST", f"{CLIENT}/frames", Action.PUBLISH, "/api/clients/{new}/frames", status=201, body=PICTURE),
    of_camera("POST", "/api/stream.mjpeg", Action.PUBLISH, "/api/stream.mjpeg?dst={new}", status=201, body=PICTURE),
    of_camera("POST", f"{CLIENT}/results", Action.ANNOTATE, body={"sequence": 1}),
    of_camera("GET", f"{CLIENT}/stream", Action.HISTORY),
    of_camera("GET", f"{CLIENT}/clip", Action.HISTORY),
    of_camera("GET", f"{CLIENT}/clip", Action.HISTORY, "/api/clients/door/clip?format=mjpeg"),
    Row("GET", "/api/history", Action.HISTORY),
    of_camera("GET", f"{CLIENT}/history", Action.HISTORY),
    of_camera("GET", f"{CLIENT}/history/days", Action.HISTORY),
    of_camera("POST", f"{CLIENT}/history/protected", Action.ADMIN, "/api/clients/door/history/protected?from=1&to=2"),
    of_camera("DELETE", f"{CLIENT}/history/protected", Action.ADMIN),
    of_camera("DELETE", f"{CLIENT}/history", Action.ADMIN),
    of_camera("GET", f"{CLIENT}/history/events", Action.EVENTS),
    of_camera("POST", f"{CLIENT}/events", Action.ANNOTATE, status=201, body={"label": "a"}),
    of_camera(
        "POST", f"{CLIENT}/events/{{event_id}}", Action.ANNOTATE, "/api/clients/door/events/none", status=404, body={}
    ),
    Row("GET", "/api/events", Action.EVENTS),
    Row("GET", "/api/exports", Action.HISTORY),
    Row("POST", "/api/exports", Action.HISTORY, status=404, names_camera=True, body=EXPORT),
    Row("GET", "/api/exports/{export_id}", Action.HISTORY, status=404, target="/api/exports/none"),
    Row("DELETE", "/api/exports/{export_id}", Action.HISTORY, status=404, target="/api/exports/none"),
    Row("GET", "/api/exports/{export_id}/file", Action.HISTORY, status=404, target="/api/exports/none/file"),
    Row("GET", "/metrics", Action.METRICS),
    Row("GET", "/api/keys", Action.ADMIN),
    Row("POST", "/api/keys", Action.ADMIN, status=201, body=KEY),
    Row("DELETE", "/api/keys/{key_id}", Action.ADMIN, status=404, target="/api/keys/none"),
    Row("GET", "/api/users", Action.ADMIN),
    Row("POST", "/api/users", Action.ADMIN, status=201, body=USER),
    Row("DELETE", "/api/users/{name}", Action.ADMIN, status=404, target="/api/users/none"),
    Row("POST", "/api/links", Action.ADMIN, status=201, body=LINK),
    Row("GET", "/api/phone", is_public=True),
    Row("POST", "/api/phone", Action.ADMIN, status=404, body={}),
    Row("GET", "/api/sessions", Action.ADMIN),
    Row("DELETE", "/api/sessions/{session_id}", Action.ADMIN, status=404, target="/api/sessions/none"),
    Row("GET", "/capture"),
    Row("GET", "/admin"),
    Row("GET", "/sign-in", is_public=True),
    Row("GET", "/skysentry-viewer.js", is_public=True),
    Row("GET", "/service-worker.js", is_public=True),
    Row("GET", "/viewer.webmanifest", is_public=True),
    Row("GET", "/camera.webmanifest", is_public=True),
    Row("GET", "/plain.css", is_public=True),
    Row("GET", "/icons/{name}", target="/icons/none.png", status=404, is_public=True),
    Row("GET", "/assets/{name}", target="/assets/none.js", status=404, is_public=True),
    Row("GET", "/set-up", status=303, is_public=True),
    Row("GET", "/trust", status=404, is_public=True),
    Row("GET", "/trust/{name}", target="/trust/none", status=404, is_public=True),
]
PAGES = {
    "/capture",
    "/admin",
    "/sign-in",
    "/skysentry-viewer.js",
    "/service-worker.js",
    "/viewer.webmanifest",
    "/camera.webmanifest",
}
"""Whether these were built does not matter here."""


@pytest.fixture(autouse=True)
def answer_guesses_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of wrong credentials come from one address here, and their answers need not wait."""
    monkeypatch.setattr("skysentry_trio.server.access.guessing.LONGEST_DELAY", 0.0)


def served_routes() -> set[tuple[str, str]]:
    """Return every route that a server has."""
    routes = {
        (method, re.sub(r"<(?:path:)?(\w+)>", r"{\1}", rule.rule).replace("camera_id", "clientId"))
        for rule in Site().app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    routes |= {(method.upper(), path) for path, methods in DIRECT.items() for method in methods}
    return routes | {("GET", "/ws"), ("GET", "/stream/ws")}


async def test_every_route_has_a_row() -> None:
    """A new route fails this test until a row here says who may use the route."""
    assert served_routes() == {(row.method, row.route) for row in ROWS}


@define
class Credentials:
    """Makes credentials that a running server knows."""

    folder: Path
    _made: dict[str, str] = field(factory=dict)
    _makers: dict[str, str] = field(factory=dict)
    """Those who make tickets, by their rules."""

    def key(self, allow: dict[str, list[str]], state: State) -> str:
        """Return a key with these rights in this state."""
        name = f"{allow}{state in BAD and state}"
        if name not in self._made:
            editor = RulesEditor(self.folder)
            expires = 1.0 if state is State.EXPIRED else None
            made = editor.add_key("key", allow, expires)
            self._made[name] = made.key
            if state is State.REVOKED:
                editor.revoke_key(made.record.id)
            if state is State.WRONG:
                self._made[name] = made.key[:-1] + ("A" if made.key[-1] != "A" else "B")
        return self._made[name]

    def ticket(self, allow: dict[str, list[str]], state: State, kind: TicketKind) -> str:
        """Return a link, or the cookie of somebody, with these rights in this state."""
        editor = RulesEditor(self.folder)
        rule = allow if kind is TicketKind.COOKIE else {"admin": ["*"]}
        # A key for each ticket would make the rules so long that they take most of the time of the test.
        if str(rule) not in self._makers:
            record = editor.add_key(f"maker {len(self._makers)}", rule).record
            self._makers[str(rule)] = f"key:{record.id}:{fingerprint(record)}"
        issuer = self._makers[str(rule)]
        expires = 1.0 if state is State.EXPIRED else 1e10
        ticket = Ticket(tickets.make_ticket_id(), issuer, expires, allow if kind is TicketKind.LINK else None)
        if state is State.REVOKED:
            editor.end_ticket(ticket.id, 1e10)
        text = tickets.sign(ticket, kind, [one.secret for one in read_records(self.folder).secrets])
        # The last character would do less well, because some of its bits do not count.
        return text[:-9] + ("A" if text[-9] != "A" else "B") + text[-8:] if state is State.WRONG else text


ISSUER, AUDIENCE = "https://id.example", "cameras"
SIGNER, STRANGER = (ECKey.generate_key("P-256", {"kid": "one", "use": "sig"}) for _ in range(2))


def sign_jwt(allow: dict[str, list[str]], state: State) -> str:
    """Return a token of an identity provider with these rights; such a token cannot be revoked."""
    expires = time.time() + (-3600 if state is State.EXPIRED else 3600)
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": int(expires), "skysentry": allow}
    signer = STRANGER if state is State.WRONG else SIGNER
    return jwt.encode({"alg": "ES256", "kid": "one"}, claims, signer, algorithms=["ES256"])


def rights(row: Row, kind: Kind, state: State) -> dict[str, list[str]]:
    """Return the rights of a credential for a row; those of a link are for one action."""
    action = row.action or Action.VIEW
    if action is Action.ADMIN and state is not State.OTHER_ACTION and state is not State.OTHER_CAMERA:
        return {"admin": ["*"]}
    camera = "pub-*" if action is Action.PUBLISH else "door"
    if state is State.OTHER_CAMERA:
        camera = "other"
    actions = {action}
    if state is State.OTHER_ACTION:
        others = [one for one in CAMERA_ACTIONS if one is not row.action]
        actions = {others[0]} if kind is Kind.LINK else set(others)
    elif state is State.OTHER_CAMERA and kind is not Kind.LINK:
        actions = set(CAMERA_ACTIONS)
    return {one.value: [camera] for one in actions if one is not Action.ADMIN} or {"view": [camera]}


@asynccontextmanager
async def closed_server(folder: Path) -> AsyncIterator[str]:
    """Run a server with a live camera that has one frame."""
    admin = RulesEditor(folder).add_key("admin", {"admin": ["*"]}).key
    keys = folder / "keys.json"
    keys.write_text(json.dumps(KeySet([SIGNER]).as_dict(private=False)))
    provider = {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_keys": str(keys), "jwt_algorithms": ("ES256",)}
    async with running_daemon(state_dir=str(folder), history=str(folder / "recordings"), **provider) as address:
        server = f"http://{address.host}:{address.port}"
        async with httpx.AsyncClient(base_url=server, headers={"Authorization": f"Bearer {admin}"}) as client:
            answer = await client.post("/api/clients/door/frames", content=PICTURE)
            assert answer.status_code == 201
        yield server


async def ask(client: httpx.AsyncClient, row: Row, target: str, headers: dict[str, str]) -> int:
    """Return the status of the answer, which repeats no secret if it is a refusal; read no more of it."""
    content = row.body if isinstance(row.body, bytes) else None
    posted = None if isinstance(row.body, bytes) else row.body
    async with client.stream(
        row.method, target, content=content, json=posted, headers={**row.headers, **headers}
    ) as answer:
        if answer.is_error:
            assert find_secrets(f"{answer.headers}\n{(await answer.aread()).decode()}") == []
        return answer.status_code


@pytest.mark.parametrize("kind", list(Kind))
async def test_every_route_answers_every_credential_as_specified(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """401 for those that do not count, 403 for another action, 404 for another camera, as if there were none."""
    # In the end, no secret may be in the log.
    caplog.set_level("DEBUG", "skysentry_trio")
    # The wrong credentials of this test would be slowed down as guesses.
    monkeypatch.setattr(GuessLimiter, "delay", lambda *_: 0.0)
    credentials, cameras = Credentials(tmp_path), count(1)
    wanted: dict[tuple[str, str], int] = {}
    requests = []
    for row in ROWS:
        for state in State:
            if kind is Kind.JWT and state is State.REVOKED:
                continue
            target = (row.target or row.route).replace("{clientId}", "door")
            target = target.replace("{new}", f"pub-{next(cameras)}")
            headers: dict[str, str] = {}
            if state is not State.NONE:
                allow = rights(row, kind, state)
                match kind:
                    case Kind.BEARER:
                        headers["Authorization"] = f"Bearer {credentials.key(allow, state)}"
                    case Kind.JWT:
                        headers["Authorization"] = f"Bearer {sign_jwt(allow, state)}"
                    case Kind.BASIC:
                        headers["Authorization"] = httpx.BasicAuth("x", credentials.key(allow, state))._auth_header
                    case Kind.COOKIE:
                        headers["Cookie"] = f"skysentry_session={credentials.ticket(allow, state, TicketKind.COOKIE)}"
                    case Kind.LINK:
                        link = credentials.ticket(allow, state, TicketKind.LINK)
                        target += f"{'&' if '?' in target else '?'}link={link}"
            wanted[f"{row.method} {target.partition('link=')[0]}", state] = row.expected(state)
            requests.append((row, state, target, headers))
    got: dict[tuple[str, str], int] = {}
    with trio.fail_after(300):
        async with closed_server(tmp_path) as server, httpx.AsyncClient(base_url=server, timeout=30) as client:
            for row, state, target, headers in requests:
                status = await ask(client, row, target, {"Origin": server, **headers})
                name = f"{row.method} {target.partition('link=')[0]}"
                got[name, state] = wanted[name, state] if row.route in PAGES and status == 503 else status
    assert {what: status for what, status in got.items() if status != wanted[what]} == {}


async def test_a_hidden_camera_is_answered_as_one_that_does_not_exist(tmp_path: Path) -> None:
    """Status, headers and body are the same, apart from the id."""
    key = RulesEditor(tmp_path).add_key("guest", {action.value: ["other"] for action in CAMERA_ACTIONS}).key
    async with (
        closed_server(tmp_path) as server,
        httpx.AsyncClient(base_url=server, headers={"Authorization": f"Bearer {key}"}) as client,
    ):
        for row in ROWS:
            if not row.names_camera:
                continue
            answers = []
            for camera in ("door", "none"):
                target = (row.target or row.route).replace("{clientId}", camera).replace("{new}", camera)
                target = target.replace("door", camera)
                content = row.body if isinstance(row.body, bytes) else None
                posted = None if isinstance(row.body, bytes) else row.body
                answer = await client.request(row.method, target, content=content, json=posted)
                headers = {name: value for name, value in answer.headers.items() if name != "date"}
                answers.append((answer.status_code, headers, answer.text.replace("door", "none")))
            assert answers[0] == answers[1]
