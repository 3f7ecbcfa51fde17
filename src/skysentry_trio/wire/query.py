"""What stands behind the ``?`` of an address: words, numbers and moments, each checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs

from attrs import frozen

from skysentry_trio.base.exceptions import ProtocolViolation

_MAX_MOMENT = 1e11
"""Seconds since the epoch; milliseconds given by mistake are far beyond it."""


@frozen
class Query:
    """The fields of a query; of one that is given twice the last counts, and unknown ones are ignored."""

    fields: Mapping[str, list[str]]

    def text(self, name: str) -> str | None:
        """Return a field as it is."""
        return self.fields[name][-1] if name in self.fields else None

    def texts(self, name: str) -> list[str] | None:
        """Return a field as often as it was given, or None if it is not there."""
        return self.fields.get(name)

    def flag(self, name: str) -> bool:
        """Say whether something is switched on: ``?name=1``, or ``?name`` alone."""
        value = self.text(name)
        if value is None:
            return False
        if value not in {"", "0", "1"}:
            raise ProtocolViolation(f"{name} is 0 or 1, got {value[:40]!a}")
        return value != "0"

    def number(self, name: str, low: float = -math.inf, high: float = math.inf) -> float | None:
        """Return a number within limits, or None if the field is not there.

        Raises:
            ProtocolViolation: it is none, or out of them.
        """
        text = self.text(name)
        if text is None:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            limits = "" if math.isinf(high) else f" from {low:.15g} to {high:.15g}"
            raise ProtocolViolation(f"{name} is a number{limits}, got {text[:40]!a}")
        return value

    def whole(self, name: str, low: float = -math.inf, high: float = math.inf) -> int | None:
        """Return a whole number within limits, or None if the field is not there."""
        value = self.number(name, low, high)
        if value is not None and not value.is_integer():
            raise ProtocolViolation(f"{name} is a whole number, got {self.fields[name][-1][:40]!a}")
        return None if value is None else int(value)

    def moment(self, name: str) -> float | None:
        """Return a moment in seconds since the epoch, given as such or in the form of RFC 3339.

        Raises:
            ProtocolViolation: it is neither. A time without an offset could be anybody's.
        """
        text = self.text(name)
        if text is None:
            return None
        try:
            return self.number(name, 0, _MAX_MOMENT)
        except ProtocolViolation:
            # A plus sign in a query means a space.
            moment = _parse_moment(text.replace(" ", "+"))
        if moment is None:
            raise ProtocolViolation(
                f"{name} is a moment such as 1700000000.25 or 2023-11-14T22:13:20.250Z, got {text[:40]!a}"
            )
        return moment


def decode_query(query: str, max_fields: int = 100) -> Query:
    """Read the part of an address after ``?``.

    Args:
        query: that part.
        max_fields: that it may have.

    Raises:
        ProtocolViolation: it is no UTF-8, or has too many fields.
    """
    try:
        fields = parse_qs(query, keep_blank_values=True, max_num_fields=max_fields, errors="strict")
    except ValueError as error:
        raise ProtocolViolation(f"the query cannot be read: {error}") from error
    return Query(fields)


def _parse_moment(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        return None
