"""The examples for Python programs do what they say, on the demo's cameras."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import skysentry_trio.client
from tests.e2e.processes import running_server

pytestmark = pytest.mark.e2e

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "how-to" / "use-from-python.md").read_text("utf-8")
REFERENCE = (DOCS / "reference" / "python.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", GUIDE, re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running_server("--demo") as address:
        yield address


def example(section: str, index: int = 0) -> str:
    """Return an example of a section."""
    examples: list[str] = re.findall(r"^```python run\n(.*?)^```$", SECTIONS[section], re.MULTILINE | re.DOTALL)
    return examples[index]


@contextmanager
def program(text: str, server: str) -> Iterator[Iterator[str]]:
    """Run an example, and give the lines it prints."""
    command = [sys.executable, "-uc", text.replace("localhost:8080", server)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield iter(process.stdout)
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("title", "pattern"),
    [
        ("Look at frames, one at a time", r"\d+ \d+ \d+ ms old"),
        ("With OpenCV", r"\d+ [1-9]\d* boxes"),
        ("With Pillow", r"demo-[12] \(640, 360\) brightness \d+"),
        ("With Trio or asyncio", r"demo-2 \d+"),
        ("Be a camera", r"live Demand\(.*"),
    ],
)
def test_an_example(title: str, pattern: str, server: str) -> None:
    """It prints what it is about before long, and goes on."""
    with program(example(title), server) as lines:
        assert any(re.fullmatch(pattern, line.strip()) for line, _ in zip(lines, range(100), strict=False))
        assert next(lines)


def test_the_asyncio_example(server: str) -> None:
    """The newest frames, five a second."""
    with program(example("With Trio or asyncio", 1), server) as lines:
        numbers = [int(next(lines)) for _ in range(5)]
    assert numbers == sorted(set(numbers))


def test_everything_public_is_in_the_reference() -> None:
    """Each name, and each member of what is made of them."""
    client = skysentry_trio.client
    names = set(client.__all__)
    for kind in (client.Viewer, client.Camera, client.Frame, client.Events, client.Event):
        names |= {name for name in dir(kind) if not name.startswith("_")}
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", REFERENCE)] == []
