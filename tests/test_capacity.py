"""How many nodes a load needs, as the page about scaling says it."""

from __future__ import annotations

import pytest
from benchmarks import capacity
from benchmarks.server import ROOT


def test_the_page_about_scaling_has_the_capacity_that_is_computed() -> None:
    """The figures of 100,000 viewers of 1,000 cameras follow from the measured costs of a frame."""
    page = (ROOT / "docs" / "explanation" / "scaling.md").read_text("utf-8")
    table = page.partition("<!-- capacity: begin -->\n")[2].partition("<!-- capacity: end -->")[0]
    assert table == capacity.describe(capacity.Load(), capacity.Coefficients())


def test_links_cost_nothing_on_one_node_and_grow_with_the_nodes_of_the_viewers() -> None:
    """All viewers of a camera at one node need at most one link; viewers at any node need nearly all links."""
    load = capacity.Load()
    assert capacity.random_links(load, 1) == capacity.hashed_links(load, 1) == 0
    assert capacity.hashed_links(load, 1000) < 1
    assert capacity.random_links(load, 10) == pytest.approx(9, abs=0.01)
