from __future__ import annotations

import re
import shlex
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
import yaml
from websockets.sync.client import connect

from skysentry_trio.cli.settings_sources import FIELDS, flag_of
from tests.e2e.cluster import LoadCamera, LoadViewer, running_load, until
from tests.e2e.processes import running
from tests.e2e.test_proxies import answers, documented, program, proxy
from tests.ports import free_port
from tests.raw_peer import Address, picture
from tests.server.cluster.redis_process import running_redis

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging" / "cluster"
BALANCER = ROOT / "docs" / "how-to" / "put-a-balancer-in-front.md"
COMPOSE: dict[str, Any] = yaml.safe_load((PACKAGING / "compose.yaml").read_text("utf-8"))
NODES = ["first", "second", "third"]


def test_the_compose_file_is_complete() -> None:
    """Each service has something to run, depends on services that exist, and mounts files and secrets that exist."""
    services = COMPOSE["services"]
    assert set(services) == {"engine", *NODES, "balancer"}
    for service in services.values():
        assert ("image" in service) != ("build" in service)
        assert set(service.get("depends_on", ())) <= set(services)
        assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"])
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in COMPOSE.get("volumes", {}) or (PACKAGING / source).exists()
    build = services["first"]["build"]
    assert (PACKAGING / build["context"] / build["dockerfile"]).is_file()


def test_the_flags_of_the_compose_file_are_settings() -> None:
    """A typing error in a file that nobody runs here would be found late."""
    flags = {flag_of(name) for name in FIELDS}
    for name in NODES:
        verb, *words = shlex.split(COMPOSE["services"][name]["command"])
        assert verb == "serve"
        assert {word for word in words if word.startswith("--")} <= flags


async def test_the_same_three_servers_run_as_processes(tmp_path: Path) -> None:
    """The commands of the compose file, with other ports: a camera and a viewer meet behind the balancer."""
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef" * 4)
    with running_redis(tmp_path) as redis, ExitStack() as stack:
        config, port = (PACKAGING / "haproxy.cfg").read_text("utf-8"), free_port()
        config = config.replace("bind :8080", f"bind 127.0.0.1:{port}")
        ports = []
        for name in NODES:
            command = COMPOSE["services"][name]["command"]
            (documented_port,) = re.findall(r"--port (\d+)", command)
            ports.append(free_port())
            config = config.replace(f"127.0.0.1:{documented_port}", f"127.0.0.1:{ports[-1]}")
            command = command.replace(documented_port, str(ports[-1])).replace("redis://127.0.0.1:6379", redis.url)
            command = command.replace("/run/secrets/cluster", str(secret))
            stack.enter_context(running(*shlex.split(command), "--state-dir", str(tmp_path / "state"), "--open"))
        await until(lambda: all(answers(f"http://127.0.0.1:{one}/api/ready") for one in ports), 90)
        (tmp_path / "haproxy.cfg").write_text(config)
        with proxy([program("haproxy"), "-db", "-f", str(tmp_path / "haproxy.cfg")], port):
            balancer = Address("127.0.0.1", port)
            viewers = [LoadViewer("door", Address("127.0.0.1", one)) for one in ports]
            async with running_load([LoadCamera("door", balancer)], [LoadViewer("door", balancer), *viewers]):
                pass
            assert (await run_status(redis.url)).startswith(f"{redis.url}: 3 servers")


async def run_status(url: str) -> str:
    """Return what ``cluster status`` prints."""
    command = [sys.executable, "-m", "skysentry_trio", "cluster", "status", "--cluster", url]
    return (await trio.run_process(command, capture_stdout=True)).stdout.decode()


def test_cameras_are_spread_by_their_ids_without_a_cluster(tmp_path: Path) -> None:
    """A camera that posts and viewers who name it reach the same server, by path and by query."""
    with ExitStack() as stack:
        config, port, ports = documented("haproxy", BALANCER), free_port(), [free_port(), free_port()]
        for one in ports:
            stack.enter_context(running("serve", "--port", str(one)))
        deadline = time.monotonic() + 60
        while not all(answers(f"http://127.0.0.1:{one}/api/ready") for one in ports):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        config = config.replace("10.0.0.11:8080", f"127.0.0.1:{ports[0]}")
        config = config.replace("10.0.0.12:8080", f"127.0.0.1:{ports[1]}")
        timeouts = "".join(f"    timeout {what} 10s\n" for what in ("connect", "client", "server"))
        front = f"frontend cameras\n    bind 127.0.0.1:{port}\n    default_backend skysentry\n"
        (tmp_path / "haproxy.cfg").write_text(f"defaults\n    mode http\n{timeouts}{front}{config}")
        with proxy([program("haproxy"), "-db", "-f", str(tmp_path / "haproxy.cfg")], port) as address:
            kind = {"Content-Type": "image/jpeg"}
            for number in range(8):
                camera = f"http://{address}/api/clients/camera-{number}"
                assert httpx.post(f"{camera}/frames", content=picture(), headers=kind).status_code == 201
                assert httpx.get(f"{camera}/latest.jpg").status_code == 200
                with connect(f"ws://{address}/stream/ws?format=jpeg&client=camera-{number}") as viewer:
                    assert viewer.recv(30) == picture()
            known = [httpx.get(f"http://127.0.0.1:{one}/api/health").json()["totalClients"] for one in ports]
            assert sum(known) == 8
            assert all(known)
