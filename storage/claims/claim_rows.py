"""Claims into their rows and out of them. Knows no file and nobody's rights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from sqlite_utils import Database

from storage import rows
from storage.claims.claim import (
    ENDED_STATUSES,
    Claim,
    ClaimEvent,
    ClaimQuery,
    ClaimStatus,
    ClaimType,
)
from storage.records import parse_utc, utc_text

MOMENTS: Final = (
    "created_at", "updated_at", "status_at", "happened_at", "submitted_at", "closed_at",
    "deadline_at",
)  # fmt: skip
_ENDED: Final = ", ".join(f"'{status.value}'" for status in sorted(ENDED_STATUSES))
_ORDER: Final = (
    f"ORDER BY status IN ({_ENDED}), CASE WHEN status IN ({_ENDED}) THEN '' "
    "WHEN deadline_at = '' THEN '~' ELSE deadline_at END, created_at DESC, id DESC LIMIT :limit"
)
"""Open ones first, by their deadline; the ended ones newest first."""


def add(db: Database, claim: Claim) -> None:
    """Add the row of a new claim, within the caller's transaction."""
    rows.insert(db, "claims", _row(claim))


def change(db: Database, claim: Claim) -> None:
    """Bring the row of a claim up to date, within the caller's transaction."""
    row = _row(claim)
    sets = ", ".join(f"{name} = :{name}" for name in row if name != "id")
    db.execute(f"UPDATE claims SET {sets} WHERE id = :id", row)  # noqa: S608 - names of columns


def tell(db: Database, claim: str, event: ClaimEvent) -> ClaimEvent:
    """Add an entry to the claim's history, at its end; the entry with its number."""
    sql = "SELECT coalesce(max(seq), 0) + 1 FROM claim_events WHERE claim_id = ?"
    seq = int(db.execute(sql, [claim]).fetchone()[0])
    told = ClaimEvent(seq, event.at, event.by, event.role, event.what, event.text, event.facts)
    db.execute(
        "INSERT INTO claim_events VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            claim, seq, utc_text(told.at), told.by, told.role, told.what, told.text,
            json.dumps(told.facts),
        ],
    )  # fmt: skip
    return told


def one(db: Database, claim: str) -> Claim | None:
    """The claim with this id, or None."""
    return next(_found(db, "SELECT * FROM claims WHERE id = ?", [claim]), None)


def named(db: Database, text: str) -> list[Claim]:
    """The claims that `text` names: by id, by reference, or by the other side's number."""
    key = rows.search_key(text)
    return list(
        _found(
            db,
            "SELECT * FROM claims WHERE id = :key OR reference = :key OR "
            "(claim_number <> '' AND upper(claim_number) = :text) ORDER BY created_at, id LIMIT 10",
            {"key": key, "text": text.strip().upper()},
        )
    )


def of_number(db: Database, number: str) -> list[Claim]:
    """The claims for a tracking number, oldest first."""
    sql = "SELECT * FROM claims WHERE tracking_number = ? ORDER BY created_at, id"
    return list(_found(db, sql, [rows.search_key(number)]))


def listed(db: Database, query: ClaimQuery) -> list[Claim]:
    """The claims that fit, the most pressing first."""
    wanted = ["1"]
    facts: dict[str, Any] = {"limit": query.limit}
    if query.open_only:
        wanted.append(f"status NOT IN ({_ENDED})")
    if query.pending_at is not None:
        wanted.append(f"(status NOT IN ({_ENDED}) OR deadline_at >= :pending)")
        facts["pending"] = utc_text(query.pending_at)
    for name, value in (
        ("status", query.status and query.status.value),
        ("type", query.type and query.type.value),
        ("carrier", query.carrier),
        ("tracking_number", rows.search_key(query.number)),
    ):
        if value:
            wanted.append(f"{name} = :{name}")
            facts[name] = value
    if query.due_before is not None:
        wanted.append("deadline_at <> '' AND deadline_at < :due")
        facts["due"] = utc_text(query.due_before)
    if query.text.strip():
        facts["text"] = query.text.strip().upper()
        facts["key"] = rows.search_key(query.text)
        wanted.append(
            "(instr(upper(reference), :text) OR instr(tracking_number, :key) "
            "OR instr(upper(order_id), :text) OR instr(upper(claim_number), :text))"
        )
    sql = f"SELECT * FROM claims WHERE {' AND '.join(wanted)} {_ORDER}"  # noqa: S608
    return list(_found(db, sql, facts))


def events(db: Database, claim: str) -> list[ClaimEvent]:
    """The history of a claim, oldest first."""
    found = db.query("SELECT * FROM claim_events WHERE claim_id = ? ORDER BY seq", [claim])
    return [
        ClaimEvent(
            row["seq"],
            parse_utc(row["at"]),
            row["by"],
            row["role"],
            row["what"],
            row["text"],
            {str(key): str(value) for key, value in json.loads(row["facts"]).items()},
        )
        for row in found
    ]


def next_reference(db: Database, year: int) -> str:
    """`C-2026-0001` and so on, one for each claim of a year."""
    (last,) = db.execute(
        "SELECT coalesce(max(CAST(substr(reference, 8) AS INTEGER)), 0) FROM claims "
        "WHERE reference GLOB ?",
        [f"C-{year:04d}-*"],
    ).fetchone()
    return f"C-{year:04d}-{last + 1:04d}"


def _row(claim: Claim) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(claim, name) for name in Claim.__dataclass_fields__}
    for name in MOMENTS:
        row[name] = "" if row[name] is None else utc_text(row[name])
    return row | {
        "type": claim.type.value,
        "status": claim.status.value,
        "complete": int(claim.complete),
    }


def _found(db: Database, sql: str, facts: Any) -> Iterator[Claim]:
    for row in db.query(sql, facts):
        told: dict[str, Any] = dict(row)
        for name in MOMENTS:
            told[name] = rows.moment_in(row[name])
        told["type"], told["status"] = ClaimType(row["type"]), ClaimStatus(row["status"])
        told["complete"] = bool(row["complete"])
        yield Claim(**told)
