"""How services are restarted, and when they are reported; in virtual time."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing
from attrs import define, field

from skysentry_trio.server.health import Health
from skysentry_trio.server.supervisor import supervise


@define(eq=False)
class Service:
    """Runs for so long each time before it crashes."""

    lifetimes: list[float]
    """Seconds; after the last it runs for ever."""
    starts: list[float] = field(factory=list)

    async def run(self) -> None:
        self.starts.append(trio.current_time())
        if len(self.starts) > len(self.lifetimes):
            await trio.sleep_forever()
        await trio.sleep(self.lifetimes[len(self.starts) - 1])
        raise LookupError(f"crash number {len(self.starts)}")


@asynccontextmanager
async def supervised(service: Service, health: Health) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(supervise, "janitor", service.run, health)
        yield
        nursery.cancel_scope.cancel()


async def test_a_service_that_crashed_runs_again(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    """It is back within a second, its crash is logged once, and nobody calls the server unhealthy for it."""
    service, health = Service([5.0]), Health()
    async with supervised(service, health):
        await trio.sleep(6)
    assert service.starts == [0.0, pytest.approx(5.1)]
    assert health.failing == {}
    (record,) = caplog.records
    assert "crash number 1" in str(record.exc_info)


async def test_a_service_that_crashes_at_once_is_started_less_and_less_often(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """The pauses double, up to half a minute."""
    service = Service([0.0] * 20)
    async with supervised(service, Health()):
        await trio.sleep(140)
    pauses = [later - earlier for earlier, later in zip(service.starts, service.starts[1:], strict=False)]
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0])


async def test_a_service_that_keeps_failing_is_reported(autojump_clock: trio.testing.MockClock) -> None:
    """After five crashes in a row its health has the words of the last one."""
    service, health = Service([0.0] * 5), Health()
    async with supervised(service, health):
        await trio.sleep(1.4)
        assert health.failing == {}
        await trio.sleep(0.2)
        assert health.failing == {"janitor": "crash number 5"}


async def test_a_service_that_runs_again_for_a_while_is_no_longer_reported(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Half a minute without a crash is a recovery."""
    service, health = Service([0.0] * 5), Health()
    async with supervised(service, health):
        await trio.sleep(1.5 + 1.6 + 29)
        assert health.failing == {"janitor": "crash number 5"}
        await trio.sleep(2)
        assert health.failing == {}


async def test_crashes_with_long_runs_between_them_do_not_add_up(autojump_clock: trio.testing.MockClock) -> None:
    """One crash a minute is a nuisance, no failure; each time it is started again at once."""
    service, health = Service([60.0] * 20), Health()
    async with supervised(service, health):
        await trio.sleep(20 * 61)
    assert len(service.starts) == 21
    assert health.failing == {}


async def test_a_service_may_fail_for_days(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it counts meanwhile does not run over, and it still recovers."""
    service, health = Service([0.0] * 3000), Health()
    with caplog.at_level(logging.CRITICAL):
        async with supervised(service, health):
            await trio.sleep(24 * 3600)
            assert health.failing == {"janitor": f"crash number {len(service.starts)}"}
            await trio.sleep(24 * 3600)
            assert health.failing == {}


async def test_a_crash_without_words_is_reported_by_its_name(autojump_clock: trio.testing.MockClock) -> None:
    """An empty reason would tell nobody anything."""

    async def fail() -> None:
        raise KeyError

    health = Health()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(supervise, "janitor", fail, health)
        await trio.sleep(10)
        nursery.cancel_scope.cancel()
    assert health.failing == {"janitor": "KeyError"}
