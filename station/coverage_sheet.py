"""Coverage as a table: on the terminal, as CSV, as JSON.

Numbers and names come from scans and from shops, and are hostile: a cell is text and never a
formula. Knows no archive.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, Final

from station.console import harmless
from station.shift_sheet import inert
from storage.covered import Coverage, Covered, Lack, Uncovered
from storage.records import utc_text

COLUMNS: Final = (
    "tracking_number", "orders", "shipped_at", "dated", "lack", "bench", "packer",
    "likely_benches", "can_be_mended", "session",
)  # fmt: skip
LACKS: Final = {
    Lack.NONE: "no session",
    Lack.INCOMPLETE: "a compulsory photo is missing",
    Lack.MISMATCH: "the label photo shows another number",
    Lack.NO_VIDEO: "no video",
    Lack.OPEN: "the session is not sealed yet",
    Lack.CANCELLED: "the session was cancelled",
    Lack.TEST: "only a test recording",
    Lack.REBOUND: "its session belongs to another parcel now",
}
MEND: Final = "can still be mended: pack it again before the pick-up"


def percent(part: Covered) -> str:
    """The share with good evidence; rounded down, so that what is not whole never shows as 100."""
    whole, tenth = divmod(part.permille, 10)
    return f"{whole}.{tenth} %"


def line(gap: Uncovered) -> str:
    """One parcel, for a terminal."""
    when = f"{gap.shipped_at.astimezone():%Y-%m-%d %H:%M}"
    when = f"shipped {when}" if gap.dated else f"ordered {when[:10]}, shipped later"
    text = f"{gap.number}  {when}  {LACKS[gap.lack]}"
    if gap.bench:
        text += f"  at {gap.bench}" + (f" ({gap.packer})" if gap.packer else "")
    elif gap.likely:
        text += f"  (about then packed: {', '.join(gap.likely)})"
    text += f"  order {', '.join(gap.orders[:3])}" + (" ..." if len(gap.orders) > 3 else "")
    return harmless(f"{text}  {MEND.upper()}" if gap.mendable else text)


def table(found: Coverage) -> str:
    """The figures for a terminal: each day, each bench, all."""
    rows: list[tuple[str, ...]] = [("", "PARCELS", "GOOD", "POOR", "NONE", "COVERED")]
    rows += [_figures(str(day.day), day) for day in found.days]
    rows += [_figures(bench.bench or "no bench", bench) for bench in found.benches]
    rows.append(_figures("all", found.total))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _figures(name: str, part: Covered) -> tuple[str, ...]:
    counts = (part.parcels, part.good, part.poor, part.none)
    return (harmless(name), *map(str, counts), percent(part) if part.parcels else "-")


def write_csv(found: Coverage, path: Path) -> None:
    """Write the parcels without good evidence as CSV (UTF-8 with a mark, for spreadsheets). Raises
    OSError."""
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for gap in found.uncovered:
            cells = (
                gap.number,
                " ".join(gap.orders),
                gap.shipped_at.isoformat(timespec="seconds"),
                "yes" if gap.dated else "no",
                gap.lack.value,
                gap.bench,
                gap.packer,
                " ".join(gap.likely),
                "yes" if gap.mendable else "no",
                gap.session,
            )
            writer.writerow([inert(cell) for cell in cells])


def told(found: Coverage) -> dict[str, Any]:
    """All of it as JSON."""
    return {
        "since": utc_text(found.since),
        "until": utc_text(found.until),
        "total": _part_told(found.total),
        "days": [{"day": str(each.day), **_part_told(each)} for each in found.days],
        "benches": [{"bench": each.bench, **_part_told(each)} for each in found.benches],
        "packed_without_order": found.unlisted,
        "orders_without_number": found.numberless,
        "orders_without_date": found.undated,
        "uncovered": [_gap_told(gap) for gap in found.uncovered],
        "uncovered_not_listed": found.total.poor + found.total.none - len(found.uncovered),
    }


def _part_told(part: Covered) -> dict[str, int]:
    return {
        "parcels": part.parcels,
        "good": part.good,
        "poor": part.poor,
        "none": part.none,
        "covered_permille": part.permille,
    }


def _gap_told(gap: Uncovered) -> dict[str, Any]:
    return {
        "tracking_number": gap.number,
        "orders": list(gap.orders),
        "shipped_at": utc_text(gap.shipped_at),
        "dated": gap.dated,
        "lack": gap.lack.value,
        "bench": gap.bench,
        "packer": gap.packer,
        "session": gap.session,
        "likely_benches": list(gap.likely),
        "can_be_mended": gap.mendable,
    }
