"""How claims look on the archive's screens: their lines in a list, their countdowns. Pure.

What is urgent is told by a word and a shape, too, never by its colour alone. Days are those of this
computer's calendar.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.text import Text

from station.ui.archive.parcel_look import DIM, INK, TONES
from station.ui.archive.row import Column, fit, fit_number
from station.ui.archive.sold import money
from station.ui.messages import shown
from storage.claims.claim import Claim, ClaimStatus
from storage.claims.periods import days_left

if TYPE_CHECKING:
    from station.config import Config
    from station.ui.archive.words import Words

SIGNS: Final = {"stop": "✖", "check": "▲", "": "○", "done": "✔", "quiet": "–"}
STATUS_TONES: Final = {
    ClaimStatus.DRAFT: ("quiet", "✎"),
    ClaimStatus.SUBMITTED: ("work", "▷"),
    ClaimStatus.IN_REVIEW: ("work", "◉"),
    ClaimStatus.NEEDS_ACTION: ("check", "▲"),
    ClaimStatus.APPROVED: ("done", "✔"),
    ClaimStatus.APPROVED_PARTIAL: ("done", "◐"),
    ClaimStatus.REJECTED: ("stop", "✖"),
    ClaimStatus.CANCELLED: ("quiet", "–"),
    ClaimStatus.PAID: ("done", "★"),
}
CLAIMS_CSS: Final = """
ClaimsScreen { background: #101418; color: #d5dde4; }
ClaimsScreen .claims-top { height: 1; background: #1b2127; padding: 0 1; }
ClaimsScreen .claims-name { width: auto; text-style: bold; color: #ffd866; padding: 0 2 0 0; }
ClaimsScreen #claims-about { width: 1fr; color: #9aa7b2; text-wrap: nowrap; text-overflow: ellipsis; }
ClaimsScreen .claims-who { width: auto; max-width: 24; color: #9aa7b2; padding: 0 0 0 2; text-wrap: nowrap; text-overflow: ellipsis; }
ClaimsScreen #claims-headings { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
ClaimsScreen #claims-list { text-wrap: nowrap; text-overflow: ellipsis; height: 1fr; border: none; padding: 0; background: #101418; scrollbar-size-vertical: 1; scrollbar-background: #101418; scrollbar-color: #4a5560; }
ClaimsScreen #claims-list > .option-list--option { text-wrap: nowrap; text-overflow: ellipsis; padding: 0 1; }
ClaimsScreen #claims-list > .option-list--option-highlighted { background: #0059a8; color: #ffffff; text-style: bold; }
ClaimsScreen #claims-empty { display: none; height: 1fr; content-align: center middle; text-align: center; padding: 0 4; color: #9aa7b2; }
ClaimsScreen.-empty #claims-empty { display: block; }
ClaimsScreen.-empty #claims-headings { display: none; }
ClaimsScreen.-empty #claims-list { height: 0; border: none; }
"""  # noqa: E501 - one rule in a line
_ROOMY: Final = 100
_WIDE: Final = 116
COLUMNS: Final = (
    Column("reference", 11, to_cells=_ROOMY - 1),
    Column("number", 18, to_cells=_ROOMY - 1),
    Column("type", 7, to_cells=_ROOMY - 1),
    Column("status", 10, to_cells=_ROOMY - 1),
    Column("reference", 12, _ROOMY),
    Column("number", 22, _ROOMY),
    Column("type", 16, _ROOMY),
    Column("status", 18, _ROOMY),
    Column("carrier", 10, _WIDE),
    Column("amount", 14, right=True),
)
"""Before the deadline, which takes what is left."""


@dataclass(frozen=True, slots=True)
class Due:
    """How near a deadline is: its tone, what is said of it, and its day."""

    tone: str
    left: str
    day: str = ""

    @property
    def short(self) -> str:
        """What is said, with the shape that stands for its tone."""
        return f"{SIGNS[self.tone]} {self.left or self.day}"

    @property
    def signed(self) -> str:
        """With its day, too."""
        return f"{self.short} · {self.day}" if self.left and self.day else self.short


def due_tone(at: dt.datetime, moment: dt.datetime, remind_days: int) -> str:
    """`stop` when `at` has passed, `check` when it comes within so many days, else ''."""
    if at <= moment:
        return "stop"
    return "check" if days_left(at, moment, moment.tzinfo) <= remind_days else ""


def due(
    at: dt.datetime | None,
    moment: dt.datetime,
    remind_days: int,
    words: Words,
    *,
    over: bool = False,
) -> Due:
    """How near `at` is at this moment, by the days of its zone; `over` where nobody waits for it
    any more."""
    if at is None:
        return Due("quiet", words.text("claims.no_time"))
    day = at.astimezone(moment.tzinfo).date()
    if over:
        return Due("quiet", "", f"{day}")
    tone, days = due_tone(at, moment, remind_days), days_left(at, moment, moment.tzinfo)
    key = "late" if tone == "stop" else "left" if days else "today"
    return Due(tone, words.text(f"claims.{key}", [("days", str(abs(days)))]), f"{day}")


def now(config: Config) -> dt.datetime:
    """The wall clock, by the clocks that claims go by."""
    return dt.datetime.now(config.orders.zone)


def amount(cents: int | None, currency: str) -> str:
    """An amount of a claim, `·` for one that nobody told."""
    return "·" if cents is None else money(cents, currency)


def headings(cells: int, words: Words) -> Text:
    """What stands above the columns."""
    parts = [
        fit(words.text(f"claims.column.{column.name}"), column.cells, right=column.right)
        for column in columns(cells)
    ]
    parts.append(words.text("claims.column.deadline"))
    return Text(" ".join(parts), f"bold {DIM}", no_wrap=True, overflow="ellipsis")


def columns(cells: int) -> tuple[Column, ...]:
    """The columns that a list of this width shows."""
    return tuple(column for column in COLUMNS if column.from_cells <= cells <= column.to_cells)


def line(claim: Claim, cells: int, when: Due, words: Words, *, chosen: bool = False) -> Text:
    """A claim in one line of a list; the chosen one has the colours of the cursor only."""
    text = Text(no_wrap=True, overflow="ellipsis")
    for column in columns(cells):
        said, style = _cell(claim, column.name, words)
        is_number = column.name == "number"
        cell = fit_number if is_number else partial(fit, right=column.right)
        text.append(cell(said, column.cells) + " ", "" if chosen else style)
    near = when.signed if cell_len(text.plain) + cell_len(when.signed) <= cells else when.short
    text.append(near, "" if chosen else TONES[when.tone])
    return text


def status_text(status: ClaimStatus, words: Words) -> str:
    """Where a claim stands, with its shape."""
    return f"{STATUS_TONES[status][1]} {words.text(f'claims.status.{status.value}')}"


def _cell(claim: Claim, name: str, words: Words) -> tuple[str, str]:
    match name:
        case "reference":
            return shown(claim.reference), INK
        case "number":
            return shown(claim.tracking_number), "bold #ffffff"
        case "type":
            return words.text(f"claims.type.{claim.type.value}"), INK
        case "status":
            return status_text(claim.status, words), TONES[STATUS_TONES[claim.status][0]]
        case "carrier":
            return shown(claim.carrier) or "·", INK
        case _:
            return amount(claim.requested_cents, claim.currency), INK
