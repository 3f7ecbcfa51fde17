from __future__ import annotations

import json
import logging
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from attrs import define, field

from skysentry_trio.server import daemon, routing, supervisor
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.transport.systemd import Notifier
from skysentry_trio.server.websocket.viewer import serve_viewer
from tests.daemons import CertificateFiles, running_daemon, stopping_daemon
from tests.raw_peer import (
    BINARY,
    CLOSE,
    PATIENCE,
    TEXT,
    Address,
    client_frame,
    handshake,
    picture,
    request_head,
    until,
)

# Services


async def test_health_says_503_while_the_janitor_fails_and_200_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A load balancer is told, cameras and viewers are served on, and what recovers is forgiven."""
    broken = True
    evict_idle_in_slices = Hub.evict_idle_in_slices

    def fail_or_evict(hub: Hub) -> Iterator[list[str]]:
        if broken:
            raise RuntimeError("no broom")
        return evict_idle_in_slices(hub)

    monkeypatch.setattr(Hub, "evict_idle_in_slices", fail_or_evict)
    monkeypatch.setattr(supervisor, "_FIRST_RESTART", 0.001)
    monkeypatch.setattr(supervisor, "_PROVEN", 0.3)
    async with running_daemon(cleanup_interval=0.001) as server, server.viewer() as viewer:
        health = await server.wait_until_healthy(lambda health: health["failing"])
        assert (health["status"], health["failing"]) == ("unhealthy", {"janitor": "no broom"})
        assert (await server.ask("/api/health")).status == 503
        assert (await server.ask("/api/ready")).status == 200
        async with server.camera("door") as camera:
            await camera.send(client_frame(BINARY, jpeg := picture()))
            assert await viewer.picture() == (1, jpeg)
        broken = False
        health = await server.wait_until_healthy(lambda health: not health["failing"])
        assert health["status"] == "healthy"
        assert (await server.ask("/api/health")).status == 200


async def test_the_janitor_forgets_cameras_that_have_left() -> None:
    """It looks every cleanup interval; viewers are told and stay."""
    async with running_daemon(cleanup_interval=0.02, client_timeout=0.2) as server, server.viewer() as viewer:
        async with server.camera("door"):
            assert (await viewer.message())["type"] == "client-connected"
        assert await viewer.message() == {"type": "client-disconnected", "clientId": "door", "removed": False}
        assert (await server.health())["totalClients"] == 1
        assert await viewer.message() == {"type": "client-disconnected", "clientId": "door", "removed": True}
        health = await server.health()
        assert (health["totalClients"], health["streamSubscribers"]) == (0, 1)


async def test_the_janitor_lets_old_frames_go() -> None:
    """Of a camera that sends no more the newest frame stays, as it is what the camera shows."""
    async with running_daemon(cleanup_interval=0.02, buffer_seconds=0.2) as server, server.camera("door") as camera:
        await camera.send(*(client_frame(BINARY, picture(5000 + number)) for number in range(3)))
        await server.wait_until_healthy(lambda health: health["framesReceived"] == 3)
        await server.wait_until_healthy(lambda health: health["memory"] == 5002)


async def test_metrics_are_of_this_server() -> None:
    """The connection that asks is among those open and accepted; the loop is being measured."""
    async with running_daemon() as server, server.viewer():
        answer = await server.ask("/metrics")
        lines = answer.body.decode().splitlines()
        assert "skysentry_connections 2.0" in lines
        assert "skysentry_accepted_connections_total 2.0" in lines
        assert "skysentry_viewers 1.0" in lines
        with trio.fail_after(PATIENCE):
            while "skysentry_event_loop_lag_seconds_count 0.0" in lines:
                await trio.sleep(0.05)
                lines = (await server.ask("/metrics")).body.decode().splitlines()


async def test_metrics_have_the_latency_that_viewers_measure() -> None:
    """What a viewer says of a frame it has painted is in the histograms; a camera that tells no time is not."""
    async with running_daemon() as server, server.viewer() as viewer, server.camera("door") as camera:
        for sequence in (1, 2, 3):
            await camera.send(client_frame(BINARY, picture()))
            assert (await viewer.picture())[0] == sequence
            ack = {"type": "ack", "clientId": "door", "sequence": sequence, "paintedAt": time.time() * 1000}
            await viewer.send(client_frame(TEXT, json.dumps(ack).encode()))
            # The server measures from the first acknowledgement on.
            await viewer.send(client_frame(TEXT, b'{"type":"clock","sentAt":1}'))
            while (await viewer.message())["type"] != "clock":
                pass
        text = (await server.ask("/metrics")).body.decode()
    counts = dict(re.findall(r'^skysentry_latency_seconds_count{hop="(\w+)"} (\S+)$', text, re.MULTILINE))

    assert counts == {"capture": "0.0", "transit": "0.0", "server": "2.0", "delivery": "2.0", "total": "2.0"}


# Connections


async def test_a_crash_in_one_handler_is_the_end_of_one_connection(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is one line in the log and one more in /api/health; another viewer misses no frame."""

    async def crash_for_some(peer: Any, *, query: str, **rest: Any) -> None:
        if "crash" in query:
            raise RuntimeError("the handler crashed")
        await serve_viewer(peer, query=query, **rest)

    monkeypatch.setattr(routing, "serve_viewer", crash_for_some)
    async with running_daemon() as server, server.viewer() as viewer, server.camera("door") as camera:
        for sequence in range(1, 6):
            async with server.websocket("/stream/ws?crash=1") as unlucky:
                assert (await unlucky.close_frame()).close_code == 1011
                await unlucky.send(client_frame(CLOSE, (1011).to_bytes(2, "big")))
                assert await unlucky.ending() == "eof"
            await camera.send(client_frame(BINARY, jpeg := picture(shade=sequence)))
            assert await viewer.picture() == (sequence, jpeg)
        health = await server.wait_until_healthy(lambda health: health["connectionsEnded"] == {"crash": 5})
    assert health["status"] == "healthy"
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1, "at most one a second"


