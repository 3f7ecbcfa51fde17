"""Decode the query of an address: words, numbers and moments, each checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import parse_qs

from attrs import frozen

from skysentry_trio.base.exceptions import ProtocolViolation

_MAX_ESCAPES = 5500
"""Maximum number of percent signs: a request head that consists of escaped characters has not more."""
_MAX_MOMENT = 1e11
"""Largest moment, in seconds since the epoch; milliseconds sent by mistake are larger."""


@frozen
class Query:
    """The fields of a query; the last of a repeated field counts, and unknown fields are ignored."""

    fields: Mapping[str, list[str]]

    def text(self, name: str) -> str | None:
        """Return the text of a field; None without the field."""
        return self.fields[name][-1] if name in self.fields else None

    def texts(self, name: str) -> list[str] | None:
        """Return all values of a repeated field; None without the field."""
        return self.fields.get(name)

    def flag(self, name: str) -> bool:
        """Return whether a flag is set: ``?name=1``, or ``?name`` alone."""
        value = self.text(name)
        if value is None:
            return False
        if value not in {"", "0", "1"}:
            raise ProtocolViolation(f"{name} is 0 or 1, got {value[:40]!a}")
        return value != "0"

    def number(self, name: str, low: float = -math.inf, high: float = math.inf) -> float | None:
        """Return a number within limits; None without the field.

        Raises:
            ProtocolViolation: the field is not a number, or out of the limits.
        """
        text = self.text(name)
        if text is None:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            limits = "" if math.isinf(high) else f" from {_without_exponent(low)} to {_without_exponent(high)}"
            raise ProtocolViolation(f"{name} is a number{limits}, got {text[:40]!a}")
        return value

    def whole(self, name: str, low: float = -math.inf, high: float = math.inf) -> int | None:
        """Return a whole number within limits; None without the field."""
        value = self.number(name, low, high)
        if value is not None and not value.is_integer():
            raise ProtocolViolation(f"{name} is a whole number, got {self.fields[name][-1][:40]!a}")
        return None if value is None else int(value)

    def moment(self, name: str) -> float | None:
        """Return a moment in seconds since the epoch; None without the field.

        The field contains seconds since the epoch, or a time in RFC 3339.

        Raises:
            ProtocolViolation: the field is not a moment, or is a time without an offset, which is ambiguous.
        """
        text = self.text(name)
        if text is None:
            return None
        try:
            return self.number(name, 0, _MAX_MOMENT)
        except ProtocolViolation:
            # In a query, a plus sign means a space, so the plus sign of an offset has become a space.
            moment = _parse_moment(text.replace(" ", "+"))
        if moment is None:
            raise ProtocolViolation(
                f"{name} is a moment such as 1700000000.25 or 2023-11-14T22:13:20.250Z, got {text[:40]!a}"
            )
        return moment


def decode_query(query: str, max_fields: int = 100) -> Query:
    """Decode the query of an address.

    Args:
        query: the part of the address after ``?``.
        max_fields: maximum number of fields.

    Raises:
        ProtocolViolation: the query is not UTF-8, or has too many fields or percent signs.
    """
    if query.count("%") > _MAX_ESCAPES:
        raise ProtocolViolation(f"a query may have {_MAX_ESCAPES} percent signs, got {query.count('%')}")
    try:
        fields = parse_qs(query, keep_blank_values=True, max_num_fields=max_fields, errors="strict")
    except ValueError as error:
        raise ProtocolViolation(f"the query cannot be read: {error}") from error
    return Query(fields)


def _without_exponent(number: float) -> str:
    return f"{Decimal(f'{number:.16g}'):f}"


def _parse_moment(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        return None
