"""What all answers share: one shape of errors, headers that keep browsers safe, and who may read them."""

from __future__ import annotations

import logging

import pytest
import trio
from quart import Blueprint
from trio.testing import MockClock

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.server.http.app import create_app
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.settings import Settings
from tests.hubs import nothing
from tests.server.http.rest_harness import Site, publish

PATHS = ["/", "/api/health", "/api/clients/door/latest.jpg", "/api/clients/nobody/latest", "/nowhere", "/assets/x.js"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_has_the_headers_that_keep_browsers_safe(path: str, method: str) -> None:
    """Good or bad, page or picture: no sniffing, no foreign scripts, no foreign frames."""
    site = Site()
    with site.hub.register("door", on_end=nothing) as session:
        publish(site.hub, session)
        headers = (await site.ask(path, method)).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "strict-origin"
    assert "microphone=()" in headers["permissions-policy"]
    policy = dict(directive.partition(" ")[::2] for directive in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"]


@pytest.mark.parametrize(
    ("ancestors", "directive"),
    [
        ((), "'self'"),
        (("https://ha.example:8123/", "http://*.local"), "'self' http://*.local https://ha.example:8123"),
        (("https://bücher.example",), "'self' https://xn--bcher-kva.example"),
        (("https://ha.example", "*"), "*"),
    ],
)
@pytest.mark.parametrize("path", PATHS)
async def test_the_operator_decides_whose_pages_may_show_ours_in_a_frame(
    path: str, ancestors: tuple[str, ...], directive: str
) -> None:
    """A dashboard needs it; our own pages may always, and nothing else of the policy changes."""
    answer = await Site(Hub(Settings(frame_ancestors=ancestors))).ask(path)
    before, _, found = answer.headers["content-security-policy"].rpartition("; frame-ancestors ")

    assert found == directive
    assert "script-src 'self'" in before
    assert "frame-ancestors" not in before


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/nowhere", "GET", 404),
        ("/api", "GET", 404),
        ("/api/", "GET", 404),
        ("/api/clients/", "GET", 404),
        ("/api/clients/a%2Fb/latest", "GET", 404),
        ("/api/clients/..%2F/latest", "GET", 404),
        ("//api//health", "GET", 404),
        ("/api/clients", "POST", 405),
        ("/api/health", "DELETE", 405),
        ("/", "PUT", 405),
        ("/api/clients/a%20b/latest", "GET", 400),
    ],
)
async def test_every_error_has_the_same_shape(path: str, method: str, status: int) -> None:
    """JSON that says it was no success, and why."""
    answer = await Site().ask(path, method)

    assert (answer.status, answer.headers["content-type"]) == (status, "application/json")
    assert set(answer.json()) == {"success", "error"}
    assert answer.json()["success"] is False
    assert answer.json()["error"]


async def test_an_answer_that_depends_on_who_asks_is_kept_by_nobody() -> None:
    """Errors and descriptions too; otherwise one person would get the answer for another one from a cache."""
    for path, method in (
        ("/nowhere", "GET"),
        ("/api/clients/door/latest", "GET"),
        ("/api/openapi.json", "GET"),
        ("/", "PUT"),
    ):
        assert (await Site().ask(path, method)).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("target", ["/api/clients/door/history/protection", "/api/clients/door/history", "/api/keys"])
@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
async def test_a_foreign_page_changes_nothing_on_an_open_server(target: str, method: str) -> None:
    """Browsers send a POST without a question, and foreign pages can reach a server on this machine."""
    answer = await Site().ask(target, method, Origin="http://evil.example")
    assert answer.status == 403
    assert "may not change anything here" in answer.json()["error"]
    assert (await Site().ask(target, method, Origin="http://localhost")).status != 403 or target == "/api/keys"


async def test_a_wrong_address_is_told_where_the_right_ones_are() -> None:
    """Instead of in the framework's own words."""
    answer = await Site().ask("/api/client")

    assert answer.json()["error"] == "nothing is at this address; /api/openapi.json lists the addresses of the API"


async def test_a_method_that_is_not_allowed_is_told_which_are() -> None:
    """405 has an Allow header (RFC 9110 section 15.5.6)."""
    answer = await Site().ask("/api/clients", "POST")

    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


async def test_options_says_what_is_allowed() -> None:
    """Without an origin it is a plain question."""
    answer = await Site().ask("/api/clients", "OPTIONS")

    assert (answer.status, answer.body) == (200, b"")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


