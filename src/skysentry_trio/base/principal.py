"""Who is asking, and the rules that say what this principal may do with which cameras; no I/O and no clock in here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import Enum, StrEnum, auto
from fnmatch import translate
from typing import Final, Self

from attrs import evolve, field, frozen

ALL_CAMERAS: Final = "*"
"""The pattern that covers every camera."""
_PATTERN: Final = re.compile(r"@?[A-Za-z0-9._*?-]{1,64}", re.ASCII)
MAX_PATTERNS: Final = 1000
"""Most patterns that one rule may have."""


class Action(StrEnum):
    """What a principal may do; the value is the word in files, messages and flags."""

    PUBLISH = "publish"
    """Send frames as a camera."""
    VIEW = "view"
    """See a camera in lists, its newest frame and its live frames."""
    HISTORY = "history"
    """See old frames: playback, clips and rings; all of them, or those from a moment on."""
    ANNOTATE = "annotate"
    """Send detection results and events for a camera."""
    EVENTS = "events"
    """See the events of a camera."""
    METRICS = "metrics"
    """Read counters, those of the server and those of each camera."""
    ADMIN = "admin"
    """Everything, and say who else may do what."""


class Decision(Enum):
    """The answer to the question whether a principal may do something."""

    GRANTED = auto()
    UNAUTHENTICATED = auto()
    """Nobody is known to ask."""
    ENDED = auto()
    """The principal's time is over."""
    HIDDEN = auto()
    """The principal has no right over this camera, so for the principal the camera does not exist."""
    FORBIDDEN = auto()
    """The principal has other rights, but not this one."""


def is_pattern(text: str) -> bool:
    """Return whether this names cameras: an id, a glob with ``*`` and ``?``, or ``@`` and the name of a group."""
    return _PATTERN.fullmatch(text) is not None


def parse_groups(entries: Iterable[str]) -> dict[str, list[str]]:
    """Return the cameras of each group, from entries such as ``outdoor=yard-*``."""
    groups: dict[str, list[str]] = {}
    for entry in entries:
        name, _, pattern = entry.partition("=")
        groups.setdefault(name, []).append(pattern)
    return groups


def split_moment(text: str) -> tuple[str, float]:
    """Return the pattern and the moment of a text such as ``yard-*@2026-11-29T08:00Z``.

    Returns:
        The pattern, and the moment in seconds since the epoch; 0 without a moment.

    Raises:
        ValueError: the moment cannot be read, or has no time zone.
    """
    pattern, _, moment = text.rpartition("@")
    if not pattern:
        return text, 0.0
    try:
        parsed = datetime.fromisoformat(moment)
        if parsed.tzinfo is not None:
            return pattern, parsed.astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"expected a moment such as 2026-11-29T08:00Z after @, got {moment[:40]!a}")


def join_moment(pattern: str, moment: float) -> str:
    """Return the text from which `split_moment` returns this pattern and this moment."""
    return f"{pattern}@{datetime.fromtimestamp(moment, UTC).isoformat()}"


@frozen
class CameraSet:
    """Cameras that are named by ids and globs; cameras that do not exist yet are covered too."""

    patterns: frozenset[str]
    """Ids and globs, without groups."""
    _covers: Callable[[str], object] = field(init=False, repr=False, eq=False)

    @_covers.default
    def _compile(self) -> Callable[[str], object]:
        # One expression for all globs, and none for ids: lists ask this for each of ten thousand cameras.
        globs = [pattern for pattern in self.patterns if "*" in pattern or "?" in pattern]
        ids = self.patterns.difference(globs)
        if not globs:
            return ids.__contains__
        matches = re.compile("|".join(map(translate, sorted(globs)))).match
        return matches if not ids else lambda camera_id: camera_id in ids or matches(camera_id)

    @property
    def covers_all(self) -> bool:
        """Whether every camera is covered."""
        return ALL_CAMERAS in self.patterns

    def covers(self, camera_id: str) -> bool:
        """Return whether a camera is covered."""
        return bool(self._covers(camera_id))


_NO_GROUPS: Final[Mapping[str, Iterable[str]]] = {}


