"""Which node has recorded a camera that no node knows any more."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

import msgspec
import trio
from attrs import define, field

from skysentry_trio.server.cluster.node_questions import NodeQuestions
from skysentry_trio.wire.history import RecordingReply

_TIMEOUT: Final = 1.0
"""Seconds that another node has to say what it has recorded."""
_BELIEVED: Final = 5.0
"""Seconds for which the answers are kept: the timeline of a page asks several times."""
_replies: Final = msgspec.json.Decoder(RecordingReply)


async def _no_recordings(_camera_id: str, _begin: float) -> tuple[float, float] | None:
    return None


@define(eq=False)
class Recorders:
    """Finds the node with the newest recordings of a camera."""

    _questions: NodeQuestions = field(repr=False)
    own_extent: Callable[[str, float], Awaitable[tuple[float, float] | None]] = _no_recordings
    """Returns when the oldest and the newest frame arrived that this node has recorded of a camera."""
    _found: dict[str, tuple[float, str]] = field(factory=dict, init=False, repr=False)
    """For each camera that other nodes have recorded: until when, and the node that has the newest frame."""
    _valid_until: float = field(default=-math.inf, init=False)
    _asking: trio.Lock = field(factory=trio.Lock, init=False, repr=False)

    async def find(self, camera_id: str) -> str | None:
        """Return the id of the node that has newer recordings of a camera than this node and all others."""
        async with self._asking:
            if trio.current_time() >= self._valid_until:
                await self._ask()
        newest, node_id = self._found.get(camera_id, (0.0, None))
        own = None if node_id is None else await self.own_extent(camera_id, 0.0)
        return None if own is not None and own[1] >= newest else node_id

    async def _ask(self) -> None:
        gathered = await self._questions.gather("/api/history", None, _TIMEOUT)
        answers, missing = gathered.read(_replies.decode)
        # What a node has recorded is not gone because the node does not answer just now.
        found = {camera_id: known for camera_id, known in self._found.items() if known[1] in missing}
        for node_id, answer in answers.items():
            for camera in answer.cameras:
                newest = datetime.fromisoformat(camera.newest_at).timestamp()
                found[camera.client_id] = max(found.get(camera.client_id, (0.0, "")), (newest, node_id))
        self._found, self._valid_until = found, trio.current_time() + _BELIEVED
