"""Rules in a folder, and a server's view of them, with a clock that a test sets."""

from __future__ import annotations

from pathlib import Path

from attrs import define, field

from skysentry_trio.server.access.access import Access
from skysentry_trio.server.access.changes import RulesEditor
from skysentry_trio.server.access.gate import Gate
from skysentry_trio.server.access.records import Allowed
from skysentry_trio.server.access.start import AccessSetup
from skysentry_trio.server.access.watcher import RulesWatcher


@define(eq=False)
class Rules:
    """What a test changes, and what a server knows of it after `look`."""

    folder: Path
    time: float = 1_000_000.0
    access: Access = field(init=False)
    watcher: RulesWatcher = field(init=False)
    editor: RulesEditor = field(init=False)
    gate: Gate = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.access = Access(groups={"outdoor": ["yard-*"]}, now=lambda: self.time)
        self.watcher = RulesWatcher(self.access, self.folder)
        self.editor = RulesEditor(self.folder, lambda: self.time)
        self.gate = Gate(self.access)

    @property
    def setup(self) -> AccessSetup:
        return AccessSetup(self.access, self.watcher, self.editor, None)

    def key(self, name: str = "key", expires: float | None = None, **allow: list[str]) -> str:
        """Make a key that the server knows."""
        made = self.editor.add_key(name, allow, expires)
        self.watcher.look()
        return made.key

    def key_id(self, name: str) -> str:
        return next(key.id for key in self.access.records.keys if key.name == name)

    def revoke(self, name: str) -> None:
        self.editor.revoke_key(self.key_id(name))
        self.watcher.look()

    def user(self, name: str, password: str, allow: Allowed) -> None:
        self.editor.set_user(name, password, allow)
        self.watcher.look()
