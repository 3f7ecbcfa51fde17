"""The whole server with TLS, over real sockets: every kind of peer is served as without TLS."""

from __future__ import annotations

import os
import signal
import ssl
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trio
from attrs import evolve
from cryptography import x509

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.server import daemon
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.transport import certificate
from skysentry_trio.server.transport.systemd import Notifier
from tests.daemons import CertificateFiles, running_daemon
from tests.ports import free_port
from tests.raw_peer import BINARY, PATIENCE, Address, RawPeer, client_frame, handshake, picture, request_head


@pytest.fixture
def files(tmp_path: Path) -> CertificateFiles:
    return CertificateFiles(tmp_path)


async def test_cameras_and_viewers_use_tls(files: CertificateFiles) -> None:
    """Frames of every size arrive whole over WebSockets, REST and Motion JPEG."""
    frames = [picture(size, shade) for shade, size in enumerate((None, 16_384, 65_536, 300_000, 5 * 1024 * 1024))]
    async with (
        running_daemon(files, max_fps=1000) as address,
        address.camera("door") as camera,
        address.viewer() as viewer,
        address.connection() as stream,
    ):
        await stream.send(request_head("/api/clients/door/stream.mjpeg"))
        for number, frame in enumerate(frames, 1):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(camera.send, client_frame(BINARY, frame))
                assert await viewer.picture() == (number, frame)
            answer = await address.ask("/api/clients/door/latest.jpg")
            assert (answer.status, answer.body) == (200, frame)
        # The boundary of the next part comes with the last frame. A search in all bytes for each piece takes seconds.
        received, end = bytearray(), frames[-1] + b"\r\n--frame\r\n"
        with trio.fail_after(PATIENCE):
            while not received.endswith(end):
                received += await stream.stream.receive_some()


async def test_the_pages_of_the_server_may_use_it(files: CertificateFiles) -> None:
    """The origin of a page has to be https: a page over plain HTTP of the same name is another origin."""
    async with running_daemon(files) as address:
        for origin, status in (("https://sky.localhost", 101), ("http://sky.localhost", 403)):
            async with address.connection() as peer:
                await peer.send(handshake("/stream/ws", f"Origin: {origin}"))
                assert (await peer.answer()).status == status


async def test_plain_http_is_told_to_use_https(files: CertificateFiles) -> None:
    """The answer names https, and the mistake is counted."""
    async with running_daemon(files) as address:
        async with evolve(address, tls=None).connection() as peer:
            await peer.send(request_head("/capture"))
            answer = await peer.answer()
            assert await peer.ending() == "eof"
        assert answer.status == 400
        assert "use https://sky.localhost/capture" in answer.json["error"]
        assert (await address.health())["connectionsEnded"]["plain-http"] == 1


async def serial(address: Address) -> int:
    """Return the serial number of the certificate that a new connection gets."""
    async with address.connection() as peer:
        stream: trio.SSLStream[trio.SocketStream] = peer.stream  # type: ignore[assignment]
        return x509.load_der_x509_certificate(stream.getpeercert(binary_form=True)).serial_number


