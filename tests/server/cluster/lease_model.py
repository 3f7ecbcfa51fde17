"""The rules of lease.lua in Python: an engine without Redis, for tests in virtual time."""

from __future__ import annotations

import json
import math
from typing import Any

from attrs import define, field

LIFETIME, MEMORY, PAUSE = 5000, 600000, 2500


@define(eq=False)
class LeaseModel:
    """The state of an engine. `step` does what lease.lua does; see there."""

    nodes: dict[str, dict[str, Any]] = field(factory=dict)
    cameras: dict[str, dict[str, Any]] = field(factory=dict)
    floors: dict[str, dict[str, Any]] = field(factory=dict)
    era: str = ""
    secret: str = ""
    version: int = 0
    last: int | None = None
    changes: list[tuple[int, bytes]] = field(factory=list)
    now: int = 0
    node: str = ""
    checks_lifetime: bool = True
    """False is a mistake that tests have to find."""
    higher_epoch_wins: bool = True
    """False is a mistake that tests have to find."""

    def step(self, what: str, node: str, valid_until: float, request: bytes, now: int) -> list[Any]:
        self.node, self.now = node, now
        if what not in {"time", "snapshot"}:
            if now > valid_until:
                return [b"late", now]
            if self.last is not None and now - self.last > PAUSE:
                for record in self.nodes.values():
                    record["seen"] = now
            self.last = now
        answer: list[Any] = getattr(self, what)(json.loads(request))
        return answer

    def time(self, _request: None) -> list[Any]:
        return [b"ok", self.now]

    def hello(self, request: dict[str, Any]) -> list[Any]:
        if not self.era:
            self.version, self.era = 0, request["era"]
            for all_of_them in (self.changes, self.nodes, self.cameras):
                all_of_them.clear()
        for other, record in list(self.nodes.items()):
            if other != self.node and record["u"] == request["u"]:
                self.end_node(other)
        self.nodes[self.node] = {"u": request["u"], "v": request["v"], "seen": self.now}
        self.tell({"k": "node", "n": self.node, "r": self.nodes[self.node]})
        self.secret = self.secret or request["k"]
        return [b"ok", self.now, self.era.encode(), self.secret.encode() if request["k"] else b""]

    def beat(self, request: dict[str, Any]) -> list[Any]:
        record = self.nodes.get(self.node)
        if self.era != request["era"] or record is None or self.is_over(record):
            return [b"lapsed", self.now]
        record.update(seen=self.now, c=request["c"], w=request["w"])
        for camera_id, sequence in request["q"]:
            camera = self.cameras.get(camera_id)
            if camera is not None and camera["n"] == self.node:
                camera.update(q=max(camera.get("q", 0), sequence), t=self.now)
        for other in [other for other, record in self.nodes.items() if self.is_over(record)]:
            self.end_node(other)
        return [b"ok", self.now, self.version]

    def claim(self, request: dict[str, Any]) -> list[Any]:
        if self.node not in self.nodes:
            return [b"lapsed", self.now]
        camera_id = request["c"]
        old, floor = self.cameras.get(camera_id), self.floors.get(camera_id)
        is_elsewhere = old is not None and old["n"] != self.node
        is_foreign = old and is_elsewhere and old.get("o") and old.get("h") != request["h"] and not request["a"]
        if old and is_foreign and self.is_alive(old["n"]):
            return [b"in-use", self.now]
        epoch, sequence = request["e"], 0
        if old:
            epoch = max(epoch, old["e"] + 1)
            sequence = self.highest_sequence(old) if is_elsewhere else old.get("q", 0)
        if floor:
            epoch, sequence = max(epoch, floor["e"] + 1), max(sequence, floor["q"])
        record = {"n": self.node, "e": epoch, "h": request["h"], "s": request["s"], "o": True}
        record |= {"q": sequence, "t": self.now, "f": request["f"]}
        name = request.get("l") or (old or {}).get("l")
        self.cameras[camera_id] = record | ({"l": name} if name else {})
        self.floors.pop(camera_id, None)
        self.tell({"k": "camera", "c": camera_id, "r": self.cameras[camera_id]})
        return [b"ok", self.now, epoch, sequence]

    def keep(self, request: list[tuple[str, dict[str, Any]]]) -> list[Any]:
        if self.node not in self.nodes:
            return [b"lapsed", self.now]
        corrected = []
        for camera_id, given in request:
            record = given | {"n": self.node, "t": self.now}
            old = self.cameras.get(camera_id)
            later = old or self.floors.get(camera_id)
            if later and later["n"] != self.node and self.is_stronger(later, record):
                corrected.append([camera_id, later["e"], later["n"]])
                continue
            if later and later["n"] == self.node and later["e"] > record["e"]:
                record["e"] = later["e"]
                corrected.append([camera_id, later["e"], self.node])
            if old and old["n"] == self.node:
                record["q"] = max(record.get("q", 0), old.get("q", 0))
            self.cameras[camera_id] = record
            self.floors.pop(camera_id, None)
            if old is None or any(old.get(key) != record.get(key) for key in "neoxls"):
                self.tell({"k": "camera", "c": camera_id, "r": record})
        return [b"ok", self.now, json.dumps(corrected or {}).encode()]

    def release(self, request: list[str]) -> list[Any]:
        for camera_id in request:
            record = self.cameras.get(camera_id)
            if record and record["n"] == self.node:
                self.forget_camera(camera_id, record)
                self.tell({"k": "released", "c": camera_id, "n": self.node})
        return [b"ok", self.now]

    def bye(self, _request: None) -> list[Any]:
        if self.node in self.nodes:
            self.end_node(self.node)
        return [b"ok", self.now]

    def snapshot(self, _request: None) -> list[Any]:
        nodes, cameras = (
            [part for key, record in records.items() for part in (key.encode(), json.dumps(record).encode())]
            for records in (self.nodes, self.cameras)
        )
        return [b"ok", self.now, self.era.encode(), self.version, nodes, cameras]

    # Helpers

    def tell(self, change: dict[str, Any]) -> None:
        self.version += 1
        self.changes.append((self.version, json.dumps(change).encode()))

    def is_over(self, record: dict[str, Any]) -> bool:
        return self.checks_lifetime and bool(self.now - record["seen"] > LIFETIME)

    def is_alive(self, node: str) -> bool:
        return node in self.nodes and not self.is_over(self.nodes[node])

    def is_stronger(self, one: dict[str, Any], other: dict[str, Any]) -> bool:
        if self.higher_epoch_wins:
            return bool((one["e"], one["n"]) > (other["e"], other["n"]))
        return bool((one["e"], one["n"]) < (other["e"], other["n"]))

    def highest_sequence(self, record: dict[str, Any]) -> int:
        sequence: int = record.get("q", 0)
        if not record.get("o"):
            return sequence
        return sequence + math.ceil((self.now - int(record["t"])) / 1000 * float(record.get("f", 0)))

    def forget_camera(self, camera_id: str, record: dict[str, Any]) -> None:
        del self.cameras[camera_id]
        floor = {"e": record["e"], "n": record["n"], "q": self.highest_sequence(record), "until_": self.now + MEMORY}
        self.floors[camera_id] = floor

    def end_node(self, node: str) -> None:
        for camera_id, record in list(self.cameras.items()):
            if record["n"] == node:
                self.forget_camera(camera_id, record)
        for camera_id in [camera_id for camera_id, floor in self.floors.items() if floor["until_"] < self.now]:
            del self.floors[camera_id]
        del self.nodes[node]
        self.tell({"k": "gone", "n": node})