async def test_who_is_served_by_a_handler_that_crashes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Close 1011 and then the end of the stream, as RFC 6455 has it; a reset would say nothing."""

    async def crash(*_arguments: Any, **_more: Any) -> None:
        raise RuntimeError("the handler crashed")

    monkeypatch.setattr(routing, "serve_viewer", crash)
    async with running_daemon() as server, server.websocket("/stream/ws") as unlucky:
        frame = await unlucky.close_frame()
        assert frame.close_code == 1011
        assert b"crashed" not in frame.payload
        await unlucky.send(client_frame(CLOSE, frame.payload[:2]))
        assert await unlucky.ending() == "eof"
        await server.wait_until_healthy(lambda health: health["connectionsEnded"] == {"crash": 1})


# Addresses


async def test_it_says_where_it_listens() -> None:
    """The address in the settings, with the port the kernel chose."""
    async with running_daemon(host="127.0.0.1") as server:
        assert server.host == "127.0.0.1"
        assert (await server.ask("/api/ready")).status == 200


async def test_ipv6_is_served_too() -> None:
    """The address is written in brackets there."""
    async with trio.open_nursery() as nursery:
        serve = partial(daemon.serve, Settings(port=0, host="::1"), notifier=Notifier())
        (url,) = await nursery.start(serve)
        assert url.startswith("http://[::1]:")
        assert (await Address.parse(url).ask("/api/ready")).status == 200
        nursery.cancel_scope.cancel()


async def test_inherited_sockets_are_served_instead_of_the_address(tmp_path: Path) -> None:
    """What systemd opened for us counts, be it TCP or a path; they are closed in the end."""
    tcp = socket.create_server(("127.0.0.1", 0))
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(tmp_path / "sky.socket"))
    unix.listen()
    port = tcp.getsockname()[1]
    async with trio.open_nursery() as nursery:
        settings = Settings(host="host.invalid")
        urls = await nursery.start(partial(daemon.serve, settings, sockets=[tcp, unix], notifier=Notifier()))
        assert urls == [f"http://127.0.0.1:{port}", f"unix:{tmp_path}/sky.socket"]
        assert (await Address("127.0.0.1", port).ask("/api/ready")).status == 200
        async with await trio.open_unix_socket(tmp_path / "sky.socket") as stream:
            await stream.send_all(request_head("/api/ready"))
            with trio.fail_after(PATIENCE):
                assert (await stream.receive_some()).startswith(b"HTTP/1.1 200")
        nursery.cancel_scope.cancel()
    with pytest.raises(OSError, match="failed"):
        await trio.open_tcp_stream("127.0.0.1", port)


async def test_an_address_that_is_taken_is_an_error() -> None:
    """Who starts a second server hears why it does not run."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        settings = Settings(port=taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            await daemon.serve(settings, notifier=Notifier())


