"""Which requests the other servers of a cluster are asked about, and what becomes of their answers."""

from __future__ import annotations

import msgspec
import pytest
from attrs import field, frozen

from skysentry_trio.base.principal import ANYONE, Principal
from skysentry_trio.server.http import gathering
from skysentry_trio.server.http.gathering import gather_answers
from skysentry_trio.server.transport.other_servers import Gathered


@frozen
class CurrentRequest:
    via: tuple[str, ...]


@frozen
class TwoNodes:
    """Node ``b`` answers, node ``c`` answers what nobody can read, and node ``d`` does not answer."""

    asked: list[str] = field(factory=list)

    async def gather(self, target: str, principal: Principal | None, seconds: float) -> Gathered:
        self.asked.append(target)
        return Gathered({"b": b"[1]", "c": b"?"}, ["d"])


@pytest.mark.parametrize(
    ("via", "asked", "expected"),
    [((), ["/api/history"], ({"b": [1]}, ["c", "d"])), (("a",), [], ({}, []))],
)
async def test_only_for_a_client_are_the_other_servers_asked(
    monkeypatch: pytest.MonkeyPatch,
    via: tuple[str, ...],
    asked: list[str],
    expected: tuple[dict[str, list[int]], list[str]],
) -> None:
    """So no request goes in circles; answers that are missing or cannot be read are said to be missing."""
    monkeypatch.setattr(gathering, "current_request", lambda: CurrentRequest(via))
    others = TwoNodes()

    decode = msgspec.json.Decoder(list[int]).decode
    found = await gather_answers(others, "/api/history", ANYONE, decode)  # type: ignore[arg-type] # as much as is used

    assert (others.asked, found) == (asked, expected)
