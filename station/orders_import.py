"""An order file into the archive: read as the site is configured, filed a batch at a time.

What the command and the watched folder share. Prints nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from storage.errors import ArchiveError, ImportInterrupted
from storage.intake.orders import Habits, OrderFile, read_orders
from storage.order_filing import Filed

if TYPE_CHECKING:
    from station.config import Config
    from storage.archive import Archive

Progress = Callable[[int, int], None]
BATCH: Final = 2_000
"""Orders that are filed at once: a bench that seals into the same archive never waits long."""
BAD_SHOWN: Final = 50
"""So many bad rows of a file are named one by one."""


def read(
    config: Config,
    archive: Archive,
    path: Path,
    *,
    said: Mapping[str, str] | None = None,
    forgetful: bool = False,
    progress: Progress | None = None,
) -> OrderFile:
    """What an order file holds. `said` are headings by field that count before the mapping that
    was kept for its header, which counts for nothing if `forgetful`.

    Raises OrderFileError.
    """
    orders = config.orders
    habits = Habits(orders.zone, orders.day_order, orders.currency)
    kept: Callable[[str], Mapping[str, str] | None] = archive.column_mapping
    if forgetful:
        kept = _nothing
    return read_orders(path, habits, saved=kept, said=said, progress=progress)


def _nothing(_key: str) -> None:
    return None


def file(archive: Archive, path: Path, found: OrderFile, progress: Progress | None = None) -> Filed:
    """File the orders of a file, and keep what its columns were taken for; what of it was new.

    Raises ImportInterrupted: what was filed until then stays, and the same import goes on.
    """
    filed, done, orders = Filed(), 0, found.orders
    try:
        while done < len(orders):
            if progress is not None:
                progress(done, len(orders))
            filed += archive.file_orders(orders[done : done + BATCH]).result()
            done = min(done + BATCH, len(orders))
        if found.columns.how in ("guessed", "said"):
            archive.keep_column_mapping(found.columns.key, found.columns.columns).result()
    except ArchiveError as error:
        raise ImportInterrupted(path, done, len(orders), str(error)) from error
    return filed


def would_file(archive: Archive, found: OrderFile) -> Filed:
    """What `file` would find new; nothing is written."""
    filed = Filed()
    for start in range(0, len(found.orders), BATCH):
        filed += archive.would_file_orders(found.orders[start : start + BATCH])
    return filed


def counted(filed: Filed, found: OrderFile) -> str:
    """How many of what, in one line."""
    return (
        f"{filed.new} orders new, {filed.changed} changed, {filed.known} known; "
        f"{filed.links} links new; {len(found.bad)} bad"
    )


def faults(found: OrderFile, most: int = BAD_SHOWN) -> list[str]:
    """What was left out of a file, and what it leaves open, in lines."""
    lines = [
        f"line {row.line}" + (f", {row.column}:" if row.column else "") + f" {row.why}"
        for row in found.bad[:most]
    ]
    if len(found.bad) > most:
        lines.append(f"and {len(found.bad) - most} more")
    return [*found.notes, *lines]
