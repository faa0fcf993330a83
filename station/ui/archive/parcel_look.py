"""How a parcel's page looks: its colours and sizes, and its lines as styled text. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from station.dossier import Paper
from station.ui.archive.facts import SIGNS, Fact, tab
from station.ui.archive.timeline import Event, named, told, when
from station.ui.messages import shown
from storage.records import LabelCheck

if TYPE_CHECKING:
    from station.dossier import Dossier
    from station.ui.archive.words import Words
    from storage.records import Shot

INK: Final = "#d5dde4"
DIM: Final = "#9aa7b2"
TONES: Final = {
    "": INK,
    "done": "#56e0b0",
    "check": "#ffc04d",
    "stop": "bold #ff8f7a",
    "work": "#7cc4ff",
    "quiet": DIM,
}
LABEL_CELLS: Final = 9

PARCEL_CSS: Final = """
ParcelScreen { background: #101418; color: #d5dde4; }
ParcelScreen #parcel-top { height: 1; background: #1b2127; padding: 0 1; }
ParcelScreen #parcel-number { width: auto; text-style: bold; color: #ffd866; padding: 0 2 0 0; }
ParcelScreen #parcel-tabs { width: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }
ParcelScreen #parcel-who { width: auto; max-width: 24; color: #9aa7b2; padding: 0 0 0 2; text-wrap: nowrap; text-overflow: ellipsis; }
ParcelScreen #parcel-body { height: 1fr; }
ParcelScreen #parcel-facts { width: 2fr; max-width: 60; height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; scrollbar-background: #101418; scrollbar-color: #4a5560; }
ParcelScreen #parcel-table { width: 1fr; height: auto; }
ParcelScreen #parcel-evidence { height: auto; }
ParcelScreen #parcel-right { width: 3fr; height: 1fr; border-left: vkey #4a5560; padding: 0 0 0 1; }
ParcelScreen .heading { height: 1; color: #9aa7b2; text-style: bold; text-wrap: nowrap; text-overflow: ellipsis; }
ParcelScreen TileRow { height: 7; }
ParcelScreen TileRow Tile { width: 16; }
ParcelScreen #parcel-film { height: 6; }
ParcelScreen #parcel-film Tile { width: 15; }
ParcelScreen.-low TileRow { height: 4; }
ParcelScreen.-low #parcel-film { height: 4; }
ParcelScreen.-low TileRow Tile, ParcelScreen.-low #parcel-film Tile { width: 11; }
ParcelScreen #parcel-timeline { height: 1fr; border: none; padding: 0; background: #101418; scrollbar-size-vertical: 1; scrollbar-background: #101418; scrollbar-color: #4a5560; }
ParcelScreen #parcel-timeline > .option-list--option { text-wrap: nowrap; text-overflow: ellipsis; padding: 0; }
ParcelScreen #parcel-timeline > .option-list--option-highlighted { background: #0059a8; color: #ffffff; text-style: bold; }
"""  # noqa: E501 - one rule in a line


def tabs(dossier: Dossier, at: int, words: Words) -> Text:
    """The sessions of the parcel, the one that is shown marked."""
    text = Text(no_wrap=True)
    # The one that is shown is seen where not all of them fit.
    first = max(0, at - 1)
    if first:
        text.append(f"‹{first} ", DIM)
    for index, record in enumerate(dossier.records[first:], first):
        chosen = index == at
        text.append(f" {tab(record, words)} ", "bold #ffffff on #0059a8" if chosen else DIM)
        text.append(" ")
    return text


def fact_table(found: Sequence[Fact], words: Words) -> Table:
    """The facts below one another; what has the same name is named once."""
    table = Table.grid(padding=(0, 1, 0, 0), expand=True)
    table.add_column(width=LABEL_CELLS, no_wrap=True, style=DIM)
    table.add_column(ratio=1, overflow="fold")
    before = ""
    for fact in found:
        label = "" if fact.label == before else words.text(fact.label)
        before = fact.label
        sign = SIGNS[fact.tone] if fact.tone not in ("", "quiet") else ""
        text = Text(f"{sign} {fact.text}" if sign else fact.text, TONES[fact.tone])
        table.add_row(Text(label), text)
    return table


def event_line(event: Event, first: dt.datetime, words: Words) -> Text:
    """One line of the timeline."""
    return Text.assemble(
        (f"{when(event, first):>8} ", DIM),
        (f"{event.sign} ", TONES[event.tone]),
        (told(event, words), INK if event.tone == "quiet" else TONES[event.tone]),
        no_wrap=True,
        overflow="ellipsis",
    )


def caption(item: Shot | Paper, words: Words) -> Text:
    """What stands below a photo or a document."""
    if isinstance(item, Paper):
        return Text.assemble(("▤ ", TONES["work"]), shown(item.document.name), no_wrap=True)
    tones = {LabelCheck.MATCH: "done", LabelCheck.MISMATCH: "stop", LabelCheck.UNREADABLE: "check"}
    tone = "work" if item.label_check is None else tones[item.label_check]
    sign = "◆" if item.label_check is None else SIGNS[tone]
    return Text.assemble((f"{sign} ", TONES[tone]), named("slot", item.slot, words), no_wrap=True)
