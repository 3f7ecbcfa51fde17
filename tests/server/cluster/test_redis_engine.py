from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trio

from skysentry_trio.base.engine_address import EngineAddress
from skysentry_trio.server.cluster.engine import EngineGone, EngineRequests
from skysentry_trio.server.cluster.records import CameraRecord, NodeRecord
from skysentry_trio.server.cluster.redis_engine import RedisEngine
from tests.daemons import running_daemon
from tests.raw_peer import BINARY, PATIENCE, Address, client_frame, picture
from tests.server.cluster.nodes import Relay
from tests.server.cluster.redis_process import RedisProcess, running_redis


async def claim(address: EngineAddress) -> tuple[int, int]:
    """Join as a node and claim a camera."""
    async with RedisEngine(address).open() as connection:
        requests = EngineRequests("a", connection)
        await requests.hello(NodeRecord("http://a.example"))
        record = CameraRecord("a", 5, "x", "Tür", 1.5, online=True, max_fps=30)
        granted = await requests.claim("door", record, is_admin=False)
        snapshot = await requests.snapshot()
        assert snapshot.cameras["door"].name == "Tür"
        assert [version for version, _ in await requests.changes(snapshot.version - 1)] == [snapshot.version]
        await requests.bye()
        return granted


async def test_a_connection_that_has_ended_meanwhile_says_so(redis: RedisProcess) -> None:
    """A camera may ask for its lease while this node leaves the engine, and must not be cut off for that."""
    async with RedisEngine(EngineAddress.parse(redis.url)).open() as connection:
        requests = EngineRequests("a", connection)
        await requests.hello(NodeRecord("http://a.example"))
    with pytest.raises(EngineGone):
        await requests.snapshot()


async def test_an_engine_with_a_password_and_numbered_databases(tmp_path: Path) -> None:
    """Two clusters in two databases of one engine know nothing of each other; a wrong password is told."""
    with running_redis(tmp_path, "--requirepass", "s:e/c@r et") as process:
        for number in (0, 1):
            address = f"redis://:s%3Ae%2Fc%40r%20et@127.0.0.1:{process.port}/{number}"
            assert await claim(EngineAddress.parse(address)) == (5, 0)
        with pytest.raises(EngineGone, match=r"(?i)password|auth"):
            await claim(EngineAddress.parse(f"redis://:wrong@127.0.0.1:{process.port}"))


async def test_an_engine_at_a_unix_socket(tmp_path: Path) -> None:
    """For servers on one machine."""
    with running_redis(tmp_path, "--unixsocket", str(tmp_path / "engine")):
        assert await claim(EngineAddress.parse(f"unix://{tmp_path}/engine")) == (5, 0)


async def test_no_engine_is_an_error_that_says_why() -> None:
    """Nothing listens there."""
    with pytest.raises(EngineGone, match="refused"):
        await claim(EngineAddress.parse("redis://127.0.0.1:1"))


async def test_a_camera_that_moves_to_another_server_is_ended_at_the_first(redis: RedisProcess) -> None:
    """With close code 4001, as on one server; its frames are counted on."""
    async with AsyncExitStack() as stack:
        first, second = [await stack.enter_async_context(running_daemon(cluster=redis.url)) for _ in range(2)]
        old = await stack.enter_async_context(first.camera("door"))
        await old.send(client_frame(BINARY, picture()))
        await first.wait_until_healthy(lambda health: health["framesReceived"] == 1)
        await stack.enter_async_context(second.camera("door"))
        assert (await old.close_frame()).close_code == 4001


async def test_health_and_metrics_tell_of_the_engine(tmp_path: Path) -> None:
    """Degraded while it does not answer, although cameras connect; well again when it is back, even empty."""
    with running_redis(tmp_path) as process:
        async with running_daemon(cluster=process.url) as server:
            assert await figure(server, "skysentry_cluster_engine_up") == 1
            process.kill()
            health = await server.wait_until_healthy(lambda health: health["status"] == "degraded")
            assert process.url in health["degraded"]["cluster"]
            async with server.camera("door"):
                assert await figure(server, "skysentry_cluster_claims_alone_total") == 1
                process.start()
                await server.wait_until_healthy(lambda health: health["status"] == "healthy")
                assert await figure(server, "skysentry_cluster_engine_up") == 1
                with trio.fail_after(PATIENCE):
                    while "door" not in await cameras_of(process):  # noqa: ASYNC110  (there is no event to wait for)
                        await trio.sleep(0.05)


async def test_a_link_to_the_engine_that_lets_nothing_through_costs_no_frame(redis: RedisProcess) -> None:
    """As with a firewall that drops packets: no error comes, and what was sent arrives much later."""
    async with trio.open_nursery() as nursery, AsyncExitStack() as stack:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        relay = Relay(listener, redis.port)
        nursery.start_soon(relay.run)
        url = f"redis://127.0.0.1:{listener.socket.getsockname()[1]}"
        cut_off = await stack.enter_async_context(running_daemon(cluster=url))
        other = await stack.enter_async_context(running_daemon(cluster=redis.url))
        camera = await stack.enter_async_context(cut_off.camera("steady"))
        await other.wait_until_healthy(lambda health: health["onlineClients"] == 1)
        viewers = [await stack.enter_async_context(server.viewer("?client=steady")) for server in (cut_off, other)]
        shown = list[tuple[int, int]]()

        async def show(number: int) -> None:
            await camera.send(client_frame(BINARY, picture(shade=number)))
            shown.append((await viewers[0].picture())[0:1] + (await viewers[1].picture())[0:1])

        await show(0)
        relay.freeze()
        await cut_off.wait_until_healthy(lambda health: health["status"] == "degraded")
        # The leases of the node end after five seconds, but its frames are still heard.
        for number in range(1, 70):
            await show(number)
            await trio.sleep(0.1)
        relay.open.set()
        await cut_off.wait_until_healthy(lambda health: health["status"] == "healthy")
        for number in range(70, 80):
            await show(number)
        assert shown == [(shown[0][0] + number,) * 2 for number in range(80)]
        nursery.cancel_scope.cancel()


async def figure(server: Address, name: str) -> float:
    text = (await server.ask("/metrics")).body.decode()
    (line,) = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])


async def cameras_of(process: RedisProcess) -> dict[str, CameraRecord]:
    async with RedisEngine(EngineAddress.parse(process.url)).open() as connection:
        return (await EngineRequests("test", connection).snapshot()).cameras
