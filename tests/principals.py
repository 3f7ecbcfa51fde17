"""Principals as tests need them."""

from __future__ import annotations

from skysentry_trio.base.principal import Action, Principal, Rights

EVERY_KIND = (Action.VIEW, Action.HISTORY, Action.ANNOTATE)


def make_guest(*cameras: str, name: str = "guest", actions: tuple[Action, ...] = EVERY_KIND) -> Principal:
    """Return a principal that may do these things with these cameras: ids and globs."""
    return Principal(name, Rights.of(dict.fromkeys(actions, cameras)), "key", f"key:{name}")
