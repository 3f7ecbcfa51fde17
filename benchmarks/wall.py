"""Watch a wall of 16 cameras in Chromium: ``python -m benchmarks.wall [--minutes N]``.

Prints heap, DOM and memory of the page every ten seconds, and how often the tiles were rendered. The exit status is 1
if something grows, or if a tile was rendered without need.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from attrs import frozen
from playwright.sync_api import Browser, Page, sync_playwright
from tests.e2e.browser import CHROMIUM, CHROMIUM_FLAGS, Server, cameras, wait_until

CAMERAS: Final = 16
FPS: Final = 15
_PATIENCE: Final = 30.0
_EVERY: Final = 10.0
_SETTLED: Final = 0.2
"""Part of the samples that is left out, because the page first remembers a minute of latencies."""
_GROWTH: Final = 1.1
"""Factor by which the smallest of the second half of the other samples may be above that of the first. Memory that a
browser keeps for a while is in some samples only, memory that it cannot free is in all later ones."""

COUNT_RENDERS: Final = """
window.renders = {};
const shown = new Map();
const visit = (fiber) => {
  for (; fiber; fiber = fiber.sibling) {
    if (fiber.type !== "article") {
      visit(fiber.child);
      continue;
    }
    const tile = fiber.return;
    const { camera } = tile.memoizedProps;
    const before = shown.get(camera.cameraId);
    // React keeps the node of a component in which nothing is rendered. In a new node, the first bit says that the
    // component itself was.
    if (before?.tile !== tile && tile.flags & 1) {
      const count = (renders[camera.cameraId] ??= { renders: 0, changes: 0 });
      count.renders++;
      if (before?.camera !== camera) count.changes++;
    }
    shown.set(camera.cameraId, { tile, camera });
  }
};
window.__REACT_DEVTOOLS_GLOBAL_HOOK__ = {
  supportsFiber: true,
  inject: () => 1,
  onCommitFiberUnmount() {},
  onPostCommitFiberRoot() {},
  onCommitFiberRoot: (_, root) => visit(root.current.child),
};
"""
"""Counts the renders of each tile, and the changes of its camera, where React tells developer tools of its work."""


@frozen
class Sample:
    """What the page weighs at a moment, after its garbage was collected."""

    heap: float
    """10^6 bytes of JavaScript objects."""
    nodes: int
    """Nodes of the document, also of parts that were removed and not freed."""
    listeners: int
    resident: float
    """10^6 bytes of the browser's processes for pages."""


@frozen
class Renders:
    """How often one tile was rendered, and how often the state of its camera had changed before."""

    renders: int
    changes: int


def take_sample(browser: Browser, page: Page) -> Sample:
    """Collect the garbage of a page, and measure it."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    session.send("HeapProfiler.collectGarbage")
    metrics: dict[str, Any] = {
        entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]
    }
    session.detach()
    processes = browser.new_browser_cdp_session()
    resident = sum(
        _resident(process["id"])
        for process in processes.send("SystemInfo.getProcessInfo")["processInfo"]
        if process["type"] == "renderer"
    )
    processes.detach()
    return Sample(
        heap=metrics["JSHeapUsedSize"] / 1e6,
        nodes=int(metrics["Nodes"]),
        listeners=int(metrics["JSEventListeners"]),
        resident=resident / 1e6,
    )


def take_renders(page: Page) -> dict[str, Renders]:
    """Return the renders of each tile since the last call; the page must have been opened with `COUNT_RENDERS`."""
    counted = page.evaluate("() => { const counted = { ...renders }; renders = {}; return counted; }")
    return {camera: Renders(**counts) for camera, counts in counted.items()}


def find_growth(samples: Sequence[Sample]) -> list[str]:
    """Return what is larger in the second half of the samples than in the first, as sentences; needs three samples."""
    settled = samples[int(_SETTLED * len(samples)) :]
    half = len(settled) // 2
    found = []
    for name in ("heap", "nodes", "listeners", "resident"):
        before, after = (min(getattr(sample, name) for sample in part) for part in (settled[:half], settled[half:]))
        if after > _GROWTH * before:
            found.append(f"{name} grew from {before:g} to {after:g}")
    return found


def find_needless(counted: dict[str, Renders]) -> list[str]:
    """Return which tiles were rendered more often than their cameras changed, as sentences."""
    return [
        f"{camera} changed {count.changes} times and was rendered {count.renders} times"
        for camera, count in counted.items()
        if count.renders > count.changes
    ]


def open_wall(browser: Browser, server: Server, count: int = CAMERAS) -> Page:
    """Open the page with all cameras, and wait until all of them are live."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.add_init_script(COUNT_RENDERS)
    page.goto(f"{server.url}/")
    wait_until(
        lambda: page.locator('article[data-status="live"]').count() == count,
        f"{count} cameras are live",
        patience=_PATIENCE,
    )
    return page


def names_of_cameras(count: int = CAMERAS) -> list[tuple[str, str]]:
    """Return ids and names."""
    return [(f"cam-{index:02}", f"Camera {index}") for index in range(1, count + 1)]


def _resident(process: int) -> int:
    """Return the resident memory of a process in bytes; 0 if it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    lines = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return 1024 * int(lines[0].split()[1]) if lines else 0


def say(line: str) -> None:
    """Print a line at once, also into a file."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Watch for some minutes; return the exit status."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=5.0, help="how long to watch; 5 by default")
    end = time.monotonic() + 60 * arguments.parse_args().minutes
    with (
        # Another server of this machine may get rules meanwhile, and would end the access of the page.
        tempfile.TemporaryDirectory() as folder,
        Server("--state-dir", folder) as server,
        cameras(server, names_of_cameras(), fps=FPS),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_FLAGS))
        page = open_wall(browser, server)
        take_renders(page)
        began, samples = time.monotonic(), list[Sample]()
        say(f"{'s':>5} {'heap MB':>8} {'nodes':>6} {'listeners':>9} {'resident MB':>11}")
        while time.monotonic() < end:
            samples.append(one := take_sample(browser, page))
            seconds = time.monotonic() - began
            say(f"{seconds:5.0f} {one.heap:8.2f} {one.nodes:6} {one.listeners:9} {one.resident:11.0f}")
            time.sleep(_EVERY)
        counted = take_renders(page)
        browser.close()
    renders, changes = (sum(getattr(count, name) for count in counted.values()) for name in ("renders", "changes"))
    say(f"{renders} renders of {len(counted)} tiles for {changes} changes of their cameras")
    problems = [*find_growth(samples), *find_needless(counted)]
    if len(counted) != CAMERAS:
        problems.append(f"expected renders of {CAMERAS} tiles, got {len(counted)}")
    for problem in problems:
        say(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
