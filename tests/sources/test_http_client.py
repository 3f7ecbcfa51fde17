from __future__ import annotations

import hashlib
import re
import ssl
from pathlib import Path

import pytest
import trio
import trustme

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.sources import http_client
from skysentry_trio.sources.http_client import HttpClient, parse_http_address
from skysentry_trio.sources.video_stream import VideoUnavailable
from skysentry_trio.wire.authentication import Credentials
from tests.sources.http_cameras import JPEGS, FakeHttpCamera, listening, picture, text


@pytest.mark.parametrize(
    ("url", "host", "target", "credentials"),
    [
        ("http://cam", "cam", "/", None),
        ("HTTP://CAM:81/a^b?c=d#e", "cam:81", "/a%5Eb?c=d", None),
        ("https://cam:443/ü", "cam", "/%C3%BC", None),
        ("http://[::1]:80/%41", "[::1]", "/%41", None),
        ("http://kämera/", "xn--kmera-gra", "/", None),
        ("http://u%40x:p%3A%23%2F@cam/", "cam", "/", Credentials("u@x", "p:#/")),
        ("http://u:a@b@cam/", "cam", "/", Credentials("u", "a@b")),
        ("http://u:a[b@cam/", "cam", "/", Credentials("u", "a[b")),
        ("http://u@cam?x", "cam", "/?x", Credentials("u", "")),
    ],
)
def test_addresses(url: str, host: str, target: str, credentials: Credentials | None) -> None:
    """What people write is sent as the standards want it."""
    address = parse_http_address(url)
    assert (address.host_header, address.target, address.credentials) == (host, target, credentials)
    assert str(address) == f"{url.partition(':')[0].lower()}://{host}{target.partition('?')[0]}"


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http://a b/",
        "http://cam:0/",
        "http://u%0A:x@cam/",
        "http://[::1/",
        "http://u:se/cret@cam",
        "ftp://c",
    ],
)
def test_invalid_addresses(url: str) -> None:
    """The error shows nothing of a password."""
    with pytest.raises(ConfigurationError, match="expected an address") as caught:
        parse_http_address(url)
    assert "se/cret" not in str(caught.value)


async def body_of(url: str) -> bytes:
    """Return the body of the answer, and check that the connection can be used again."""
    with trio.fail_after(5):
        async with HttpClient(url) as client:
            for _ in range(2):
                response = await client.get()
                assert response.head.status == 200
                body = b""
                while data := await response.receive():
                    body += data
    return body


def digest_camera(algorithm: str, qop: str) -> FakeHttpCamera:
    """Return a camera that wants a password by Digest, and checks the proof as its firmware would."""
    camera = FakeHttpCamera(lambda request: b"", keeps=True)
    make = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[algorithm.removesuffix("-sess")]

    def digest(text: str) -> str:
        return make(text.encode()).hexdigest()

    def answer(request: bytes) -> bytes:
        line = next((line for line in request.decode().split("\r\n") if line.startswith("Authorization: Digest ")), "")
        sent = {name: quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', line)}
        # The number of the password changes after two requests, as cameras do it after some time.
        nonce = f"n{len(camera.requests) // 3}"
        if sent.get("nonce") == nonce:
            secret = digest("user:cam:secret")
            if algorithm.endswith("-sess"):
                secret = digest(f"{secret}:{nonce}:{sent['cnonce']}")
            middle = f"{nonce}:{sent['nc']}:{sent['cnonce']}:{qop}" if qop else nonce
            if sent["response"] == digest(f"{secret}:{middle}:{digest('GET:/p?x=1')}") and sent["uri"] == "/p?x=1":
                return picture(JPEGS[0])
        more = f', qop="{qop}"' if qop else ""
        challenge = f'WWW-Authenticate: Digest realm="cam", nonce="{nonce}", algorithm={algorithm}{more}\r\n'
        return text("401 Unauthorized", "no", challenge)

    camera.answer = answer
    return camera


@pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess", "SHA-256"])
@pytest.mark.parametrize("qop", ["auth", ""])
async def test_digest_authentication(algorithm: str, qop: str) -> None:
    """On one connection, and again when the camera changes its number."""
    camera = digest_camera(algorithm, qop)
    async with listening(camera.serve) as address:
        assert await body_of(f"http://user:secret@{address}/p?x=1") == JPEGS[0]
    assert camera.connections == 1
    assert not any(b"secret" in request or b"Basic" in request for request in camera.requests)


async def test_a_wrong_password_is_tried_once() -> None:
    """Some cameras lock a user after several attempts."""
    camera = digest_camera("MD5", "auth")
    async with listening(camera.serve) as address, HttpClient(f"http://user:wrong@{address}/p?x=1") as client:
        with trio.fail_after(5):
            response = await client.get()
    assert response.head.status == 401
    assert len(camera.requests) == 2


@pytest.mark.parametrize("challenge", ['WWW-Authenticate: Basic realm="cam"\r\n', ""])
async def test_basic_authentication(challenge: str) -> None:
    """Only after the camera has asked; some ask without saying how."""
    expected = b"Authorization: " + Credentials("user", "secret").basic().encode()
    camera = FakeHttpCamera(
        lambda request: picture(JPEGS[1]) if expected in request else text("401 No", "no", challenge), keeps=True
    )
    async with listening(camera.serve) as address:
        assert await body_of(f"http://user:secret@{address}/") == JPEGS[1]
    assert [expected in request for request in camera.requests] == [False, True, True]
    assert camera.connections == 1


async def test_a_camera_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says how long it was waited for."""
    monkeypatch.setattr(http_client, "PEER_TIMEOUT", 0.05)
    camera = FakeHttpCamera(lambda request: b"", holds=True)
    async with listening(camera.serve) as address, HttpClient(f"http://{address}/") as client:
        with trio.fail_after(5), pytest.raises(VideoUnavailable, match=r"does not answer within 0\.1 s"):
            await client.get()


async def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A camera's own certificate is trusted if the user says so; otherwise the error says how."""
    authority = trustme.CA()
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server_context)
    camera = FakeHttpCamera(lambda request: picture(JPEGS[2]), keeps=True)

    async def serve(stream: trio.SocketStream) -> None:
        try:
            await camera.serve(trio.SSLStream(stream, server_context, server_side=True, https_compatible=True))
        except (trio.BrokenResourceError, ssl.SSLError):
            await trio.aclose_forcefully(stream)

    async with listening(serve) as address:
        async with HttpClient(f"https://{address}/") as client:
            with trio.fail_after(5), pytest.raises(VideoUnavailable, match=r"not trusted.*SSL_CERT_FILE"):
                await client.get()
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert await body_of(f"https://{address}/") == JPEGS[2]


async def test_a_camera_that_speaks_no_tls_is_named() -> None:
    """The user wrote https and meant http."""
    camera = FakeHttpCamera(lambda request: picture(JPEGS[2]))

    async def serve(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await camera.serve(stream)

    async with listening(serve) as address, HttpClient(f"https://{address}/") as client:
        with trio.fail_after(5), pytest.raises(VideoUnavailable, match="no TLS connection to https"):
            await client.get()
