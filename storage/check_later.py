"""What came after the seal, verified: one amendment or document, its row, file, signature, ledger.

Reads only. Knows no order of checking: that is `check_archive.py`'s.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from pathlib import Path

from sqlite_utils import Database

from storage import (
    amendment_rows,
    check,
    check_rows,
    document_rows,
    files,
    ledger,
    rows,
    schema,
    signed,
)
from storage.check import Meter
from storage.check_rows import Put
from storage.check_sessions import Known
from storage.errors import Refused
from storage.later import (
    amendment_from_json,
    document_from_json,
)
from storage.ledger import LedgerEvent
from storage.problem import Problem
from storage.records import parse_utc

DATABASE = schema.DATABASE
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError, Refused)


def amendment_problems(
    db: Database, root: Path, amendment: str, meter: Meter, known: Known
) -> Iterator[Problem]:
    """What is wrong with one amendment."""
    in_row = f"the row of amendment {amendment}"
    try:
        (row,) = db.query("SELECT * FROM amendments WHERE id = ?", [amendment])
        stored = amendment_rows.amendment_of(row)
        shown = files.dated_folder(files.AMENDMENTS, amendment, stored.at)
    except UNREADABLE as error:
        yield Problem(DATABASE, f"{in_row} cannot be understood: {error}")
        return
    if row["folder"] != shown or row["number_reversed"] != stored.number[::-1]:
        yield Problem(DATABASE, f"{in_row} was changed: its folder or its number is another")
        return
    told = [ledger.facts(entry) for _, entry in ledger.excerpt(db, stored.subject)]
    mine = [facts for facts in told if facts.get("amendment") == amendment]
    if not any(
        facts.get("manifest_sha256") == row["manifest_sha256"]
        and facts.get("change") == stored.change
        for facts in mine
    ):
        yield Problem(DATABASE, f"amendment {amendment}: the ledger does not tell of it")
    content = yield from _manifest(
        root / shown / files.AMENDMENT_MANIFEST, row["manifest_sha256"], mine, known, shown
    )
    if content is not None:
        yield from _row_problems(
            db,
            "amendments",
            row,
            lambda scratch: amendment_rows.add(
                scratch,
                amendment_from_json(json.loads(content)),
                row["folder"],
                row["manifest_sha256"],
            ),
            f"{shown}/{files.AMENDMENT_MANIFEST}",
        )
    names = (files.AMENDMENT_MANIFEST, _signature_of(files.AMENDMENT_MANIFEST))
    yield from check.folder_problems((), names, root / shown, shown, meter, "amendment")


def document_problems(
    db: Database, root: Path, document: str, meter: Meter, known: Known
) -> Iterator[Problem]:
    """What is wrong with one document."""
    in_row = f"the row of document {document}"
    try:
        (row,) = db.query("SELECT * FROM documents WHERE id = ?", [document])
        stored = document_rows.document_of(row)
        shown = files.dated_folder(files.DOCUMENTS, document, parse_utc(row["filed_at"]))
    except UNREADABLE as error:
        yield Problem(DATABASE, f"{in_row} cannot be understood: {error}")
        return
    if row["folder"] != shown or stored.path.rpartition("/")[0] != shown:
        yield Problem(DATABASE, f"{in_row} was changed: it names another folder")
        return
    told = [ledger.facts(entry) for _, entry in ledger.excerpt(db, document)]
    filed = (LedgerEvent.DOCUMENT_FILED, LedgerEvent.ADOPTED)
    mine = [facts for facts in told if facts.get("event") in filed]
    if not any(facts.get("manifest_sha256") == row["manifest_sha256"] for facts in mine):
        yield Problem(DATABASE, f"document {document}: the ledger does not tell of it")
    content = yield from _manifest(
        root / shown / files.DOCUMENT_MANIFEST, row["manifest_sha256"], mine, known, shown
    )
    if content is not None:
        yield from _row_problems(
            db,
            "documents",
            row,
            lambda scratch: document_rows.add(
                scratch,
                document_from_json(json.loads(content)),
                row["folder"],
                row["manifest_sha256"],
            ),
            f"{shown}/{files.DOCUMENT_MANIFEST}",
        )
    names = (files.DOCUMENT_MANIFEST, _signature_of(files.DOCUMENT_MANIFEST))
    yield from check.folder_problems((stored,), names, root / shown, shown, meter, "document")


def _row_problems(db: Database, table: str, row: rows.Row, put: Put, at: str) -> Iterator[Problem]:
    """What of a row is not as the manifest at `at`, which `put` reads, tells it."""
    try:
        changed = check_rows.differences(db, table, row["id"], put)
    except UNREADABLE:
        yield Problem(at, f"is no manifest of one of the {table}")
        return
    if changed:
        what = f"the row of {table[:-1]} {row['id']} was changed: {', '.join(changed)}"
        yield Problem(DATABASE, what)


def _signature_of(manifest: str) -> str:
    return signed.signature_path(Path(manifest)).name


def _manifest(
    path: Path, sha256: str, told: list[dict[str, object]], known: Known, shown: str
) -> Generator[Problem, None, bytes | None]:
    """What is wrong with a manifest and its signature; its content is the answer, None without."""
    at = f"{shown}/{path.name}"
    content = check.sealed_content(path, sha256, at)
    if isinstance(content, Problem):
        yield content
        return None
    key = next((str(facts["key"]) for facts in told if facts.get("key")), "")
    yield from check.signature_problems(path, content, key, known, at)
    return content