async def test_a_crash_is_logged_and_tells_strangers_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The client gets 500 in the shape of all errors, the log gets the traceback."""
    broken = Blueprint("broken", __name__)

    @broken.get("/broken")
    async def get_broken() -> str:
        raise RuntimeError("the secret")

    app = create_app(broken)
    with caplog.at_level(logging.ERROR):
        response = await app.test_client().get("/broken")
    body = await response.get_data(as_text=True)

    assert (response.status_code, response.headers["X-Content-Type-Options"]) == (500, "nosniff")
    assert "secret" not in body
    assert '"success":false' in body
    (record,) = caplog.records
    assert "request crashed" in str(record.msg)
    assert "the secret" in str(record.msg)


async def test_crashes_are_logged_once_a_second_with_a_bounded_path(
    caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
) -> None:
    """Who finds an address that crashes cannot fill the disk with it; the next line says how many were left out."""
    broken = Blueprint("broken", __name__)

    @broken.get("/broken/<path:rest>")
    async def get_broken(rest: str) -> str:
        raise RuntimeError(rest[:6])

    client = create_app(broken).test_client()
    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            assert (await client.get(f"/broken/{'x' * 8000}")).status_code == 500
        await trio.sleep(1.1)
        await client.get("/broken/again")
    first, second = [record.msg for record in caplog.records]

    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert (len(first["path"]), first["suppressed"]) == (200, 0)
    assert (second["path"], second["suppressed"]) == ("/broken/again", 4)


async def test_a_violation_is_answered_with_its_status() -> None:
    """Whoever broke the rules reads what was wrong."""
    refusing = Blueprint("refusing", __name__)

    @refusing.get("/refused")
    async def get_refused() -> str:
        raise ProtocolViolation("expected less, got more", "frame-too-large")

    response = await create_app(refusing).test_client().get("/refused")

    assert response.status_code == 413
    assert await response.get_json() == {"success": False, "error": "expected less, got more"}


@pytest.mark.parametrize(("size", "status"), [(1000, 200), (64 * 1024 + 1, 413)])
async def test_a_body_is_bounded(size: int, status: int) -> None:
    """No route takes one yet; when one does, it cannot be made to hold more than 64 KiB."""
    taking = Blueprint("taking", __name__)

    @taking.post("/taken")
    async def take() -> str:
        from quart import request  # noqa: PLC0415  (only this route needs it)

        return str(len(await request.get_data()))

    response = await create_app(taking).test_client().post("/taken", data=b"x" * size)

    assert response.status_code == status


# Pages of other origins


OURS = "http://cameras.example"
FRIEND = "https://friend.example"


@pytest.mark.parametrize("path", ["/api/clients", "/api/clients/nobody/latest", "/nowhere"])
async def test_without_a_setting_no_other_page_may_read(path: str) -> None:
    """No CORS headers at all unless the operator names origins."""
    answer = await Site().ask(path, Origin=FRIEND)

    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (FRIEND, FRIEND),
        (OURS, OURS),
        ("https://evil.example", None),
        ("https://friend.example.evil.example", None),
        ("null", None),
        (None, None),
    ],
)
@pytest.mark.parametrize("path", ["/api/clients", "/api/clients/nobody/latest", "/nowhere"])
async def test_pages_of_named_origins_may_read(path: str, origin: str | None, allowed: str | None) -> None:
    """Good and bad answers alike; caches are told that it depends on the origin."""
    headers: dict[str, str] = {"Host": "cameras.example"} | ({} if origin is None else {"Origin": origin})
    answer = await Site(Hub(Settings(cors_origins=(FRIEND,)))).ask(path, **headers)

    assert answer.headers.get("access-control-allow-origin") == allowed
    assert "origin" in answer.headers["vary"].lower()
    assert ("access-control-expose-headers" in answer.headers) == (allowed is not None)


@pytest.mark.parametrize("origin", [FRIEND, "null", "https://anybody.example"])
async def test_all_pages_may_read_if_the_operator_says_so(origin: str) -> None:
    """A star is answered with a star, which never goes with credentials."""
    answer = await Site(Hub(Settings(cors_origins=("*",)))).ask("/api/clients", Origin=origin)

    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


async def test_a_preflight_says_what_may_be_asked() -> None:
    """Methods and headers, for ten minutes; strangers learn nothing."""
    site = Site(Hub(Settings(cors_origins=(FRIEND,))))
    preflight = await site.ask("/api/clients", "OPTIONS", Origin=FRIEND, Access_Control_Request_Method="GET")
    stranger = await site.ask("/api/clients", "OPTIONS", Origin="null", Access_Control_Request_Method="GET")

    assert preflight.status == 200
    assert preflight.headers["access-control-allow-methods"] == "DELETE, GET, HEAD, OPTIONS, POST"
    assert "If-None-Match" in preflight.headers["access-control-allow-headers"]
    assert preflight.headers["access-control-max-age"] == "600"
    assert not [name for name in stranger.headers if name.startswith("access-control")]


async def test_a_preflight_allows_what_libraries_and_proxies_need() -> None:
    """Headers of the API, of libraries and of proxies with a password; a caller may read what the answers contain."""
    site = Site(Hub(Settings(cors_origins=(FRIEND,))))
    answer = await site.ask("/api/clients", "OPTIONS", Origin=FRIEND, Access_Control_Request_Private_Network="true")

    allowed = {name.lower() for name in answer.headers["access-control-allow-headers"].split(", ")}
    assert {"authorization", "content-type", "if-none-match", "x-requested-with", "x-timestamp"} <= allowed
    assert {"Content-Disposition", "Retry-After"} <= set(answer.headers["access-control-expose-headers"].split(", "))
    assert answer.headers["access-control-allow-private-network"] == "true"
    assert "origin" in answer.headers["vary"].lower()


async def test_a_server_in_a_private_network_is_for_allowed_pages_only() -> None:
    """Without a request for it, and for strangers, nothing is said about private networks."""
    site = Site(Hub(Settings(cors_origins=(FRIEND,))))
    plain = await site.ask("/api/clients", "OPTIONS", Origin=FRIEND)
    stranger = await site.ask("/api/clients", "OPTIONS", Origin="null", Access_Control_Request_Private_Network="true")

    assert "access-control-allow-private-network" not in plain.headers
    assert "access-control-allow-private-network" not in stranger.headers
