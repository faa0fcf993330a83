"""What leaves an archive, told in whatever way a test asks for."""

from __future__ import annotations

from pathlib import Path

from storage import ledger, schema
from storage.archive import Archive
from storage.disclosures import DisclosedFile, Disclosure
from storage.ledger import Entry, LedgerEvent
from storage.records import Session
from tests.storage.arrivals import ANN

FILE = DisclosedFile("data/x.mp4", 12, "a" * 64)


def leave(archive: Archive, *sessions: Session, **told: object) -> Disclosure:
    """Tell that these sessions leave, in whatever way is asked for."""
    facts = {"profile": "complete", "package": "p.zip", "digest": "d" * 64, "files": [FILE]} | told
    ids = [session.id for session in sessions]
    return archive.disclose(ANN, sessions=ids, **facts).result()  # type: ignore[arg-type]


def exports(root: Path) -> list[Entry]:
    """The ledger's entries that tell of exports."""
    db = schema.connect(root / schema.DATABASE, read_only=True)
    try:
        return [e for e in ledger.entries(db) if ledger.facts(e)["event"] == LedgerEvent.EXPORTED]
    finally:
        db.close()
