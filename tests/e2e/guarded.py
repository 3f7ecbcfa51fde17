"""A server that asks for keys, the keys and people it knows, and everything that it and its clients have said."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from attrs import define, field

from skysentry_trio.server.access.changes import RulesEditor
from tests.e2e.browser import wait_until
from tests.e2e.processes import PATIENCE, SKYSENTRY, Program, running
from tests.printed_secrets import find_secrets, note_password

Allow = dict[str, list[str]]


@define(eq=False)
class GuardedServer:
    """A running server with rules."""

    address: str
    """``127.0.0.1:PORT``."""
    folder: Path
    """Its state folder."""
    program: Program
    secrets: list[str] = field(factory=list)
    """All secrets of the tests; none of them may be in an output."""
    outputs: list[str] = field(factory=list)
    """What our own programs have said."""

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def key(self, allow: Allow, name: str = "a test", expires: float | None = None) -> str:
        """Make a key, which counts at once."""
        body = {"name": name, "allow": allow, "expiresAt": None if expires is None else expires * 1000}
        key: str = self.administer("POST", "keys", body)["key"]
        self.secrets.append(key)
        return key

    def revoke(self, name: str) -> None:
        """Revoke the keys with this name."""
        for key in self.administer("GET", "keys")["keys"]:
            if key["name"] == name:
                self.administer("DELETE", f"keys/{key['id']}")

    def user(self, name: str, password: str, allow: Allow) -> None:
        """Add a person, or change the password of one."""
        self.secrets.append(password)
        note_password(password)
        self.administer("POST", "users", {"name": name, "password": password, "allow": allow})

    def administer(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Do what only an administrator may do."""
        response = httpx.request(
            method, f"{self.url}/api/{path}", json=body, headers=bearer(self.secrets[0]), timeout=PATIENCE
        )
        assert response.is_success, response.text
        answer: dict[str, Any] = response.json() if response.content else {}
        return answer

    def run(self, *command: str, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run another program to its end; it may show the address with the key, which is not ours to change."""
        ended = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE, check=False, **options)
        assert not check or ended.returncode == 0, f"{command}\n{ended.stdout}{ended.stderr}"
        return ended

    def skysentry(
        self, *arguments: str, check: bool = True, environ: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run our own program to its end, and keep what it says."""
        ended = self.run(sys.executable, "-m", "skysentry_trio", *arguments, check=check, env=environ)
        self.outputs += [ended.stdout, ended.stderr]
        return ended

    @contextmanager
    def camera(self, camera_id: str, *arguments: str) -> Iterator[Program]:
        """Run a camera with a key of its own."""
        file = self.folder.parent / f"{camera_id}.key"
        file.write_text(self.key({"publish": [camera_id]}))
        options = ["--id", camera_id, "--width", "320", "--ignore-demand", "--token-file", str(file)]
        with running("capture", "pattern", *options, "--server", self.url, *arguments) as camera:
            camera.wait_for_line(f"{camera_id}  live")
            yield camera
        self.outputs += camera.lines


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@contextmanager
def guarded_server(folder: Path, *arguments: str, program: tuple[str, ...] = SKYSENTRY) -> Iterator[GuardedServer]:
    """Run a server that asks for keys, below a folder; in the end, check that nobody has shown a secret."""
    state = folder / "state"
    secret = RulesEditor(state).add_key("the administrator of the tests", {"admin": ["*"]}).key
    flags = ("--host", "127.0.0.1", "--port", "0", "--state-dir", str(state), "--log-level", "debug")
    with running("serve", *flags, *arguments, program=program) as running_program:
        address = running_program.wait_for_line(r"127\.0\.0\.1:\d+").group()
        server = GuardedServer(address, state, running_program, [secret])
        yield server
    said = "".join([*running_program.lines, *server.outputs])
    assert [line for line in said.splitlines() if any(text in line for text in server.secrets)] == []
    assert find_secrets(said) == []


def wait_for_cameras(server: GuardedServer, key: str, camera_ids: Sequence[str]) -> None:
    """Wait until the server has a frame of each of these cameras."""
    for camera_id in camera_ids:
        path = f"{server.url}/api/clients/{camera_id}/latest.jpg"
        wait_until(partial(_answers, path, key), f"{camera_id} sends")


def _answers(url: str, key: str) -> bool:
    return httpx.get(url, headers=bearer(key)).status_code == httpx.codes.OK
