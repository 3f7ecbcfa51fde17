"""A redis-server of our own, which tests can kill, freeze and start again; Debian's package redis-server has it."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field

from tests.ports import free_port

PATIENCE = 30.0


@define(eq=False)
class RedisProcess:
    """One redis-server; it keeps nothing on disk, so it is empty whenever it starts."""

    folder: Path
    port: int = field(factory=free_port)
    prefix: tuple[str, ...] = ()
    """The program that starts it, with its arguments."""
    host: str = "127.0.0.1"
    """The address on which it listens."""
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        return f"redis://{self.host}:{self.port}"

    def start(self, *more: str) -> None:
        program = shutil.which("redis-server")
        assert program is not None, "redis-server is missing: apt-get install redis-server"
        options = [
            "--port",
            str(self.port),
            "--bind",
            self.host,
            "--protected-mode",
            "no",
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        command = [*self.prefix, program, *options, "--dir", str(self.folder), "--logfile", "redis.log", *more]
        self._process = subprocess.Popen(command)
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert time.monotonic() < deadline, (self.folder / "redis.log").read_text()
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), PATIENCE) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(100).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(PATIENCE)
            self._process = None

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)


@contextmanager
def running_redis(
    folder: Path, *more: str, prefix: tuple[str, ...] = (), host: str = "127.0.0.1"
) -> Iterator[RedisProcess]:
    """Run a redis-server on a free port until the context ends."""
    redis = RedisProcess(folder, prefix=prefix, host=host)
    redis.start(*more)
    try:
        yield redis
    finally:
        redis.kill()
