"""The server behind nginx and HAProxy, set up as the documentation says."""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from skysentry_trio.client import Camera, Refused, Viewer
from skysentry_trio.server.access.changes import RulesEditor
from skysentry_trio.sources.drawing import Pattern
from tests.e2e.processes import PATIENCE, running, running_server
from tests.ports import free_port

pytestmark = pytest.mark.e2e
Proxied = Callable[[Path, str], AbstractContextManager[str]]

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "put-nginx-or-haproxy-in-front.md"
NGINX_AROUND = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/skysentry.conf;
}}
"""
"""What a distribution has around a file in conf.d."""


def documented(info: str, page: Path = PAGE) -> str:
    """Return the configuration that the page has in a block with this info string."""
    (text,) = re.findall(rf"^```{info}\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return str(text)


@contextmanager
def nginx(folder: Path, server: str) -> Iterator[str]:
    with nginx_with(documented("nginx"), folder, server) as address:
        yield address


@contextmanager
def nginx_with(config: str, folder: Path, server: str) -> Iterator[str]:
    port = free_port()
    config = config.replace("127.0.0.1:8080", server).replace("listen 80;", f"listen 127.0.0.1:{port};")
    (folder / "skysentry.conf").write_text(config)
    (folder / "nginx.conf").write_text(NGINX_AROUND.format(folder=folder))
    with proxy([program("nginx"), "-e", "stderr", "-p", str(folder), "-c", "nginx.conf"], port) as address:
        yield address


@contextmanager
def haproxy(folder: Path, server: str) -> Iterator[str]:
    port = free_port()
    config = documented("haproxy").replace("127.0.0.1:8080", server).replace("bind :80\n", f"bind 127.0.0.1:{port}\n")
    (folder / "haproxy.cfg").write_text(documented("haproxy buffers") + config)
    with proxy([program("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")], port) as address:
        yield address


@contextmanager
def haproxy_tcp(folder: Path, server: str, header: str = "send-proxy-v2") -> Iterator[str]:
    port = free_port()
    config = (
        documented("haproxy tcp").replace("127.0.0.1:8080", server).replace("bind :80\n", f"bind 127.0.0.1:{port}\n")
    )
    (folder / "haproxy.cfg").write_text(config.replace("send-proxy-v2", header))
    with proxy([program("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")], port) as address:
        yield address


def haproxy_tcp_v1(folder: Path, server: str) -> AbstractContextManager[str]:
    return haproxy_tcp(folder, server, "send-proxy")


def program(name: str) -> str:
    """Return where the program is; Debian keeps servers where only root looks."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None and "CI" not in os.environ:
        pytest.skip(f"no {name} on this machine")
    assert found is not None
    return found


@contextmanager
def proxy(command: list[str], port: int) -> Iterator[str]:
    address = f"127.0.0.1:{port}"
    with subprocess.Popen(command) as process:
        try:
            deadline = time.monotonic() + PATIENCE
            while not answers(f"http://{address}/api/ready"):
                assert process.poll() is None, "the proxy ended"
                assert time.monotonic() < deadline, "the proxy does not answer"
                time.sleep(0.05)
            yield address
        finally:
            process.terminate()


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("path", ["", "/cams"])
@pytest.mark.parametrize("proxied", [nginx, haproxy])
def test_everything_goes_through(proxied: Proxied, path: str, tmp_path: Path) -> None:
    """Pages and REST; a camera's frame to a viewer; an idle viewer for several times the ping interval."""
    picture = Pattern("proxied").draw(0, 0.0)
    with running_server("--ping-interval", "200ms") as server, proxied(tmp_path, server) as address:
        for page in ("/", "/capture", "/api/health"):
            assert httpx.get(f"http://{address}{path}{page}").status_code == 200
        websockets = f"ws://{address}{path}"
        own_page = Origin(f"http://{address}")
        with connect(f"{websockets}/stream/ws?format=jpeg&client=proxied", origin=own_page) as viewer:
            with connect(f"{websockets}/ws", origin=own_page) as camera:
                camera.send(json.dumps({"type": "client-registration", "clientId": "proxied"}))
                assert json.loads(camera.recv(PATIENCE))["type"] == "registration-success"
                camera.send(picture)
                assert viewer.recv(PATIENCE) == picture
            # In this time the server pings five times; an answer that got lost would end the connection.
            with pytest.raises(TimeoutError):
                viewer.recv(1.1)
            viewer.send(json.dumps({"type": "clock", "sentAt": 1}))
            assert json.loads(viewer.recv(PATIENCE))["sentAt"] == 1