# Settings that must reach what they are about


async def test_the_default_format_of_viewers_can_be_chosen() -> None:
    """Old viewers ask for nothing and want SkySentry Go's JSON; who asks for something gets that."""
    async with running_daemon(viewer_format="json") as server, server.camera("door") as camera:
        await camera.send(client_frame(BINARY, picture()))
        async with server.websocket("/stream/ws") as viewer:
            update = await viewer.message()
            assert (update["type"], update["clientId"]) == ("frame_update", "door")
        async with server.websocket("/stream/ws", "Sec-WebSocket-Protocol: skysentry.v1") as viewer:
            assert (await viewer.message())["type"] == "clients"
            assert (await viewer.picture())[0] == 1


async def test_allowed_origins_reach_websockets_and_rest() -> None:
    """One setting opens both to the pages of another site, and to no other's."""
    async with running_daemon(cors_origins=("https://friend.example",)) as server:
        for origin, status in (("https://friend.example", 101), ("https://other.example", 403)):
            async with server.connection() as peer:
                await peer.send(handshake("/ws", f"Origin: {origin}"))
                assert (await peer.answer()).status == status
        friend = await server.ask("/api/ready", "Origin: https://friend.example")
        assert friend.headers["access-control-allow-origin"] == "https://friend.example"
        other = await server.ask("/api/ready", "Origin: https://other.example")
        assert "access-control-allow-origin" not in other.headers


async def test_without_allowed_origins_there_is_no_cors() -> None:
    """The default lets no other page read anything."""
    async with running_daemon() as server:
        answer = await server.ask("/api/ready", "Origin: https://friend.example")
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_the_number_of_connections_is_bounded() -> None:
    """The setting reaches the router."""
    async with running_daemon(max_connections=1) as server, server.viewer(), server.connection() as peer:
        assert (await peer.receive_rest())[0] == b""


async def test_one_connection_serves_whatever_is_asked(perhaps_tls: CertificateFiles | None) -> None:
    """Snapshots, REST, pages, frames that are posted, and a WebSocket at last: each is served as on its own."""
    jpeg = picture()
    snapshot = request_head("/api/clients/door/latest.jpg")
    post = request_head("/api/clients/door/frames", f"Content-Length: {len(jpeg)}", method="POST")
    async with running_daemon(perhaps_tls) as server, server.connection() as peer:
        for _ in range(2):
            await peer.send(snapshot, post, jpeg, snapshot)
            statuses = [(await peer.answer()).status for _ in range(3)]
            assert statuses[1:] == [201, 200]
            await peer.send(request_head("/api/health"), request_head("/api/clients/door/latest.jpg", method="HEAD"))
            assert (await peer.answer()).json["connections"] == 1
            assert (await peer.answer("HEAD")).headers["content-length"] == str(len(jpeg))
        await peer.send(handshake("/stream/ws"))
        assert (await peer.answer()).status == 101
        assert (await peer.message())["type"] == "clients"
        assert await peer.picture() == (2, jpeg)


# The end


@define(eq=False)
class Systemd:
    """The socket on which it listens to services, and what it heard."""

    address: str
    messages: list[bytes] = field(factory=list)


@pytest.fixture
async def systemd(tmp_path: Path, nursery: trio.Nursery) -> Systemd:
    """Listen as systemd does."""
    systemd = Systemd(str(tmp_path / "notify"))
    channel = trio.socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    await channel.bind(systemd.address)

    async def listen() -> None:
        with channel:
            while True:
                systemd.messages.append(await channel.recv(1000))

    nursery.start_soon(listen)
    return systemd


async def test_systemd_hears_of_the_start_the_life_and_the_end(systemd: Systemd) -> None:
    """Ready when clients are served, a sign of life every interval, stopping as soon as that is decided."""
    notifier = Notifier(systemd.address, watchdog_interval=0.01)
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(daemon.serve, Settings(port=0), notifier=notifier))
        await until(lambda: systemd.messages.count(b"WATCHDOG=1") >= 5)
        signal.raise_signal(signal.SIGTERM)
    await until(lambda: b"STOPPING=1" in systemd.messages)
    events = [message for message in systemd.messages if message != b"WATCHDOG=1"]
    assert events == [b"READY=1", b"STOPPING=1"]


