"""Read the JSON body of a request, and answer with JSON that nobody keeps."""

from __future__ import annotations

from typing import TypeVar

from quart import Response, request

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.administration import decode_body
from skysentry_trio.wire.messages import Message, encode_json

T = TypeVar("T", bound=Message)


async def read_json(kind: type[T]) -> T:
    """Return the body of the current request.

    Raises:
        ProtocolViolation: the body is not JSON, or not as expected.
    """
    return decode_body(await require_json(), kind)


async def require_json() -> bytes:
    """Return the body of the current request, which says that it is JSON.

    Raises:
        ProtocolViolation: it says something else.
    """
    # Before a page of a foreign origin may send this type, its browser asks the server with a preflight request.
    if request.mimetype != "application/json":
        raise ProtocolViolation(
            f"expected Content-Type: application/json, got {request.mimetype[:80]!a}", "wrong-content-type"
        )
    body = await request.get_data(cache=False)
    return body.encode() if isinstance(body, str) else body


def json_response(reply: Message, status: int = 200) -> Response:
    """Return a response that neither browsers nor proxies keep."""
    response = Response(encode_json(reply), status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