async def test_certificates_are_replaced_under_viewers(
    files: CertificateFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty new certificates under 20 viewers: no frame is missing, and new connections get the new one."""
    monkeypatch.setattr(certificate, "CHECK_INTERVAL", 0.01)
    serials: set[int] = set()

    async def watch(viewer: RawPeer) -> None:
        for number in range(1, 21):
            assert (await viewer.picture())[0] == number

    async with running_daemon(files, max_fps=1000) as address, address.camera("door") as camera:
        async with AsyncExitStack() as stack, trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(watch, await stack.enter_async_context(address.viewer()))
            for number in range(20):
                files.write()
                os.kill(os.getpid(), signal.SIGHUP)
                with trio.fail_after(PATIENCE):
                    while (found := await serial(address)) in serials:
                        os.kill(os.getpid(), signal.SIGHUP)
                serials.add(found)
                await camera.send(client_frame(BINARY, picture(3000, number)))
        assert len(serials) == 20


async def test_a_slow_viewer_gets_the_newest_frame(files: CertificateFiles) -> None:
    """Frames that nobody reads do not wait as ciphertext: the viewer that reads again sees the present."""
    frame_size = 200_000
    async with (
        running_daemon(files, max_fps=1000) as address,
        address.camera("door") as camera,
        address.viewer() as fast,
    ):
        async with address.connection(receive_buffer=16 * 1024) as slow:
            await slow.send(handshake("/stream/ws"))
            assert (await slow.answer()).status == 101
            assert (await slow.message())["type"] == "clients"
            for number in range(1, 101):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(camera.send, client_frame(BINARY, picture(frame_size, number)))
                    assert (await fast.picture())[0] == number
            sequences = [(await slow.picture())[0]]
            while sequences[-1] != 100:
                sequences.append((await slow.picture())[0])
        # What the kernel holds at both ends, and the frame that was begun.
        assert len(sequences) <= 40, sequences
        health = await address.health()
    assert health["connections"] >= 1


async def test_who_says_nothing_after_the_handshake_is_cut(files: CertificateFiles) -> None:
    """A request has its time with TLS too, and what was cut is counted."""
    async with running_daemon(files, handshake_timeout=1.0) as address:
        async with address.connection() as silent, address.connection() as slow:
            await slow.send(b"GET / HT")
            for peer in (silent, slow):
                assert (await peer.receive_rest())[0] == b""
        assert (await address.health())["connectionsEnded"] == {"request-timeout": 2}


async def test_handshakes_that_take_too_long_delay_nobody(files: CertificateFiles) -> None:
    """Fifty peers that send half a ClientHello are gone in time; a camera and a viewer do not notice them."""
    async with (
        running_daemon(files, handshake_timeout=1.0, max_fps=1000) as address,
        address.camera("door") as camera,
        address.viewer() as viewer,
        AsyncExitStack() as stack,
    ):
        for _ in range(50):
            peer = await stack.enter_async_context(evolve(address, tls=None).connection())
            await peer.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        for number in range(1, 20):
            await camera.send(client_frame(BINARY, picture(shade=number)))
            assert (await viewer.picture())[0] == number
        health = await address.wait_until_healthy(lambda health: health["connections"] == 3)
        assert health["connectionsEnded"] == {"tls-timeout": 50}


async def test_renegotiation_is_refused(files: CertificateFiles) -> None:
    """A client that negotiates again and again would cost a handshake each time."""
    async with running_daemon(files) as address:
        command = ["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{address.port}"]
        # A line that is only an R makes s_client negotiate again.
        done = await trio.run_process(command, stdin=b"R\n", capture_stdout=True, capture_stderr=True, check=False)
    assert b"no renegotiation" in done.stderr.lower()


async def test_closing_is_said_in_tls(files: CertificateFiles) -> None:
    """A client that wants to know that an answer is complete gets the alert after it."""
    async with running_daemon(files) as address:
        assert address.tls is not None
        stream = await trio.open_ssl_over_tcp_stream("127.0.0.1", address.port, ssl_context=address.tls)
        await stream.send_all(request_head("/api/ready", "Connection: close"))
        with trio.fail_after(PATIENCE):
            while await stream.receive_some():
                pass
        await trio.aclose_forcefully(stream)


async def test_a_bad_pair_at_the_start_ends_the_server(files: CertificateFiles) -> None:
    """The reason is a sentence for the operator."""
    settings = Settings(port=0, tls_cert=files.write()["tls_cert"])
    with pytest.raises(ConfigurationError, match=r"certificate\.pem: expected a private key in PEM form"):
        await daemon.serve(settings, notifier=Notifier())


async def test_http_is_redirected(files: CertificateFiles) -> None:
    """A second port leads those who type no scheme to the first one."""
    (free,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = free.socket.getsockname()[1]
    await free.aclose()
    async with running_daemon(files, http_redirect_port=port) as address:
        answer = await Address("127.0.0.1", port).ask("/capture")
    assert (answer.status, answer.headers["location"]) == (308, f"https://sky.localhost:{address.port}/capture")


async def test_phones_are_told_of_the_warning_first(tmp_path: Path) -> None:
    """With a certificate of its own, the second port explains https; everything else is still redirected."""
    port = free_port()
    settings = Settings(
        port=0, tls_self_signed=True, http_redirect_port=port, state_dir=str(tmp_path), allowed_hosts=("sky.localhost",)
    )
    plain = Address("127.0.0.1", port)
    async with trio.open_nursery() as nursery:
        (url,) = await nursery.start(partial(daemon.serve, settings, notifier=Notifier()))
        https = f"https://sky.localhost:{urlsplit(url).port}"
        capture = await plain.ask("/capture?name=Door")
        assert (capture.status, capture.headers["location"]) == (303, "./set-up?name=Door")
        assert (await plain.ask("/set-up")).status in {200, 503}
        assert (await plain.ask("/trust")).status == 200
        told = await plain.ask("/api/phone")
        assert told.json == {"https": https, "selfSigned": True, "code": None}
        for target in ("/", "/api/clients", "/capture?link=lnk_a", "/admin"):
            answer = await plain.ask(target)
            assert (answer.status, answer.headers["location"]) == (308, f"{https}{target}")
        nursery.cancel_scope.cancel()


def test_old_clients_are_refused() -> None:
    """The context allows TLS 1.2 and 1.3 only, with ciphers that keep the past secret."""
    context = certificate.create_context()
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    names = {cipher["name"] for cipher in context.get_ciphers()}
    assert all(name.startswith(("TLS_", "ECDHE-")) for name in names)
