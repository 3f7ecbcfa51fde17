"""Compute how many nodes a load needs: ``python -m benchmarks.capacity [--viewers N] [--cameras N] [--fps N]``."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from typing import Final

from attrs import frozen

_BUSY: Final = 0.7
"""The part of one processor that a node may use on average."""
_MOST_NODES: Final = 10_000


@frozen
class Coefficients:
    """CPU time of one frame in seconds, as `benchmarks.links` and `benchmarks` have measured it."""

    taken: float = 171e-6
    """A frame of a camera is taken."""
    delivered: float = 66e-6
    """A frame is delivered to one of many viewers, which acknowledges it."""
    link_out: float = 113e-6
    """A frame is sent to another node."""
    link_in: float = 181e-6
    """A frame is taken from another node."""


@frozen
class Load:
    """Cameras and viewers; each viewer watches one camera, and all cameras have the same number of viewers."""

    cameras: int = 1_000
    viewers: int = 100_000
    fps: float = 5.0
    frame_size: int = 10_000
    """Bytes."""

    @property
    def gigabits(self) -> float:
        """What all viewers are sent together, in Gbit/s."""
        return self.viewers * self.fps * self.frame_size * 8 / 1e9


def random_links(load: Load, nodes: int) -> float:
    """Return to how many other nodes a camera's frames go if the balancer chooses a node for each viewer at random."""
    viewers_of_one = load.viewers / load.cameras
    return (nodes - 1) * (1 - math.pow(1 - 1 / nodes, viewers_of_one))


def hashed_links(_load: Load, nodes: int) -> float:
    """Return to how many other nodes a camera's frames go if all viewers of a camera are sent to the same node."""
    return (nodes - 1) / nodes


def processors(load: Load, links: float, costs: Coefficients) -> float:
    """Return the processors that all nodes use together."""
    of_camera = costs.taken + links * (costs.link_out + costs.link_in)
    return load.fps * (load.cameras * of_camera + load.viewers * costs.delivered)


def nodes_for(load: Load, links_at: Callable[[Load, int], float], costs: Coefficients) -> int:
    """Return the least number of nodes that carry a load."""
    return next(
        nodes for nodes in range(1, _MOST_NODES) if processors(load, links_at(load, nodes), costs) / nodes <= _BUSY
    )


def describe(load: Load, costs: Coefficients) -> str:
    """Return the result as a table in Markdown."""
    lines = ["| viewers go to | nodes | links of a camera | processors in use |", "|---|---|---|---|"]
    for name, links_at in (("any node", random_links), ("the node of their camera", hashed_links)):
        nodes = nodes_for(load, links_at, costs)
        links = links_at(load, nodes)
        lines.append(f"| {name} | {nodes} | {links:.1f} | {processors(load, links, costs):.0f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the table for a load."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    standard = Load()
    parser.add_argument("--cameras", type=int, default=standard.cameras)
    parser.add_argument("--viewers", type=int, default=standard.viewers)
    parser.add_argument("--fps", type=float, default=standard.fps)
    parser.add_argument("--frame-size", type=int, default=standard.frame_size)
    options = parser.parse_args()
    load = Load(options.cameras, options.viewers, options.fps, options.frame_size)
    sys.stdout.write(f"{describe(load, Coefficients())}\nAll viewers are sent {load.gigabits:.0f} Gbit/s.\n")


if __name__ == "__main__":
    main()
