from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import asdict
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.client.engine.uplink_controller import Reduction, UplinkController, reduction_for

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "uplink.json").read_text("utf-8"))


@pytest.mark.parametrize("case", GOLDEN["reductions"], ids=lambda case: str(case["share"]))
def test_quality_is_reduced_first_then_width_then_rate(case: dict[str, float]) -> None:
    """Half the quality, half the width, and only then fewer frames."""
    assert asdict(reduction_for(case["share"], encodes=True)) == {name: case[name] for name in case if name != "share"}


@pytest.mark.parametrize("case", GOLDEN["controller"], ids=lambda case: str(case["name"]))
def test_the_share_follows_what_was_carried(case: dict[str, Any]) -> None:
    """Period by period as in the golden cases, which the capture page is tested with too."""
    controller = UplinkController()
    offered, skipped, now = 0, 0, 0.0
    for period in case["periods"]:
        for _ in range(period["times"]):
            offered += period["due"]
            skipped += period["skipped"]
            now += period["seconds"]
            before = controller.share
            changed = controller.evaluate(offered, skipped, now, congested=period["congested"])
            assert changed == (controller.share != before)
        assert controller.share == pytest.approx(period["share"], abs=1e-6)


def test_whole_jpegs_only_become_fewer() -> None:
    """A source that does not encode keeps quality and width."""
    assert reduction_for(0.4, encodes=False) == Reduction(rate=0.4)


@given(st.floats(0.005, 1), st.floats(0.005, 1))
def test_a_larger_share_never_reduces_more(one: float, other: float) -> None:
    """In no respect."""
    less, more = (reduction_for(share, encodes=True) for share in sorted((one, other)))
    assert less.quality <= more.quality
    assert less.width <= more.width
    assert less.rate <= more.rate


def test_frames_between_two_connections_do_not_count() -> None:
    """Frames that were skipped while there was no connection tell nothing of one."""
    controller = UplinkController()
    controller.evaluate(15, 6, 0.5, congested=True)
    controller.begin(1015, 1006)
    controller.evaluate(1030, 1012, 1.0, congested=True)
    assert controller.share == 1.0
