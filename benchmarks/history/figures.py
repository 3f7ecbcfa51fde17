"""A figure with its aim."""

from __future__ import annotations

from attrs import frozen


@frozen
class Figure:
    """One measured value, which should not be above its aim."""

    what: str
    value: float
    unit: str
    aim: float

    @property
    def is_held(self) -> bool:
        """Whether the aim is held."""
        return self.value <= self.aim

    def show(self) -> str:
        """Return a line of the table."""
        mark = "" if self.is_held else "  MISSED"
        return f"{self.what:<62} {self.value:9.3f} {self.unit:<6} aim {self.aim:g}{mark}"


def percentile(values: list[float], share: float) -> float:
    """Return the value below which a share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
