"""What the members of each group of an identity provider may do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, Self

from attrs import frozen

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.base.principal import ALL_CAMERAS, Action, Rights, is_pattern, split_moment

_GRANT: Final = re.compile(r"([^=,|]{1,80})=([a-z]+)(?::([^=,]+))?")
_NOTHING: Final[Mapping[str, Iterable[str]]] = {}


def is_group_grant(text: str) -> bool:
    """Return whether this says what a group may do: ``family=view:yard-*``, or ``admins=admin`` for all cameras."""
    found = _GRANT.fullmatch(text)
    if found is None or found[2] not in set(Action):
        return False
    try:
        pattern, _ = split_moment(found[3] or ALL_CAMERAS) if found[2] == Action.HISTORY else (found[3], 0.0)
    except ValueError:
        return False
    return pattern is None or is_pattern(pattern)


@frozen
class GroupGrants:
    """For each group of people, the actions and the cameras."""

    _allowed: Mapping[str, Mapping[str, list[str]]]
    _camera_groups: Mapping[str, Iterable[str]]

    @classmethod
    def parse(cls, entries: Iterable[str], camera_groups: Mapping[str, Iterable[str]]) -> Self:
        """Return what the operator has written.

        Args:
            entries: such as ``family=view:@outdoor``.
            camera_groups: the cameras of each group of cameras.

        Raises:
            ConfigurationError: an entry is invalid, or all entries together name too many cameras.
        """
        allowed: dict[str, dict[str, list[str]]] = {}
        for entry in entries:
            found = _GRANT.fullmatch(entry)
            if found is None or not is_group_grant(entry):
                raise ConfigurationError(f"expected an entry such as family=view:yard-*, got {entry!r}")
            allowed.setdefault(found[1].strip(), {}).setdefault(found[2], []).append(found[3] or ALL_CAMERAS)
        grants = cls(allowed, camera_groups)
        try:
            grants.rights_of(allowed)
        except ValueError as error:
            raise ConfigurationError(f"group_grants: {error}") from None
        return grants

    def rights_of(self, groups: Iterable[str], further: Mapping[str, Iterable[str]] = _NOTHING) -> Rights:
        """Return everything that the members of at least one of these groups may do.

        Args:
            groups: names of groups of people; names without a grant are ignored.
            further: for each action, cameras for which it is allowed in any case.

        Raises:
            ValueError: an action or the name of a camera in ``further`` is invalid, or there are too many cameras.
        """
        allowed = {action: list(cameras) for action, cameras in further.items()}
        for group in groups:
            for action, cameras in self._allowed.get(group, {}).items():
                allowed.setdefault(action, []).extend(cameras)
        return Rights.of(allowed, self._camera_groups)
