"""Which column means what in order files, kept by the header for the next one.

Writes on the writer's thread, for `documents.py`. Knows no file and no field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlite_utils import Database

from storage import rows, schema
from storage.transaction import immediate


def of(db: Database, key: str) -> dict[str, str] | None:
    """The headings by field that were kept for this header; None for none."""
    if not schema.has_sold(db):
        return None
    found = db.execute("SELECT mapping FROM column_mappings WHERE header = ?", [key]).fetchone()
    return None if found is None else {str(k): str(v) for k, v in json.loads(found[0]).items()}


def keep(db: Database, key: str, columns: Mapping[str, str]) -> None:
    """Keep these, instead of others."""
    told = json.dumps({name: rows.storable(heading) for name, heading in columns.items()})
    with immediate(db):
        db.execute(
            "INSERT INTO column_mappings VALUES (?, ?) "
            "ON CONFLICT (header) DO UPDATE SET mapping = excluded.mapping",
            [key, told],
        )


def forget(db: Database, key: str) -> bool:
    """Drop what was kept; False where nothing was."""
    with immediate(db):
        return bool(db.execute("DELETE FROM column_mappings WHERE header = ?", [key]).rowcount)