async def test_without_a_watchdog_nobody_feeds_one(systemd: Systemd) -> None:
    """Signs of life that nobody waits for are not sent."""
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(daemon.serve, Settings(port=0), notifier=Notifier(systemd.address)))
        await trio.sleep(0.05)
        nursery.cancel_scope.cancel()
    assert systemd.messages == [b"READY=1"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_drain_tells_everybody_and_waits_for_their_goodbyes(
    number: signal.Signals, perhaps_tls: CertificateFiles | None
) -> None:
    """Cameras and viewers get 1001; until they have left, load balancers hear 503 and nobody new is let in."""
    async with (
        stopping_daemon(perhaps_tls, shutdown_grace=60.0) as (server, stopped),
        server.camera("door") as camera,
        server.viewer() as viewer,
        server.websocket("/ws") as silent,
    ):
        assert (await server.ask("/api/ready")).json == {"ready": True}
        signal.raise_signal(number)
        peers = [camera, viewer, silent]
        for peer in peers:
            assert (await peer.close_frame()).close_code == 1001
        ready = await server.ask("/api/ready")
        assert (ready.status, ready.json) == (503, {"ready": False})
        health = await server.ask("/api/health")
        assert (health.status, health.json["status"]) == (200, "draining")
        async with server.connection() as late:
            await late.send(handshake("/stream/ws"))
            assert (await late.answer()).status == 503
        assert not stopped.is_set()
        for peer in peers:
            await peer.send(client_frame(CLOSE, (1001).to_bytes(2, "big")))
            assert await peer.ending() == "eof"
            await peer.stream.aclose()
        with trio.fail_after(PATIENCE):
            await stopped.wait()


async def test_a_drain_without_anybody_is_over_at_once() -> None:
    """The grace is for those who are there."""
    async with stopping_daemon(shutdown_grace=60.0) as (server, stopped):
        await server.ask("/api/ready")
        signal.raise_signal(signal.SIGTERM)
        with trio.fail_after(PATIENCE):
            await stopped.wait()


async def test_a_drain_does_not_wait_for_connections_between_two_requests(
    perhaps_tls: CertificateFiles | None,
) -> None:
    """Browsers keep theirs open, and nothing is lost if they are closed."""
    async with stopping_daemon(perhaps_tls, shutdown_grace=60.0) as (server, stopped), server.connection() as peer:
        await peer.send(request_head("/api/ready"))
        assert (await peer.answer()).status == 200
        signal.raise_signal(signal.SIGTERM)
        assert await peer.receive_rest() == (b"", "eof")
        with trio.fail_after(PATIENCE):
            await stopped.wait()


async def test_a_drain_lasts_no_longer_than_the_grace(perhaps_tls: CertificateFiles | None) -> None:
    """Who does not answer, in whatever state, is not waited for any longer."""
    async with (
        stopping_daemon(perhaps_tls, shutdown_grace=0.3, write_timeout=60.0) as (server, stopped),
        server.camera("door"),
        server.viewer(),
        server.connection() as silent,
        server.websocket("/stream/ws") as half,
    ):
        await silent.send(b"GET / HT")
        await half.send(client_frame(TEXT, b"{", length=1000))
        signal.raise_signal(signal.SIGTERM)
        with trio.fail_after(PATIENCE):
            await stopped.wait()


async def test_a_second_signal_ends_it_at_once() -> None:
    """Somebody at the keyboard does not want to wait for a grace of a minute."""
    async with (
        stopping_daemon(shutdown_grace=60.0, write_timeout=60.0, max_fps=1000) as (server, stopped),
        server.camera("door") as camera,
        server.viewer(),
        server.connection() as stuck,
    ):
        await camera.send(*(client_frame(BINARY, picture(1_000_000, shade)) for shade in range(16)))
        await server.wait_until_healthy(lambda health: health["framesReceived"] == 16)
        await stuck.send(request_head("/api/clients/door/stream"))
        await server.wait_until_healthy(lambda health: health["connections"] == 4)
        signal.raise_signal(signal.SIGINT)
        await trio.sleep(0.3)
        assert not stopped.is_set()
        signal.raise_signal(signal.SIGINT)
        with trio.fail_after(PATIENCE):
            await stopped.wait()
