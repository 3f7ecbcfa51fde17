from __future__ import annotations

from collections.abc import Callable

import pytest
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.server.cluster.lease import EpochClock, Holdings
from skysentry_trio.server.cluster.records import CameraRecord
from tests.server.cluster.simulated import SimulatedCluster, simulate

SEEDS = 15
MOST_SEEDS = 60


def test_an_epoch_is_above_all_that_were_seen() -> None:
    """A clock that stands still or is behind does not let an old lease win."""
    clock = EpochClock(lambda: 5.0)
    assert [clock.next(), clock.next()] == [5000, 5001]
    clock.observe(9000)
    assert clock.next() == 9001


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from("ab"), st.booleans()), max_size=20))
def test_a_node_has_a_camera_until_a_stronger_lease_is_seen(steps: list[tuple[int, str, bool]]) -> None:
    """Whatever the order, the node has the camera if and only if no lease that it has seen since beats its own."""
    holdings, mine = Holdings("a", EpochClock(lambda: 0.0)), None
    for epoch, node, is_claim in steps:
        if is_claim:
            holdings.take("door", CameraRecord("a", epoch))
            mine = epoch if mine is None else max(mine, epoch)
        else:
            lost = holdings.observe("door", CameraRecord(node, epoch))
            if node == "a":
                assert not lost
                mine = None if mine is None else max(mine, epoch)
            else:
                assert lost == (mine is not None and (epoch, node) > (mine, "a"))
                mine = None if lost else mine
        assert ("door" in holdings.records) == (mine is not None)


async def test_one_node_has_a_camera_whatever_breaks(autojump_clock: trio.testing.MockClock) -> None:
    """After cuts, lost and late messages, pauses, kills and empty restarts, the newest lease wins and all nodes agree.

    Meanwhile, no viewer is taken back to an older owner.
    """
    for seed in range(SEEDS):
        assert await simulate(seed) == [], f"seed {seed}"


def without_fence(_cluster: SimulatedCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Holdings, "observe", lambda *_: False)


def without_lifetime(cluster: SimulatedCluster, _monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.engine.model.checks_lifetime = False


def with_wrong_winner(cluster: SimulatedCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.engine.model.higher_epoch_wins = False
    is_weaker = lambda one, other: (one.epoch, one.node) < (other.epoch, other.node)  # noqa: E731
    monkeypatch.setattr(CameraRecord, "is_stronger_than", is_weaker)


@pytest.mark.parametrize("mistake", [without_fence, without_lifetime, with_wrong_winner])
async def test_a_mistake_in_the_rules_is_found(
    mistake: Callable[[SimulatedCluster, pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
    autojump_clock: trio.testing.MockClock,
) -> None:
    """The test above would fail without the fence, without the end of leases, and if the lower epoch won."""
    for seed in range(MOST_SEEDS):
        if await simulate(seed, prepare=lambda cluster: mistake(cluster, monkeypatch)):
            return
    pytest.fail("the mistake was not found")
