"""The append-only list of everything that happened to evidence, each entry bound to the one before.

`hash = SHA-256(previous || body)`: `previous` is the hash of the entry before as 64 hexadecimal
characters (64 zeros before the first), `body` the exact UTF-8 bytes of the stored text. Appends
within the caller's transaction, so that an event and what it tells of are durable together. Knows
no file and no manifest but by their hashes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlite_utils import Database

from storage.keys import Signer
from storage.records import Status, utc_text
from storage.transaction import immediate

GENESIS = "0" * 64


class LedgerEvent(StrEnum):
    """What an entry tells. SEALED, CANCELLED and INTERRUPTED are the ends of a session,
    CAMERAS_CHECKED is the end of a camera check."""

    CREATED = "created"
    OPENED = "opened"
    SEALED = "sealed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    SET_ASIDE = "set_aside"
    EXPORTED = "exported"
    CHECK_BEGUN = "check_begun"
    CAMERAS_CHECKED = "cameras_checked"
    KEY_CHANGED = "key_changed"
    DOCUMENT_FILED = "document_filed"
    AMENDED = "amended"
    LOOKED = "looked"
    CHECKED = "checked"
    REBUILT = "rebuilt"
    ADOPTED = "adopted"
    CLOCK_JUMPED = "clock_jumped"
    PEOPLE_CHANGED = "people_changed"


END_EVENTS = {
    Status.SEALED: LedgerEvent.SEALED,
    Status.CANCELLED: LedgerEvent.CANCELLED,
    Status.INTERRUPTED: LedgerEvent.INTERRUPTED,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as stored. `session` is a copy of what the body says, for the index: the id of the
    session or of the camera check that the entry tells of, None for neither."""

    seq: int
    session: str | None
    body: str
    hash: str


@dataclass(frozen=True, slots=True)
class Break:
    """Where and how a chain does not hold."""

    seq: int
    what: str


def chained(previous: str, body: str) -> str:
    """The hash of an entry, in hex. A forged text that UTF-8 cannot hold gets some hash, too."""
    return hashlib.sha256((previous + body).encode("utf-8", "surrogatepass")).hexdigest()


def append(
    db: Database, event: LedgerEvent, at: dt.datetime, session: str | None = None, **facts: Any
) -> Entry:
    """The new entry, part of the caller's transaction (which must have the write lock)."""
    row = db.execute("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1").fetchone()
    last, previous = row or (0, GENESIS)
    told = {"seq": last + 1, "at": utc_text(at), "event": event.value, "session": session, **facts}
    body = json.dumps(told, separators=(",", ":"))
    entry = Entry(last + 1, session, body, chained(previous, body))
    db.execute(
        "INSERT INTO ledger (seq, session_id, body, hash) VALUES (?, ?, ?, ?)",
        [entry.seq, entry.session, entry.body, entry.hash],
    )
    return entry


def introduce(db: Database, signer: Signer, now: dt.datetime) -> None:
    """Tell the ledger of a key that is new to it; such an entry is found by the key's id."""
    known = db.execute("SELECT 1 FROM ledger WHERE session_id = ?", [signer.id]).fetchone()
    if known is None:
        with immediate(db):
            append(db, LedgerEvent.KEY_CHANGED, now, signer.id, public=signer.public.hex())


def known_keys(db: Database) -> dict[str, bytes]:
    """The public bytes of each key that the ledger tells of, by its id."""
    told = [facts(entry) for entry in entries(db)]
    return {
        str(each["session"]): bytes.fromhex(each["public"])
        for each in told
        if each.get("event") == LedgerEvent.KEY_CHANGED
    }


def entries(db: Database) -> Iterator[Entry]:
    """All entries, oldest first."""
    for row in db.execute("SELECT seq, session_id, body, hash FROM ledger ORDER BY seq"):
        yield Entry(*row)


def excerpt(db: Database, session: str) -> list[tuple[str, Entry]]:
    """The entries of one session or camera check, oldest first, each with the hash of the entry
    before it."""
    rows = db.execute(
        "SELECT coalesce(before.hash, ?), e.seq, e.session_id, e.body, e.hash FROM ledger AS e "
        "LEFT JOIN ledger AS before ON before.seq = e.seq - 1 WHERE e.session_id = ? "
        "ORDER BY e.seq",
        [GENESIS, session],
    )
    return [(row[0], Entry(*row[1:])) for row in rows]


def breaks(chain: Iterable[Entry]) -> Iterator[Break]:
    """Every place where the chain does not hold; none for a whole one."""
    previous, expected = GENESIS, 1
    for entry in chain:
        if entry.seq != expected:
            yield Break(entry.seq, f"entry {expected} is missing before it")
        elif chained(previous, entry.body) != entry.hash:
            yield Break(entry.seq, "its text, its hash or the entry before it was changed")
        else:
            yield from disagreements(entry)
        previous, expected = entry.hash, entry.seq + 1


def disagreements(entry: Entry) -> Iterator[Break]:
    """Where the columns of an entry do not say what its body says."""
    told = facts(entry)
    if told.get("seq") != entry.seq or told.get("session") != entry.session:
        yield Break(entry.seq, "its row and its text disagree")


def facts(entry: Entry) -> dict[str, Any]:
    """What the entry tells; empty for a text that is no JSON object."""
    try:
        told = json.loads(entry.body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
