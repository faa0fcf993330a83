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
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from sqlite_utils import Database

from storage.keys import Signer, holds, key_id
from storage.records import Status, utc_text
from storage.transaction import immediate

GENESIS = "0" * 64
HEAD_FORM = re.compile(r"(0|[1-9][0-9]{0,17}):([0-9a-f]{64})", re.ASCII)
KEY_BYTES = 32
KEY_IDS = "length(session_id) = 16"
"""What finds the entries of keys, through an index: a key's id is shorter than any other."""


class LedgerEvent(StrEnum):
    """What an entry tells. SEALED, CANCELLED and INTERRUPTED are the ends of a session,
    CAMERAS_CHECKED is the end of a camera check."""

    CREATED = "created"
    OPENED = "opened"
    BOUND = "bound"
    """A session that was opened for an order has its label: the tracking number counts."""
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
    SITE_KEYS_CHANGED = "site_keys_changed"


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
class Head:
    """The newest entry of a ledger, which stands for all before it. As text `seq:hash`."""

    seq: int
    hash: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The head that `str` wrote. Raises ValueError."""
        match = HEAD_FORM.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text[:80]!r} is no head of a ledger (number:hash)")
        return cls(int(match[1]), match[2])

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A key that the ledger was told of: from the entry `seq` on it may sign. `endorsed_by` is the
    key before it that signed it, '' for the first one and for one that nothing speaks for."""

    seq: int
    at: str
    key: str
    public: bytes
    endorsed_by: str


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
    last = head(db)
    told = {
        "seq": last.seq + 1,
        "at": utc_text(at),
        "event": event.value,
        "session": session,
        **facts,
    }
    body = json.dumps(told, separators=(",", ":"))
    entry = Entry(last.seq + 1, session, body, chained(last.hash, body))
    db.execute(
        "INSERT INTO ledger (seq, session_id, body, hash) VALUES (?, ?, ?, ?)",
        [entry.seq, entry.session, entry.body, entry.hash],
    )
    return entry


def head(db: Database) -> Head:
    """The newest entry's number and hash; 0 and zeros for an empty ledger."""
    row = db.execute("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1").fetchone()
    return Head(*row) if row else Head(0, GENESIS)


def hash_at(db: Database, seq: int) -> str | None:
    """The hash of an entry, that of the start for 0; None where there is no such entry."""
    if seq == 0:
        return GENESIS
    row = db.execute("SELECT hash FROM ledger WHERE seq = ?", [seq]).fetchone()
    return None if row is None else str(row[0])


def replay(db: Database, bodies: Iterable[str]) -> int:
    """Append entries that were told before, with the very bytes they had; how many they were.

    Part of the caller's transaction. Raises ValueError for a body that does not come next.
    """
    last, count = head(db), 0
    for body in bodies:
        told = facts(Entry(last.seq + 1, None, body, ""))
        if told.get("seq") != last.seq + 1:
            raise ValueError(f"entry {last.seq + 1} does not come next")
        last = Head(last.seq + 1, chained(last.hash, body))
        db.execute(
            "INSERT INTO ledger (seq, session_id, body, hash) VALUES (?, ?, ?, ?)",
            [last.seq, told.get("session"), body, last.hash],
        )
        count += 1
    return count


# ---------------------------------------------------------------------------- keys


def introduce(db: Database, signer: Signer, now: dt.datetime, others: Iterable[Signer]) -> None:
    """Tell the ledger of a key that is new to it; such an entry is found by the key's id.

    When one of the `others` is the key that was told of last, it endorses the new one.
    """
    changes = key_changes(db)
    if any(change.key == signer.id for change in changes):
        return
    told = {"public": signer.public.hex()}
    before = next((each for each in others if changes and each.id == changes[-1].key), None)
    if before is not None:
        told["endorsed_by"] = before.id
        told["endorsement"] = before.sign(endorsed(signer.public)).hex()
    with immediate(db):
        append(db, LedgerEvent.KEY_CHANGED, now, signer.id, **told)


def endorsed(public: bytes) -> bytes:
    """What a key signs to say that the key with these public bytes comes after it."""
    return f"packwitness key {public.hex()}".encode()


def key_changes(db: Database) -> list[KeyChange]:
    """Each key that the ledger tells of, oldest first."""
    found = db.execute(f"SELECT seq, body FROM ledger WHERE {KEY_IDS} ORDER BY +seq")  # noqa: S608
    return keys_told(Entry(seq, None, body, "") for seq, body in found)


def keys_told(chain: Iterable[Entry]) -> list[KeyChange]:
    """Each key that these entries tell of, in their order, once."""
    changes: dict[str, KeyChange] = {}
    for entry in chain:
        told = facts(entry)
        if told.get("event") != LedgerEvent.KEY_CHANGED:
            continue
        try:
            public = bytes.fromhex(told["public"])
            before = changes.get(str(told.get("endorsed_by")))
            sure = before is not None and holds(
                before.public, endorsed(public), bytes.fromhex(str(told.get("endorsement")))
            )
            at, key = str(told["at"]), str(told["session"])
        except (KeyError, TypeError, ValueError):
            continue
        if len(public) == KEY_BYTES and key == key_id(public) and key not in changes:
            by = before.key if before is not None and sure else ""
            changes[key] = KeyChange(entry.seq, at, key, public, by)
    return list(changes.values())


def key_to_json(change: KeyChange) -> dict[str, str]:
    """A key as an evidence package tells of it."""
    return {
        "key": change.key,
        "public": change.public.hex(),
        "known_since": change.at,
        "endorsed_by": change.endorsed_by,
    }


def known_keys(db: Database) -> dict[str, bytes]:
    """The public bytes of each key that the ledger tells of, by its id."""
    return {change.key: change.public for change in key_changes(db)}


# ---------------------------------------------------------------------------- reading


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
            told = facts(entry).get("seq", entry.seq)
            moved = f"holds what was entry {str(told)[:20]}" if told != entry.seq else ""
            yield Break(entry.seq, moved or "its text, its hash or the entry before it was changed")
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