@pytest.mark.parametrize("proxied", [nginx, haproxy])
def test_motion_jpeg_goes_through(proxied: Proxied, tmp_path: Path) -> None:
    """Both ways, and no proxy waits for an end before it passes on what there is."""
    picture, seen = Pattern("proxied").draw(0, 0.0), threading.Event()

    def body() -> Iterator[bytes]:
        yield b"--b\r\nContent-Length: %d\r\n\r\n%b\r\n--b\r\n" % (len(picture), picture)
        assert seen.wait(PATIENCE)

    with running_server() as server, proxied(tmp_path, server) as address, ThreadPoolExecutor() as pool:
        camera = f"http://{address}/cams/api/clients/proxied"
        kind = {"Content-Type": "multipart/x-mixed-replace; boundary=b"}
        pushed = pool.submit(httpx.post, f"{camera}/frames", content=body(), headers=kind, timeout=PATIENCE)
        try:
            with httpx.stream("GET", f"{camera}/stream.mjpeg?placeholder=1", timeout=PATIENCE) as answer:
                received = b""
                for data in answer.iter_raw():
                    received += data
                    if picture in received:
                        break
        finally:
            seen.set()
        assert picture in received
        assert pushed.result(PATIENCE).json()["frames"] == 1


@pytest.mark.parametrize("proxied", [nginx, haproxy])
def test_pages_of_others_stay_outside(proxied: Proxied, tmp_path: Path) -> None:
    """A proxy does not make a foreign page look like one of ours."""
    with running_server() as server, proxied(tmp_path, server) as address:
        with pytest.raises(InvalidStatus) as caught, connect(f"ws://{address}/ws", origin=Origin(f"http://{server}")):
            pass
        assert caught.value.response.status_code == 403


FAR = "127.0.0.5"
"""An address that is not the proxy's."""


def register_from_afar(address: str, camera_id: str, *, headers: dict[str, str] | None = None) -> None:
    """Register a camera that comes from an address of its own, and stay until the server has answered."""
    host, port = address.split(":")
    with (
        socket.create_connection((host, int(port)), PATIENCE, source_address=(FAR, 0)) as connection,
        connect(f"ws://{address}/ws", sock=connection, additional_headers=headers) as camera,
    ):
        camera.send(json.dumps({"type": "client-registration", "clientId": camera_id}))
        assert json.loads(camera.recv(PATIENCE))["type"] == "registration-success"


@pytest.mark.parametrize("proxied", [nginx, haproxy, haproxy_tcp, haproxy_tcp_v1])
def test_the_log_names_the_client_of_a_trusted_proxy(proxied: Proxied, tmp_path: Path) -> None:
    """Its address is that of the client, by headers and by both versions of the PROXY protocol, whatever it invents."""
    flags = ("--trusted-proxy", "127.0.0.1", "--open", "--log-format", "json")
    forged = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}
    with (
        running("serve", "--host", "127.0.0.1", "--port", "0", *flags) as server,
        proxied(tmp_path, server.wait_for_line(r"127\.0\.0\.1:\d+").group()) as address,
    ):
        register_from_afar(address, "honest")
        register_from_afar(address, "forged", headers=forged)
        for camera_id in ("honest", "forged"):
            line = json.loads(server.wait_for_line(rf'.*"{camera_id}", "event": "camera registered".*').group())
            assert line["peer"].partition(":")[0] == FAR
            assert line["proxy"].startswith("127.0.0.1:")


@pytest.mark.parametrize("proxied", [nginx, haproxy])
def test_a_proxy_that_is_not_trusted_names_nobody(proxied: Proxied, tmp_path: Path) -> None:
    """Without the flag, headers from the same machine have no more effect than others."""
    with (
        running("serve", "--host", "127.0.0.1", "--port", "0", "--log-format", "json") as server,
        proxied(tmp_path, server.wait_for_line(r"127\.0\.0\.1:\d+").group()) as address,
    ):
        register_from_afar(address, "honest")
        line = json.loads(server.wait_for_line(r'.*"honest", "event": "camera registered".*').group())
        assert line["peer"].startswith("127.0.0.1:")
        assert "proxy" not in line


@pytest.mark.parametrize("proxied", [nginx, haproxy, haproxy_tcp])
def test_a_foreign_name_is_refused_until_it_is_allowed(proxied: Proxied, tmp_path: Path) -> None:
    """Each proxy passes `Host` on, and the answer names the flag."""
    flags = ("--trusted-proxy", "127.0.0.1", "--allowed-host", "cams.example.org", "--open")
    with running_server(*flags) as server, proxied(tmp_path, server) as address:
        url = f"http://{address}/api/health"
        assert httpx.get(url, headers={"Host": "cams.example.org"}).status_code == 200
        refused = httpx.get(url, headers={"Host": "evil.example"})
        assert refused.status_code == 421
        assert "--allowed-host evil.example" in refused.json()["error"]


