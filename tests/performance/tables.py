"""What a benchmark found, as a table in Markdown for a reader and as JSON for a program."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Section:
    """`rows` have a cell for each column of `header`; `notes` are lines below the table."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)

    def markdown(self) -> str:
        lines = [self.header, ("---",) * len(self.header), *self.rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return "\n\n".join([f"### {self.title}", table, *self.notes])


def share(part: int, whole: int) -> str:
    """`part` of `whole` in per cent, '-' of nothing."""
    return f"{100 * part / whole:.1f}%" if whole else "-"


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many per cent do not exceed; NaN of none."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def spread(values: Sequence[float], percents: Sequence[float], digits: int = 1) -> str:
    """The percentiles, as `2.0 / 16.1`; '-' of none."""
    if not values:
        return "-"
    return " / ".join(f"{percentile(values, percent):.{digits}f}" for percent in percents)
