"""What programs found in frames: who may post it, who gets it, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from trio.testing import MockClock

from skysentry_trio.server.relay.notices import ResultNotice
from skysentry_trio.server.relay.viewer import HubViewer
from skysentry_trio.wire.messages import MAX_TEXT_LENGTH
from skysentry_trio.wire.results import MAX_BOXES
from tests.hubs import nothing
from tests.server.http.rest_harness import Answer, Site, publish
from tests.server.websocket.fakes import unframe

BOX: dict[str, Any] = {"x": 1, "y": 2.5, "width": 30, "height": 20}


async def post(site: Site, result: Any, camera_id: str = "door", content_type: str = "application/json") -> Answer:
    body = json.dumps(result).encode()
    target = f"/api/clients/{camera_id}/results"
    return await site.ask(target, "POST", body, content_type=content_type, content_length=str(len(body)))


async def results_for(viewer: HubViewer) -> list[Any]:
    """Return what waits for a viewer, that has got no frames."""
    notices = await viewer.outbox.receive()
    assert isinstance(notices, list)
    return [json.loads(unframe(notice.message)) for notice in notices if isinstance(notice, ResultNotice)]


async def test_who_watches_a_camera_gets_what_was_found_in_its_frames(autojump_clock: MockClock) -> None:
    """All viewers of that camera, and no other; labels are made fit to be shown."""
    site = Site()
    with (
        site.hub.register("door", on_end=nothing) as session,
        site.hub.watch() as one,
        site.hub.watch() as all_of_them,
        site.hub.watch() as other,
    ):
        publish(site.hub, session)
        site.hub.subscribe(other, ["yard"])
        site.hub.subscribe(one, ["door"])
        site.hub.subscribe(all_of_them)
        for viewer in (one, all_of_them):
            viewer.outbox.forget("door")
        boxes = [{**BOX, "label": "cat\n<b>" + "x" * 100, "score": 0.9, "color": "#ff8800"}, BOX]
        answer = await post(site, {"sequence": 1, "boxes": boxes, "data": {"faces": [None, 2]}, "later": 1})

        assert (answer.status, answer.json()) == (200, {"viewers": 2, "success": True})
        expected = {
            "type": "result",
            "clientId": "door",
            "sequence": 1,
            "boxes": [{**boxes[0], "label": "cat<b>" + "x" * 74}, BOX],
            "data": {"faces": [None, 2]},
        }
        assert await results_for(one) == await results_for(all_of_them) == [expected]
        assert other.outbox.notices_dropped == 0


@pytest.mark.parametrize(
    ("result", "camera_id", "status", "words"),
    [
        ({"sequence": 1}, "yard", 404, "no camera yard"),
        ({"sequence": 1}, "..", 400, "a camera id is"),
        ({"sequence": 2}, "door", 404, "has sent frames 1 to 1, got a result for 2"),
        ({"sequence": 0}, "door", 404, "got a result for 0"),
        ({}, "door", 400, "sequence"),
        ([1], "door", 400, "expected a JSON object"),
        ({"sequence": 1, "boxes": [{"x": 1}]}, "door", 400, "missing required field"),
        ({"sequence": 1, "boxes": [{**BOX, "x": "1"}]}, "door", 400, "Expected `float`"),
        ({"sequence": 1, "boxes": [{**BOX, "color": "url(x)"}]}, "door", 400, "a color is #"),
        ({"sequence": 1, "boxes": [BOX] * (MAX_BOXES + 1)}, "door", 400, "256 boxes, got 257"),
        ({"sequence": 1, "data": "x" * MAX_TEXT_LENGTH}, "door", 413, ""),
    ],
)
async def test_a_result_that_makes_no_sense_is_refused(
    result: Any, camera_id: str, status: int, words: str, autojump_clock: MockClock
) -> None:
    """The answer says what was wrong, and no viewer hears of it."""
    site = Site()
    with site.hub.register("door", on_end=nothing) as session, site.hub.watch() as viewer:
        publish(site.hub, session)
        site.hub.subscribe(viewer)
        answer = await post(site, result, camera_id)

        assert answer.status == status
        assert words in answer.json()["error"]
        assert not viewer.outbox._results


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_pages_of_others_cannot_post_without_asking(content_type: str, autojump_clock: MockClock) -> None:
    """The types that a browser sends across origins without a preflight are refused."""
    answer = await post(Site(), {"sequence": 1}, content_type=content_type)

    assert answer.status == 415
    assert "application/json" in answer.json()["error"]
