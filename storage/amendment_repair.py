"""What a crash, or a database put back from a backup, left of amendments: taken in, or set aside.

Runs on the writer's thread, at start and when a database is made anew. An amendment whose signed
file is whole was only not told to anybody: it counts. May itself be killed at any point and run
again.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from pathlib import Path

from sqlite_utils import Database

from storage import amendment_rows, files, keys, ledger, sealing, signed
from storage.amending import acknowledge, alone, manifest_bytes
from storage.errors import ArchiveBusy, Refused
from storage.keys import Signer
from storage.later import Amendment, amendment_from_json
from storage.ledger import LedgerEvent
from storage.transaction import immediate

log = logging.getLogger(__name__)

SWEPT = "swept_amendments"
LIMIT_BYTES = 1 << 20
"""No amendment comes near this: a bigger file is a trap for memory."""
NAMES = (
    files.AMENDMENT_MANIFEST,
    signed.signature_path(Path(files.AMENDMENT_MANIFEST)).name,
)


def recover(db: Database, root: Path, now: dt.datetime, signer: Signer) -> list[Amendment]:
    """The amendments that were taken in; what else lies below `amendments/` without a row is set
    aside, which the ledger tells.

    Looks at the days since the last time only; a database from a backup has an old last time. Does
    nothing while another program files one. Raises OSError, sqlite3.Error.
    """
    row = db.execute("SELECT value FROM meta WHERE key = ?", [SWEPT]).fetchone()
    since = row[0] if row else ""
    taken: list[Amendment] = []
    try:
        with alone(root, timeout_s=0):
            known = {**ledger.known_keys(db), signer.id: signer.public}
            for day in sorted((root / files.AMENDMENTS).glob("*/*/*")):
                if "/".join(day.parts[-3:]) >= since and day.is_dir():
                    for folder in sorted(day.iterdir()):
                        taken += _repaired(db, root, folder, now, known)
    except ArchiveBusy as error:
        log.info("amendments are looked through at the next start: %s", error)
        return []
    until = (now - dt.timedelta(days=2)).strftime("%Y/%m/%d")
    with immediate(db):
        db.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [SWEPT, max(since, until)],
        )
    return taken


def _repaired(
    db: Database, root: Path, folder: Path, now: dt.datetime, known: dict[str, bytes]
) -> list[Amendment]:
    plain = folder.is_dir() and not folder.is_symlink()
    if plain and amendment_rows.known(db, folder.name):
        for path in sorted(folder.iterdir()):
            if path.name not in NAMES:
                _set_aside(db, root, path, now)
        return []
    found = intended(root, folder, known) if plain else None
    if found is None:
        left = sorted(folder.iterdir()) if plain else [folder]
        # Signature first, manifest second: without a whole manifest nothing was said yet.
        if plain and all(_is_torn(path) for path in left):
            for path in left:
                path.unlink()
            folder.rmdir()
        else:
            _set_aside(db, root, folder, now)
        return []
    amendment, key = found
    for path in sorted(folder.iterdir()):
        if path.name not in NAMES:
            _set_aside(db, root, path, now)
    acknowledge(db, root, amendment, LedgerEvent.ADOPTED, now, key)
    return [amendment]


def _is_torn(path: Path) -> bool:
    """True for what is left of an amendment whose manifest was never whole."""
    torn = (NAMES[1], *(name + files.PART for name in NAMES))
    return path.is_file() and not path.is_symlink() and path.name in torn


def intended(root: Path, folder: Path, known: dict[str, bytes]) -> tuple[Amendment, str] | None:
    """The amendment whose whole, signed file lies in the folder, and the id of the key that it is
    signed with; None for anything else. `known` are the public bytes of the keys that count."""
    manifest = folder / files.AMENDMENT_MANIFEST
    try:
        if manifest.is_symlink() or manifest.stat().st_size > LIMIT_BYTES:
            return None
        content = manifest.read_bytes()
        signature = signed.signature_path(manifest).read_bytes()[: signed.SIGNATURE_BYTES + 1]
        amendment = amendment_from_json(json.loads(content))
        at = files.dated_folder(files.AMENDMENTS, amendment.id, amendment.at)
        whole = folder == root / at and content == manifest_bytes(amendment)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, Refused):
        return None
    signers = (key for key, public in known.items() if keys.holds(public, content, signature))
    key = next(signers, None) if whole else None
    return None if key is None else (amendment, key)


def _set_aside(db: Database, root: Path, path: Path, now: dt.datetime) -> None:
    if path.name.endswith(files.PART) and path.is_file() and not path.is_symlink():
        path.unlink()
        return
    written = files.measure(path) if path.is_file() and not path.is_symlink() else None
    with immediate(db):
        sealing.tell_set_aside(db, root, None, path, written, now)
    files.set_aside(root, path, path.parent.name)
