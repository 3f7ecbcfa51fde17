"""What requests about recordings have in common: whether there are any, who may ask, and about which time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from quart import request

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import Action
from skysentry_trio.server.http.current import CurrentHub
from skysentry_trio.wire.identity import check_camera_id
from skysentry_trio.wire.query import Query, decode_query

if TYPE_CHECKING:
    from skysentry_trio.server.history.history import History


def expect_history(history: History | None) -> History:
    """Return the history of the server.

    Raises:
        ProtocolViolation: with code ``not-found``.
    """
    if history is None:
        raise ProtocolViolation("this server records nothing; --history FOLDER makes it record", "not-found")
    return history


def check_right(current_hub: CurrentHub, camera_id: str, action: Action) -> None:
    """Check that the principal may do something with the recordings of a camera, which the hub may have forgotten.

    Raises:
        ProtocolViolation: the id is invalid, or the principal may not do this.
    """
    if not current_hub().may(action, check_camera_id(camera_id)):
        raise ProtocolViolation(f"there is no camera {camera_id}; /api/clients lists them", "not-found")


def asked_query() -> Query:
    """Return the query of the current request."""
    return decode_query(request.query_string.decode("latin-1"))


def asked_range() -> tuple[float, float]:
    """Return the moments ``from`` and ``to`` of the query."""
    query = asked_query()
    begin, end = query.moment("from"), query.moment("to")
    begin, end = begin or 0.0, math.inf if end is None else end
    if begin > end:
        raise ProtocolViolation(f"from is a moment before to, got {query.text('from')!a} and {query.text('to')!a}")
    return begin, end