@frozen
class Rights:
    """For each action, the cameras with which a principal may do it."""

    by_action: Mapping[Action, CameraSet]
    _history_begins: tuple[tuple[CameraSet, float], ...] = ()
    """If some old frames are allowed only from a moment on: all cameras with old frames, by this moment."""

    @classmethod
    def of(cls, allowed: Mapping[str, Iterable[str]], groups: Mapping[str, Iterable[str]] = _NO_GROUPS) -> Self:
        """Return the rights that a rule gives.

        Args:
            allowed: for each action, the cameras: ids, globs and groups. Those of `Action.HISTORY` may have a moment,
                from which on frames are allowed: ``yard-*@2026-11-29T08:00Z``.
            groups: the cameras of each group, without ``@``; a group that is not in here has no cameras.

        Raises:
            ValueError: an action or a pattern is invalid.
        """
        by_action, moments = {}, dict[float, set[str]]()
        for word, patterns in allowed.items():
            expanded = set[str]()
            for text in patterns:
                pattern, moment = split_moment(text) if word == Action.HISTORY else (text, 0.0)
                if not is_pattern(pattern):
                    raise ValueError(f"expected a camera id, a glob such as yard-* or a @group, got {pattern[:80]!a}")
                named = set(groups.get(pattern[1:], ()) if pattern.startswith("@") else (pattern,))
                expanded |= named
                if word == Action.HISTORY:
                    moments.setdefault(moment, set()).update(named)
            if len(expanded) > MAX_PATTERNS:
                raise ValueError(f"a rule may name {MAX_PATTERNS} cameras for an action, got {len(expanded)}")
            by_action[Action(word)] = CameraSet(frozenset(expanded))
        history_begins = [(CameraSet(frozenset(moments[moment])), moment) for moment in sorted(moments)]
        return cls(by_action, tuple(history_begins) if any(moments) else ())

    @property
    def is_admin(self) -> bool:
        """Whether everything is allowed."""
        return Action.ADMIN in self.by_action

    def allow(self, action: Action, camera_id: str | None = None) -> bool:
        """Return whether an action is allowed with a camera; without one, whether it is allowed with any camera."""
        if self.is_admin:
            return True
        cameras = self.by_action.get(action)
        return cameras is not None and (camera_id is None or cameras.covers(camera_id))

    def allow_all(self, action: Action) -> bool:
        """Return whether an action is allowed with every camera."""
        return self.is_admin or (action in self.by_action and self.by_action[action].covers_all)

    def name(self, camera_id: str) -> bool:
        """Return whether any action is allowed with a camera."""
        return self.is_admin or any(cameras.covers(camera_id) for cameras in self.by_action.values())

    def history_begin(self, camera_id: str) -> float:
        """Return from when on old frames of a camera are allowed, if they are: seconds since the epoch, 0 for all."""
        if not self._history_begins or self.is_admin:
            return 0.0
        return next((moment for cameras, moment in self._history_begins if cameras.covers(camera_id)), 0.0)

    def limited_to(self, *actions: Action) -> Rights:
        """Return those of these rights that allow some actions; for an administrator, all."""
        if self.is_admin:
            return self
        kept = {action: cameras for action, cameras in self.by_action.items() if action in actions}
        return Rights(kept, self._history_begins if Action.HISTORY in kept else ())

    def describe(self) -> dict[str, list[str]]:
        """Return the patterns for each action, for programs."""
        if self.is_admin:
            return {action.value: [ALL_CAMERAS] for action in Action}
        described = {action.value: sorted(cameras.patterns) for action, cameras in self.by_action.items()}
        if self._history_begins:
            described[Action.HISTORY.value] = sorted(
                join_moment(pattern, moment) if moment else pattern
                for cameras, moment in self._history_begins
                for pattern in cameras.patterns
            )
        return described


NODE: Final = "node"
"""`Principal.kind` of another server of the cluster."""
EVERYTHING: Final = Rights.of({Action.ADMIN: (ALL_CAMERAS,)})
NOTHING: Final = Rights.of({})


@frozen
class Principal:
    """The person, program or camera that a request comes from."""

    name: str
    """For people and the log."""
    rights: Rights = EVERYTHING
    kind: str = "open"
    """How the principal proved who it is: ``open``, ``key``, ``user``, ``link``, ``header``, ``jwt`` or ``node``."""
    identity: str = "open"
    """Two connections with the same identity are the same principal, whatever the proof."""
    requires: frozenset[str] = frozenset()
    """Facts that must stay true, as `server.access` writes them; when one of them ends, so does the access."""
    expires_at: float | None = None
    """When the access ends, in seconds since the epoch; None for never."""

    def limited_to(self, *actions: Action) -> Principal:
        """Return the same principal with those rights only that allow some actions; an administrator keeps all."""
        return evolve(self, rights=self.rights.limited_to(*actions))

    @property
    def is_node(self) -> bool:
        """Whether this is another server of the cluster, which asks for all of its own viewers."""
        return self.kind == NODE

    @property
    def sees(self) -> Callable[[str], bool] | None:
        """Returns whether the principal may view a camera, by its id; None means every camera."""
        return None if self.rights.allow_all(Action.VIEW) else self.may_see

    def may_see(self, camera_id: str) -> bool:
        """Return whether the principal may view a camera."""
        return self.rights.allow(Action.VIEW, camera_id)

    def may_replace(self, other: Principal) -> bool:
        """Return whether the principal may take a live camera over from another principal."""
        return self.identity == other.identity or self.rights.is_admin


ANYONE: Final = Principal("anyone", requires=frozenset({"open"}))
"""The principal of every request to a server that is open to everybody."""
NOBODY: Final = Principal("nobody", NOTHING, "none", "none")
"""The principal of a request without a credential, if the server is not open."""


def decide(principal: Principal, action: Action, camera_id: str | None, now: float) -> Decision:
    """Decide whether a principal may do something.

    Args:
        principal: who is asking.
        action: what the principal wants to do.
        camera_id: with which camera; None for what concerns no single camera.
        now: in seconds since the epoch.
    """
    if principal.kind == NOBODY.kind:
        return Decision.UNAUTHENTICATED
    if principal.expires_at is not None and now >= principal.expires_at:
        return Decision.ENDED
    if principal.rights.allow(action, camera_id):
        return Decision.GRANTED
    if camera_id is not None and not principal.rights.name(camera_id):
        return Decision.HIDDEN
    return Decision.FORBIDDEN
