"""`packwitness import`: order exports of shops.

Part of `station.cli`, which adds it to its group.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from station.console import harmless, progress_bar, told
from station.options import FAILED, FILE, as_json_option, signed_in_for, site
from storage.later import Right

if TYPE_CHECKING:
    from station.config import Config
    from storage.archive import Archive
    from storage.intake.orders import OrderFile
    from storage.later import Actor
    from storage.order_filing import Filed

HOW: Final = {
    "known": "known by its header",
    "guessed": "guessed by its headings",
    "saved": "as it was kept for this header",
    "said": "as you say",
}
CELL_CHARS: Final = 24
SCALE: Final = 1_000


@click.command(name="import")
@click.argument("file", type=FILE)
@click.option("--dry-run", is_flag=True, help="Only show what is in it, and what would be new.")
@click.option(
    "--map",
    "mapped",
    metavar="FIELD=COLUMN",
    multiple=True,
    help="Take this column for that field; kept for files with the same header. Repeatable; "
    "FIELD= takes none.",
)
@click.option("--forget-map", is_flag=True, help="Forget the mapping kept for this header.")
@as_json_option
@site
@signed_in_for(Right.FILE, create=True)
def import_(
    config: Config,
    archive: Archive,
    actor: Actor,
    file: Path,
    dry_run: bool,
    mapped: Sequence[str],
    forget_map: bool,
    as_json: bool,
) -> int:
    """Take in the orders that a shop exported: CSV, TSV, XLSX, XLS or ODS.

    Exports of TikTok Shop, Shopify, Amazon, AfterShip and Taobao are known; of any other file the
    columns are guessed, which --dry-run shows and --map corrects. Imported again, it changes what
    is told anew, and doubles nothing.
    """
    from station import orders_import

    said = _said(mapped)
    with progress_bar("importing", quiet=as_json, timed=True) as progress:
        found = orders_import.read(
            config,
            archive,
            file,
            said=said,
            forgetful=forget_map,
            progress=_part(progress, 0),
        )
        if dry_run:
            filed = orders_import.would_file(archive, found)
        else:
            if forget_map:
                archive.forget_column_mapping(found.columns.key).result()
            filed = orders_import.file(archive, file, found, _part(progress, 1))
    if as_json:
        click.echo(json.dumps(_listed(file, found, filed, dry_run), indent=2))
    else:
        if dry_run or found.columns.how != "known":
            _show(file, found, dry_run)
        would = "would be " if dry_run else ""
        click.echo(harmless(f"{file}: {would}{orders_import.counted(filed, found)}"))
    for line in orders_import.faults(found):
        told(f"{file}: {line}")
    return FAILED if found.bad else 0


def _said(mapped: Sequence[str]) -> dict[str, str]:
    """The headings by field. Raises click.UsageError for what is no field."""
    from storage.intake.order_columns import FIELDS

    said = {}
    for each in mapped:
        name, mark, heading = each.partition("=")
        if not mark or name not in FIELDS:
            raise click.UsageError(
                f"--map {each[:40]!r}: write FIELD=COLUMN, where FIELD is one of "
                f"{', '.join(FIELDS)}"
            )
        said[name] = heading.strip()
    return said


def _part(
    progress: Callable[[int, int], None] | None, place: int
) -> Callable[[int, int], None] | None:
    """The progress of reading (0) or of filing (1), as a half of both."""
    if progress is None:
        return None
    whole = progress

    def move(done: int, everything: int) -> None:
        whole(SCALE * place + SCALE * done // max(1, everything), 2 * SCALE)

    return move


def _show(file: Path, found: OrderFile, with_rows: bool) -> None:
    """Print which column is taken for what; with the first rows below, if asked."""
    columns = found.columns
    where = f", sheet {found.sheet}" if found.sheet else ""
    click.echo(
        harmless(f"{file}{where}: {found.source}, {len(columns.columns)} columns, ")
        + HOW[columns.how]
    )
    rows = [
        (name, heading, *(_cut(each, name) for each in found.preview if with_rows))
        for name, heading in columns.columns.items()
    ]
    heads = ("FIELD", "COLUMN", *(f"ROW {n + 1}" for n in range(len(found.preview)) if with_rows))
    table = [heads, *rows]
    widths = [max(len(row[at]) for row in table) for at in range(len(heads))]
    for row in table:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(harmless("  " + line.rstrip()))


def _cut(row: Mapping[str, str], name: str) -> str:
    text = row.get(name, "")
    return text if len(text) <= CELL_CHARS else text[: CELL_CHARS - 1] + "…"


def _listed(file: Path, found: OrderFile, filed: Filed, dry_run: bool) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "file": str(file),
        "sheet": found.sheet,
        "source": found.source,
        "mapping": found.columns.how,
        "columns": found.columns.columns,
        "rows": found.rows,
        "orders": len(found.orders),
        **asdict(filed),
        "dry_run": dry_run,
        "preview": [dict(each) for each in found.preview],
        "notes": list(found.notes),
        "bad": [asdict(row) for row in found.bad],
    }


COMMANDS: Final[tuple[click.Command, ...]] = (import_,)
