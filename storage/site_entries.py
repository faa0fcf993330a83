"""What the ledger is told of the site's keys: whose root and which signer, each time they change.

An entry is found like one of the archive's own key, by an id of 16 digits: here the beginning of
the root's fingerprint.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from sqlite_utils import Database

from storage import ledger, people, rows, site_folder
from storage.errors import SiteKeysUnusable
from storage.evidence.signing import chain
from storage.later import Actor, Right
from storage.ledger import Entry, LedgerEvent
from storage.records import utc_text
from storage.site_keys import fingerprint, grouped
from storage.transaction import immediate

FOUND = "found"
"""How keys came of which nobody said how: they were made at the first export, or put there."""
ID_CHARS = 16


def tell(
    db: Database,
    actor: Actor,
    certificates: Sequence[x509.Certificate],
    what: str,
    now: dt.datetime,
) -> bool:
    """True when the ledger was told of this signer (first) and root (last): it did not know them,
    or is told in any case how (`what`) they came. Raises NotAllowed."""
    signer, root = certificates[0], certificates[-1]
    facts = {
        "root": fingerprint(root),
        "site": rows.storable(chain.named(root)),
        "signer": fingerprint(signer),
        "subject": rows.storable(signer.subject.rfc4514_string()),
        "valid_until": utc_text(signer.not_valid_after_utc),
    }
    with immediate(db):
        people.require(db, actor, Right.EXPORT)
        last = newest(db)
        if not what and (last.get("root"), last.get("signer")) == (facts["root"], facts["signer"]):
            return False
        ledger.append(
            db,
            LedgerEvent.SITE_KEYS_CHANGED,
            now,
            facts["root"][:ID_CHARS],
            what=what or FOUND,
            **facts,
            by=rows.storable(actor.name),
            role=actor.role.value,
        )
    return True


def require_there(db: Database, archive_root: Path) -> None:
    """Raises SiteKeysUnusable where the ledger tells of keys that are gone: new ones, which would
    be made by themselves, would be taken for somebody else's."""
    last = newest(db)
    if last and site_folder.read(archive_root) is None:
        known = f"{last.get('site')}, {grouped(str(last.get('root')))}"
        raise SiteKeysUnusable(
            site_folder.folder_of(archive_root),
            f"they are gone; the ledger knows them as {known}",
            "Put that folder back from a backup, or make new ones, whose fingerprint has to be "
            "published again: `packwitness keys make`",
        )


def newest(db: Database) -> dict[str, Any]:
    """What the ledger was told last of the site's keys; empty for nothing."""
    sql = f"SELECT seq, body FROM ledger WHERE {ledger.KEY_IDS} ORDER BY +seq DESC"  # noqa: S608
    for seq, body in db.execute(sql):
        told = ledger.facts(Entry(seq, None, body, ""))
        if told.get("event") == LedgerEvent.SITE_KEYS_CHANGED:
            return told
    return {}
