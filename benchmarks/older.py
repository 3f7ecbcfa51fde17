"""An older version of the package, from the history of this checkout, to be measured beside the present one."""

from __future__ import annotations

import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from benchmarks.server import ROOT


@contextmanager
def older_version(commit: str) -> Iterator[Path]:
    """Yield a directory that has the ``src`` of a commit, until the context ends."""
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(["git", "archive", commit, "src"], cwd=ROOT, check=True, capture_output=True)  # noqa: S603, S607
        with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)
