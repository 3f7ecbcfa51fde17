"""Nobody gets past the gate without a credential, however the address, the method or the credential is written."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
import trio

from skysentry_trio.server.access.changes import RulesEditor
from tests.daemons import running_daemon
from tests.jpegs import draw_jpeg
from tests.raw_peer import Address

PLACES = [
    "/api/clients",
    "/api/clients/door/latest.jpg",
    "/metrics",
    "/api/history",
    "/api/streams",
    "/stream",
    "/admin",
]
METHODS = ["GET", "HEAD", "OPTIONS", "POST", "DELETE", "TRACE", "QUERY"]
WAYS = [
    "{}/",
    "{};x",
    "{}%00",
    "{}%20",
    "{}?",
    "{}?link=",
    "{}?%6Cink=x",
    "/{}",
    "/.{}",
    "/%2e{}",
    "/sign-in/..{}",
    "/sign-in%2f..{}",
    "/assets/..{}",
    "/assets/%2e%2e{}",
    "/assets/..%2f..{}",
    "/trust/..{}",
    "/api/health/../..{}",
    "/api/ready{}",
    "http://localhost{}",
    "//localhost{}",
]

pytestmark = pytest.mark.usefixtures("at_once")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong credentials are no guesses here, and their answers need not wait."""
    monkeypatch.setattr("skysentry_trio.server.access.guessing.LONGEST_DELAY", 0.0)


def ways_to_write(place: str) -> list[str]:
    escaped = "".join(f"/%{ord(part[0]):02x}{part[1:]}" for part in place.split("/")[1:])
    return [place.upper(), place.replace("/", "//"), place.replace("/", "%2f"), escaped] + [
        way.format(place) for way in WAYS
    ]


async def camera_of(address: Address, key: str) -> None:
    """Let a camera be known."""
    picture = draw_jpeg()
    head = (
        f"POST /api/clients/door/frames HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Length: {len(picture)}\r\nConnection: close\r\n\r\n"
    )
    async with address.connection() as peer:
        await peer.send(head.encode() + picture)
        assert (await peer.answer("POST")).status == 201


async def test_no_way_to_write_an_address_leads_past_the_gate(tmp_path: Path) -> None:
    """A stranger gets no answer but a refusal; `OPTIONS` names methods, and nothing else."""
    key = RulesEditor(tmp_path).add_key("root", {"admin": ["*"]}).key
    async with running_daemon(state_dir=str(tmp_path), history=str(tmp_path / "recordings")) as address:
        await camera_of(address, key)
        asked = [("GET", way) for place in PLACES[1:3] for way in ways_to_write(place)]
        asked += [(method, target) for method in METHODS for target in (*PLACES, "/?action=snapshot", "//metrics")]
        wrong = []
        with trio.fail_after(200):
            for method, target in asked:
                answer = await address.ask(target, method=method)
                is_refused = answer.status in {400, 401, 404, 405, 426} or (method == "OPTIONS" and not answer.body)
                if not is_refused or b"frameCount" in answer.body or answer.body.startswith(b"\xff\xd8"):
                    wrong.append((method, target, answer.status))
    assert wrong == []


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer " + "x" * 15_000,
        "Bearer eyJ" + "A" * 12_000 + ".A.A",
        "Basic " + b64encode(b"a:" + b"x" * 11_000).decode(),
        "Basic " + b64encode(b"x" * 11_000 + b":").decode(),
        "Basic " + b64encode(b"\xff\xfe:\xff").decode(),
        "Basic =",
        "Basic " + b64encode(b"a:lnk_" + b"." * 9_000).decode(),
        "Digest " + 'username="a",' * 900,
        "\xe9 \xe9",
        "Bearer lnk_.eJw" + "A" * 1900 + ".x",
    ],
    ids=lambda header: f"{header[:20]} {len(header)}",
)
async def test_a_strange_credential_is_refused_quickly(tmp_path: Path, header: str) -> None:
    """With 401, however large it is; a head that is too large with 431. The server goes on."""
    RulesEditor(tmp_path).add_key("root", {"admin": ["*"]})
    async with running_daemon(state_dir=str(tmp_path)) as address:
        async with address.connection() as peer:
            head = (
                f"GET /api/clients HTTP/1.1\r\nHost: localhost\r\nAuthorization: {header}\r\nConnection: close\r\n\r\n"
            )
            await peer.send(head.encode("latin-1"))
            assert (await peer.answer()).status in {401, 431}
        assert (await address.ask("/api/ready")).status == 200