@pytest.mark.parametrize("proxied", [nginx, haproxy, haproxy_tcp, haproxy_tcp_v1])
def test_behind_a_proxy_on_the_same_machine_nobody_is_local(proxied: Proxied, tmp_path: Path) -> None:
    """Everyone has to prove who it is, and the list of sessions has the addresses of the clients."""
    key = RulesEditor(tmp_path / "state").add_key("admin", {"admin": ["*"]}, None).key
    proven = {"Authorization": f"Bearer {key}"}
    flags = ("--trusted-proxy", "127.0.0.1", "--state-dir", str(tmp_path / "state"))
    with running_server(*flags) as server, proxied(tmp_path, server) as address:
        host, port = address.split(":")
        forged = {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1"}
        for headers in ({}, forged):
            assert httpx.get(f"http://{address}/api/clients", headers=headers).status_code == 401
        with (
            socket.create_connection((host, int(port)), PATIENCE, source_address=(FAR, 0)) as connection,
            connect(f"ws://{address}/stream/ws", sock=connection, additional_headers=proven | forged) as viewer,
        ):
            assert json.loads(viewer.recv(PATIENCE))["type"] == "clients"
            sessions = httpx.get(f"http://{address}/api/sessions", headers=proven).json()["sessions"]
        link = {"action": "view", "clientId": "door", "expiresIn": 60}
        made = httpx.post(f"http://{address}/api/links", json=link, headers=proven)
        assert made.json()["url"].startswith(f"http://{address}/"), "a link leads to the proxy"
        (seen,) = [session["address"] for session in sessions if session["role"] == "viewer"]
        assert seen.partition(":")[0] == FAR


@pytest.mark.one_server  # Of several servers, each prints a link, and only the link that was printed last counts.
def test_a_server_behind_a_proxy_without_rules_invites_an_administrator(tmp_path: Path) -> None:
    """It is not open, although it listens on loopback only; the printed link works through the proxy."""
    flags = ("--trusted-proxy", "127.0.0.1", "--state-dir", str(tmp_path / "state"))
    with (
        running("serve", "--host", "127.0.0.1", "--port", "0", *flags) as server,
        haproxy(tmp_path, server.wait_for_line(r"127\.0\.0\.1:\d+").group()) as address,
    ):
        assert httpx.get(f"http://{address}/api/clients").status_code == 401
        link = server.wait_for_line(r"http://localhost:\d+(/admin\?link=\S+)").group(1)
        with httpx.Client(base_url=f"http://{address}", headers={"Accept": "text/html"}) as browser:
            assert browser.get(link).status_code == 303
            assert browser.get("/api/keys", headers={"Accept": "*/*"}).status_code == 200


class _SignOn(http.server.BaseHTTPRequestHandler):
    """Knows a person by a cookie, and answers where and as one of the three programs does.

    Authelia by its endpoint for ``auth_request``, oauth2-proxy with ``set_xauthrequest``, Authentik by its outpost.
    """

    ANSWERS: ClassVar = {
        "/api/authz/auth-request": (200, "Remote-User", "Remote-Groups", ","),
        "/outpost.goauthentik.io/auth/nginx": (200, "X-authentik-username", "X-authentik-groups", "|"),
        "/oauth2/auth": (202, "X-Auth-Request-Preferred-Username", "X-Auth-Request-Groups", ","),
    }

    def do_GET(self) -> None:
        status, user, groups, separator = self.ANSWERS[self.path]
        person = self.headers.get("Cookie", "").partition("session=")[2]
        self.send_response(status if person else 401)
        if person:
            self.send_header(user, person)
            if person == "ann":
                self.send_header(groups, separator.join(["staff", "family"]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


SIGN_ON_PAGE = PAGE.with_name("sign-in-with-authelia-authentik-or-oauth2-proxy.md")


def sign_on_config(kind: str) -> str:
    """Return the configuration for Authelia, or with the lines that the page has for another program."""
    config = documented("nginx sign-on", SIGN_ON_PAGE)
    if kind == "authelia":
        return config
    rows = re.findall(r"^\| `(.+?)`.*? \| `(.+?)` \| `(.+?)` \|$", SIGN_ON_PAGE.read_text("utf-8"), re.MULTILINE)
    for words, *values in rows:
        value = values[kind == "oauth2-proxy"]
        if "$" in words or words.startswith("error_page"):
            before, _, rest = config.partition(words)
            config = f"{before}{words} {value};{rest.partition(';')[2]}"
        elif words == "proxy_pass":
            config = config.replace("http://127.0.0.1:9091/api/authz/auth-request", value)
    return config


@pytest.mark.parametrize("kind", ["authelia", "authentik", "oauth2-proxy"])
def test_people_sign_in_at_the_proxy(tmp_path: Path, kind: str) -> None:
    """A person has the rights of the groups, over HTTP and WebSockets; nobody can name another person or group."""
    config = sign_on_config(kind)
    flags = ("--trusted-proxy", "127.0.0.1", "--header-sign-on", "--group-grant", "family=view:yard-*")
    forged = {"Remote-User": "admin", "Remote-Groups": "admins"}
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), _SignOn) as sign_on,
        running_server(*flags, "--group-grant", "admins=admin", "--state-dir", str(tmp_path / "state")) as server,
    ):
        threading.Thread(target=sign_on.serve_forever, daemon=True).start()
        config = re.sub(r"127\.0\.0\.1:(9091|9000|4180)", f"127.0.0.1:{sign_on.server_address[1]}", config)
        # The proxy counts as ready when this address answers; the page has no address without sign-in.
        config = config.replace("    location / {", "    location = /api/ready { return 200; }\n    location / {", 1)
        with nginx_with(config, tmp_path, server) as address:
            person = {"Cookie": "session=ann", **forged}
            session = httpx.get(f"http://{address}/api/session", headers=person).json()
            assert (session["name"], session["kind"], session["actions"]) == ("ann", "header", {"view": ["yard-*"]})
            with connect(f"ws://{address}/stream/ws", additional_headers=person) as viewer:
                assert json.loads(viewer.recv(PATIENCE))["type"] == "clients"
            # The program names no groups for this person, so those of the client itself must not count.
            session = httpx.get(f"http://{address}/api/session", headers={**person, "Cookie": "session=bob"}).json()
            assert (session["name"], session["actions"]) == ("bob", {})
            refused = httpx.get(f"http://{address}/api/session", headers=forged)
            assert refused.status_code == 302
            assert "rd=" in refused.headers["location"]
            foreign = {**person, "Origin": "https://evil.example"}
            with pytest.raises(InvalidStatus), connect(f"ws://{address}/stream/ws", additional_headers=foreign):
                pass
        # From elsewhere, the headers are those of a stranger.
        direct = socket.create_connection(
            (server.split(":")[0], int(server.split(":")[1])), PATIENCE, source_address=(FAR, 0)
        )
        with direct, direct.makefile("rb") as answer:
            direct.sendall(b"GET /api/clients HTTP/1.0\r\nRemote-User: ann\r\nRemote-Groups: family\r\n\r\n")
            assert b" 401 " in answer.readline()
        sign_on.shutdown()


