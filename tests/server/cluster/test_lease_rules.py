from __future__ import annotations

import json
from typing import Any

from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from skysentry_trio.base.engine_address import EngineAddress
from skysentry_trio.server.cluster.redis_engine import PREFIX, RedisConnection, RedisEngine
from tests.server.cluster.lease_model import LeaseModel
from tests.server.cluster.redis_process import RedisProcess

FOR_EVER = 1e15

NODES, CAMERAS = st.sampled_from(["a", "b", "c"]), st.sampled_from(["door", "yard"])
EPOCHS = st.integers(1, 6)
HOLDERS, NAMES, SEQUENCES = st.sampled_from(["x", "y"]), st.sampled_from(["Door", "Tür"]), st.integers(1, 9)
YES, RATE = st.just(value=True), st.just(30)
RECORDS = st.fixed_dictionaries(
    {"n": NODES, "e": EPOCHS}, optional={"h": HOLDERS, "l": NAMES, "o": YES, "x": YES, "q": SEQUENCES, "f": RATE}
)
HELLO = st.fixed_dictionaries(
    {"u": st.sampled_from("uvw"), "v": st.just("1"), "era": st.just("e"), "k": st.sampled_from(["", "s"])}
)
REPORTS = st.lists(st.tuples(CAMERAS, SEQUENCES), max_size=2)
BEAT = st.fixed_dictionaries({"era": st.sampled_from("ee-"), "c": st.just(1), "w": st.just(2), "q": REPORTS})
CLAIM = st.fixed_dictionaries(
    {"c": CAMERAS, "e": EPOCHS, "h": HOLDERS, "a": st.booleans(), "s": st.just(1.5), "f": RATE}, optional={"l": NAMES}
)
REQUESTS: dict[str, st.SearchStrategy[Any]] = {
    "hello": HELLO,
    "beat": BEAT,
    "claim": CLAIM,
    "keep": st.lists(st.tuples(CAMERAS, RECORDS), min_size=1, max_size=3),
    "release": st.lists(CAMERAS, min_size=1, max_size=2),
}
STEPS = st.sampled_from([*REQUESTS, "bye", "snapshot", "age", "pause"]).flatmap(
    lambda what: st.tuples(st.just(what), NODES, REQUESTS.get(what, st.none()))
)


@define(eq=False)
class BothEngines:
    """The same steps for the script and for its model."""

    connection: RedisConnection
    model: LeaseModel = field(factory=LeaseModel)

    async def step(self, what: str, node: str, request: object, valid_until: float = FOR_EVER) -> list[Any]:
        text = json.dumps(request).encode()
        answer = list(await self.connection.step(what, node, valid_until, text))
        expected = self.model.step(what, node, valid_until, text, answer[1])
        assert normal(answer) == normal(expected)
        return answer

    async def change(self, hash_name: str, key: str, seconds: float) -> None:
        """Let what the engines know of a node be older."""
        record = self.model.nodes.get(key)
        if record is not None:
            record["seen"] -= int(seconds * 1000)
            client = self.connection._requests
            await client.hset(f"{PREFIX}:{hash_name}", {key: json.dumps(record)})

    async def compare(self) -> None:
        """Check that both have the same in memory."""
        client, model = self.connection._requests, self.model
        for name, records in (("nodes", model.nodes), ("cameras", model.cameras), ("floors", model.floors)):
            found = await client.hgetall(f"{PREFIX}:{name}")
            assert normal({key.decode(): json.loads(text) for key, text in found.items()}) == normal(records), name
        assert int(await client.get(f"{PREFIX}:version") or 0) == model.version
        told = [(version, json.loads(text)) for version, text in await self.connection.changes(0, 0.001)]
        assert [normal(one) for one in told] == [normal((version, json.loads(text))) for version, text in model.changes]


def normal(value: Any) -> Any:
    """Return a value in which an empty table, a list of pairs and JSON in bytes do not differ."""
    if isinstance(value, bytes):
        try:
            return normal(json.loads(value))
        except ValueError:
            return value.decode()
    if isinstance(value, dict):
        # No sequence and the sequence 0 are the same.
        return {key: normal(one) for key, one in value.items() if (key, one) != ("q", 0)} or []
    if isinstance(value, list | tuple):
        if value and len(value) % 2 == 0 and all(isinstance(one, bytes) for one in value):
            return {one.decode(): normal(value[i + 1]) for i, one in enumerate(value) if i % 2 == 0}
        return [normal(one) for one in value]
    return value


@settings(max_examples=60)
@given(st.lists(STEPS, max_size=12))
async def test_the_script_has_the_rules_of_the_model(redis: RedisProcess, steps: list[tuple[str, str, Any]]) -> None:
    """So what the tests in virtual time find out about the model is true of the engine."""
    async with RedisEngine(EngineAddress.parse(redis.url)).open() as connection:
        assert isinstance(connection, RedisConnection)
        await connection._requests.flushall()
        both = BothEngines(connection)
        for what, node, request in steps:
            if what == "age":
                await both.change("nodes", node, 6)
            elif what == "pause" and both.model.last is not None:
                both.model.last -= 3000
                await connection._requests.set(f"{PREFIX}:last", str(both.model.last))
            elif what != "pause":
                await both.step(what, node, request)
        await both.compare()


@settings(max_examples=300)
@given(st.lists(STEPS, max_size=12))
def test_every_camera_has_a_node_that_the_engine_knows(steps: list[tuple[str, str, Any]]) -> None:
    """So every node knows the address at which a camera is, and no camera outlives its node."""
    model = LeaseModel()
    for now, (what, node, request) in enumerate(steps):
        if what == "age":
            for record in model.nodes.values():
                record["seen"] -= 6000
        elif what != "pause":
            model.step(what, node, FOR_EVER, json.dumps(request).encode(), now)
        assert {record["n"] for record in model.cameras.values()} <= model.nodes.keys()


async def test_a_request_that_comes_too_late_does_nothing(redis: RedisProcess) -> None:
    """It may have waited in the socket of an engine that was frozen, and the camera may be elsewhere by now."""
    async with RedisEngine(EngineAddress.parse(redis.url)).open() as connection:
        assert isinstance(connection, RedisConnection)
        await connection._requests.flushall()
        both = BothEngines(connection)
        _, now = await both.step("time", "a", None)
        claim = {"c": "door", "e": 1, "h": "x", "a": False, "s": 0, "f": 30}
        assert (await both.step("claim", "a", claim, now - 1))[0] == b"late"
        await both.compare()
        assert both.model.cameras == {}
