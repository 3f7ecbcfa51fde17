"""Our own programs over https, with a certificate that the server has made itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from skysentry_trio.client import Viewer
from tests.e2e.processes import PATIENCE, running

# A node of a cluster is reached by the other nodes without TLS, or with a certificate that all of them trust.
pytestmark = [pytest.mark.e2e, pytest.mark.one_server]


@frozen
class Secured:
    """A server with a certificate of its own, and the file that makes clients trust it."""

    port: str
    authority: str


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Secured]:
    arguments = ("--host", "127.0.0.1", "--port", "0", "--tls-self-signed", "--state-dir", str(tmp_path))
    with running("serve", *arguments) as program:
        port = program.wait_for_line(r"https://127\.0\.0\.1:(\d+)")[1]
        yield Secured(port, str(tmp_path / "tls" / "authority.pem"))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_capture_watch_and_python_work_over_https(server: Secured, host: str) -> None:
    """By name and by address."""
    url = f"https://{host}:{server.port}"
    with running("capture", "pattern", "--server", url, "--tls-ca", server.authority):
        command = [sys.executable, "-m", "skysentry_trio", "watch", "--server", url, "--tls-ca", server.authority]
        done = subprocess.run([*command, "--count", "3", "--json"], capture_output=True, timeout=PATIENCE, check=True)
        assert json.loads(done.stdout.splitlines()[-1])
        with Viewer(url, "pattern", tls_ca=server.authority) as viewer:
            assert viewer.receive(PATIENCE).camera_id == "pattern"


def test_without_the_authority_the_server_is_not_trusted(server: Secured) -> None:
    """The program says why, and tries again."""
    url = f"https://localhost:{server.port}"
    with running("capture", "pattern", "--server", url) as camera:
        camera.wait_for_line(r"cannot connect to https:.*the certificate was refused.*trying again")