def test_passwords_and_a_certificate_of_your_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of the guide make what nginx needs; our camera and our viewer get through with what it says."""
    picture, port = Pattern("guarded").draw(0, 0.0), free_port()
    make_certificate, make_password = (
        block.replace("/etc/ssl", str(tmp_path)).replace("/etc/nginx", str(tmp_path)).replace("192.0.2.10", "127.0.0.1")
        for block in re.findall(r"^```sh\n((?:openssl|printf).*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    )
    for command in (make_certificate, make_password):
        subprocess.run(["/bin/sh", "-ec", command], check=True, capture_output=True, timeout=PATIENCE)
    with running_server() as server:
        config = documented("nginx").replace("127.0.0.1:8080", server)
        guarded = documented("nginx tls").replace("443", f"127.0.0.1:{port}").replace("/etc/ssl", str(tmp_path))
        guarded += documented("nginx password").replace("/etc/nginx", str(tmp_path))
        guarded += documented("nginx exempt").replace("192.0.2.0/24", "127.0.0.0/8")
        (tmp_path / "skysentry.conf").write_text(config.replace("    listen 80;\n", guarded))
        # The folders of tests are for their owner only; without root, nginx ignores this line.
        (tmp_path / "nginx.conf").write_text("user root;\n" + NGINX_AROUND.format(folder=tmp_path))
        command = [program("nginx"), "-e", "stderr", "-p", str(tmp_path), "-c", "nginx.conf"]
        with subprocess.Popen(command) as process:
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "skysentry.pem"))
            try:
                # The camera's address is exempt from the password, the viewer's is not.
                with Camera(f"https://127.0.0.1:{port}", "guarded") as camera:
                    wait_until(lambda: camera.state == "live")
                    with Viewer(f"https://guard:secret@127.0.0.1:{port}", "guarded") as viewer:
                        camera.send(picture)
                        assert viewer.receive(PATIENCE).jpeg == picture
                with (
                    Viewer(f"https://guard:wrong@127.0.0.1:{port}") as viewer,
                    pytest.raises(Refused, match="are wrong"),
                ):
                    viewer.receive(PATIENCE)
                with Viewer(f"https://127.0.0.1:{port}") as viewer, pytest.raises(Refused, match="user:password@"):
                    viewer.receive(PATIENCE)
            finally:
                process.terminate()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
