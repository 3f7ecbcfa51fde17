"""The route to which programs post detection results; the camera's viewers get each result immediately."""

from __future__ import annotations

from quart import Blueprint, Response, request

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.server.http.current import CurrentHub
from skysentry_trio.wire.framing import encode_frame
from skysentry_trio.wire.messages import encode_json, encode_message
from skysentry_trio.wire.rest import ResultReply
from skysentry_trio.wire.results import decode_posted_result


def create_results(current_hub: CurrentHub) -> Blueprint:
    """Return the route of detection results, under ``/api``."""
    results = Blueprint("results", __name__, url_prefix="/api")

    @results.post("/clients/<camera_id>/results")
    async def post_result(camera_id: str) -> Response:
        # Before a page of a foreign origin may send this type, its browser asks the server with a preflight request
        # (Fetch standard, CORS-safelisted request-header).
        if request.mimetype != "application/json":
            raise ProtocolViolation(
                f"expected Content-Type: application/json, got {request.mimetype[:80]!a}", "wrong-content-type"
            )
        result = decode_posted_result(camera_id, await request.get_data(cache=False))
        message = encode_frame(encode_message(result))
        viewers = current_hub().publish_result(camera_id, result.sequence, message, boxes=result.boxes)
        return Response(encode_json(ResultReply(viewers)), content_type="application/json")

    return results
