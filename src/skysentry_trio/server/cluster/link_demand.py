"""What one node asks another one for: decides when to subscribe to which cameras, with which limits, for how many."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from attrs import define, field

from skysentry_trio.base.demand import CombinedDemand, Limits
from skysentry_trio.wire.viewer import Subscribe, Unsubscribe, Viewers
from skysentry_trio.wire.viewer_query import MAX_SUBSCRIBED

_HOLD: Final = 1.0
"""Seconds to wait before asking for less: a viewer that reloads its page returns within this time."""
_COUNTS_TOGETHER: Final = 1.0
"""Seconds for which changed numbers of viewers are collected, because viewers may come and go all the time."""
_MOST_COUNTS: Final = 512
"""Most cameras in one message about numbers of viewers, so that the longest ids fit into it."""


@define(eq=False)
class LinkDemand:
    """The demand of the viewers of this node for the cameras of another node; times are monotonic seconds."""

    needed: Callable[[str], Limits | None]
    """Returns the most that viewers here need of a camera now; None if nobody needs it."""
    count: Callable[[str], int]
    """Returns how many viewers here need a camera, which is in `asked`."""
    asked: dict[str, Limits] = field(factory=dict, init=False)
    """What the other node was asked for, by camera id."""
    _changed: dict[str, None] = field(factory=dict, init=False, repr=False)
    """Ids of cameras whose demand may differ from what was asked for."""
    _counted: dict[str, int] = field(factory=dict, init=False, repr=False)
    """By camera id: the number of viewers that the other node knows of, if it is not 1."""
    _recount: dict[str, None] = field(factory=dict, init=False, repr=False)
    """Ids of cameras whose number of viewers may have changed."""
    _recount_at: float = field(default=math.inf, init=False, repr=False)
    """When to look at `_recount`."""
    _lower_at: dict[str, float] = field(factory=dict, init=False, repr=False)
    """By camera id: when to ask for less, if the demand stays low until then."""

    def note(self, camera_id: str) -> None:
        """Note that the demand for a camera may have changed."""
        self._changed[camera_id] = self._recount[camera_id] = None

    def reset(self) -> None:
        """Begin a new connection, on which nothing was asked for."""
        self._changed.update(dict.fromkeys(self.asked))
        self._recount.update(dict.fromkeys(self.asked))
        self.asked.clear()
        self._counted.clear()
        self._lower_at.clear()

    def forget(self, camera_id: str) -> bool:
        """Stop asking for a camera; return whether the other node has to be told."""
        self._changed.pop(camera_id, None)
        self._lower_at.pop(camera_id, None)
        self._counted.pop(camera_id, None)
        return self.asked.pop(camera_id, None) is not None

    @property
    def is_needed(self) -> bool:
        """Whether a connection is needed: something is asked for, or somebody here needs a camera."""
        return bool(self.asked) or any(self.needed(camera_id) is not None for camera_id in self._changed)

    @property
    def due(self) -> float:
        """When to call `messages` again even if nothing has changed."""
        return min([self._recount_at, *self._lower_at.values()])

    def messages(self, now: float) -> Iterator[Subscribe | Unsubscribe | Viewers]:
        """Yield the messages that are due: a higher demand at once, a lower one and counts of viewers later."""
        yield from self._subscriptions(now)
        if self._recount and self._recount_at == math.inf:
            self._recount_at = now + _COUNTS_TOGETHER
        if now >= self._recount_at:
            yield from self._counts()

    def _counts(self) -> Iterator[Viewers]:
        counts = {camera_id: self.count(camera_id) for camera_id in self._recount if camera_id in self.asked}
        self._recount.clear()
        self._recount_at = math.inf
        changed = {one: count for one, count in counts.items() if count and count != self._counted.get(one, 1)}
        self._counted.update(changed)
        for some in _batches(list(changed), _MOST_COUNTS):
            yield Viewers({camera_id: changed[camera_id] for camera_id in some})

    def _subscriptions(self, now: float) -> Iterator[Subscribe | Unsubscribe]:
        more, ended = defaultdict[Limits, list[str]](list), list[str]()
        for camera_id in list(self._changed):
            need, asked = self.needed(camera_id), self.asked.get(camera_id)
            if need == asked:
                self._settle(camera_id)
            elif need is not None and (asked is None or _is_more(need, asked)):
                more[need].append(camera_id)
            elif now >= self._lower_at.setdefault(camera_id, now + _HOLD):
                if need is None:
                    ended.append(camera_id)
                else:
                    more[need].append(camera_id)
        for limits, camera_ids in more.items():
            for camera_id in camera_ids:
                self._settle(camera_id)
                self.asked[camera_id] = limits
            for some in _batches(camera_ids):
                yield Subscribe(some, limits.max_fps, limits.max_width, limits.quality)
        for camera_id in ended:
            self._settle(camera_id)
            del self.asked[camera_id]
            self._counted.pop(camera_id, None)
        for some in _batches(ended):
            yield Unsubscribe(some)

    def _settle(self, camera_id: str) -> None:
        self._changed.pop(camera_id, None)
        self._lower_at.pop(camera_id, None)


def _is_more(need: Limits, asked: Limits) -> bool:
    return CombinedDemand(0, need).exceeds(CombinedDemand(0, asked))


def _batches(camera_ids: list[str], most: int = MAX_SUBSCRIBED) -> Iterator[list[str]]:
    remaining = iter(camera_ids)
    while some := list(islice(remaining, most)):
        yield some
