"""How one found session looks in the table: its columns, its flags, its sign. Pure.

Times are the computer's local ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, set_cell_size

from station.ui.messages import shown
from storage.records import Kind, Status

if TYPE_CHECKING:
    import datetime as dt

    from station.ui.archive.words import Words
    from storage.search import Hit

_KIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its message key below `column`, its width in cells, and in which widths of the
    window it is shown."""

    name: str
    cells: int
    from_cells: int = 0
    to_cells: int = 10_000
    right: bool = False


_ROOMY: Final = 96
COLUMNS: Final = (
    Column("number", 22),
    Column("opened", 16),
    Column("length", 6, _ROOMY, right=True),
    Column("bench", 7, to_cells=_ROOMY - 1),
    Column("packer", 7, to_cells=_ROOMY - 1),
    Column("bench", 10, _ROOMY),
    Column("packer", 10, _ROOMY),
    Column("carrier", 10, 112),
    Column("size", 8, 130, right=True),
)
"""Before the flags, which take what is left."""
MARK_CELLS: Final = 5
"""What stands before the first column: the mark and the sign."""


def columns(cells: int) -> tuple[Column, ...]:
    """The columns that a table of this width shows."""
    return tuple(column for column in COLUMNS if column.from_cells <= cells <= column.to_cells)


def cell(hit: Hit, name: str) -> str:
    """What stands in a column."""
    match name:
        case "number":
            return shown(hit.number)
        case "opened":
            return local(hit.opened_at)
        case "length":
            return length(hit)
        case "bench":
            return shown(hit.bench)
        case "packer":
            return shown(hit.packer) or "·"
        case "carrier":
            return shown(hit.carrier) or "·"
        case _:
            return size_text(hit.bytes)


def flags(hit: Hit) -> tuple[str, ...]:
    """What is to be known of it, the gravest first: message keys below `flag`."""
    facts = (
        ("open", hit.status is Status.OPEN),
        ("mismatch", hit.mismatch),
        ("interrupted", hit.status is Status.INTERRUPTED),
        ("no_video", hit.no_video),
        ("incomplete", hit.incomplete and not hit.no_video),
        ("gap", hit.gap),
        ("cancelled", hit.status is Status.CANCELLED),
        ("return", hit.kind is Kind.RETURN),
        ("held", hit.held),
        ("test", hit.test),
        ("deleted", hit.deleted),
    )
    return tuple(name for name, true in facts if true)


def tone(hit: Hit) -> str:
    """Its colour: `stop`, `check`, `work`, `quiet` or `done`."""
    if hit.status is Status.OPEN:
        return "work"
    if hit.test or hit.status is Status.CANCELLED:
        return "quiet"
    if hit.mismatch or hit.no_video:
        return "stop"
    if hit.incomplete or hit.gap or hit.status is Status.INTERRUPTED:
        return "check"
    return "done"


SIGNS: Final = {"stop": "✖", "check": "▲", "work": "◉", "quiet": "○", "done": "✔"}


def flag_texts(hit: Hit, words: Words) -> list[str]:
    """The flags in the person's language, and the number that it was sealed with."""
    texts = [words.text(f"flag.{name}") for name in flags(hit)]
    if hit.original:
        texts.append(words.text("flag.was", [("number", hit.original)]))
    return texts or [words.text("flag.sealed")]


def about(hit: Hit, words: Words) -> str:
    """One line with everything that the table knows of it."""
    kind = words.text(f"kind.{hit.kind.value}")
    facts = [shown(hit.number), kind, f"{hit.opened_at.astimezone():%Y-%m-%d %H:%M:%S}"]
    facts += [length(hit)] if hit.ended_at else []
    facts += [text for text in (shown(hit.carrier), shown(hit.bench), shown(hit.packer)) if text]
    facts += [size_text(hit.bytes), *flag_texts(hit, words)]
    return " · ".join(facts)


def local(moment: dt.datetime) -> str:
    """A moment in local time, to the minute."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def length(hit: Hit) -> str:
    """How long it took, `3:07`; '' while it is open."""
    if hit.ended_at is None:
        return ""
    minutes, seconds = divmod(max(0, round((hit.ended_at - hit.opened_at).total_seconds())), 60)
    return f"{minutes}:{seconds:02}"


def size_text(size_bytes: int) -> str:
    """A size that a person reads: `42 MB`."""
    size = float(size_bytes)
    for unit in ("B", "KB", "MB", "GB"):
        if size < _KIB:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"
        size /= _KIB
    return f"{size:.1f} TB"


def fit_number(number: str, cells: int) -> str:
    """A tracking number in exactly so many cells: its end is what people compare."""
    if cell_len(number) > cells:
        number = "…" + number[1 - cells :]
    return fit(number, cells)


def fit(text: str, cells: int, *, right: bool = False) -> str:
    """`text` in exactly so many cells."""
    if cells <= 0:
        return ""
    if cell_len(text) > cells:
        text = set_cell_size(text, cells - 1).rstrip() + "…"
    room = " " * (cells - cell_len(text))
    return room + text if right else text + room
