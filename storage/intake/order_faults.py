"""What of an order file was left out, by its line, and what the file as a whole leaves open.

Gathers; decides nothing. Knows no row and no archive.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from storage.intake.order_cells import kept
from storage.intake.order_columns import Columns, status_named
from storage.order import OrderStatus


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was left out, or of which something was. `line` is the one that a person sees;
    `column` is the heading, '' for a whole row."""

    line: int
    why: str
    column: str = ""


class Faults:
    """Gathers. `notes` are lines about the whole file, once all of it was read."""

    def __init__(self, columns: Columns) -> None:
        self._bad: list[BadRow] = []
        self._headings = columns.columns
        self._notes: list[str] = []
        self._unknown: Counter[str] = Counter()
        self._open_amounts: Counter[bool] = Counter()

    def leave(self, line: int, why: str, name: str = "") -> None:
        """Say that a row was left out, or the cell of the field `name` in it."""
        self._bad.append(BadRow(line, why, kept(self._headings.get(name, ""), 60)))

    def note(self, text: str) -> None:
        """Say something of the whole file."""
        self._notes.append(text)

    def without_currency(self, *, shared: bool) -> None:
        """Say that an amount has no currency, or a sign that several currencies share."""
        self._open_amounts[shared] += 1

    def status(self, word: str) -> OrderStatus:
        """What a platform's word means; one that is not known is told."""
        found = status_named(word) if word else OrderStatus.UNKNOWN
        if word and found is OrderStatus.UNKNOWN:
            self._unknown[kept(word)] += 1
        return found

    def bad(self) -> tuple[BadRow, ...]:
        """The bad rows by their line."""
        return tuple(sorted(self._bad, key=lambda row: (row.line, row.column)))

    def notes(self) -> tuple[str, ...]:
        """What the file leaves open, a line each."""
        lines = list(self._notes)
        if self._open_amounts[True]:
            lines.append(
                f"{self._open_amounts[True]} amounts with a sign that several currencies share are "
                'left out: set [orders] currency, such as "USD" or "CNY"'
            )
        if self._open_amounts[False]:
            lines.append(
                f"{self._open_amounts[False]} amounts are in no currency: set [orders] currency"
            )
        for word, count in self._unknown.most_common(10):
            lines.append(f"the status {word[:40]!r} of {count} rows is not known")
        return tuple(lines)
