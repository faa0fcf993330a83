"""What comes from outside: documents, filed byte for byte as they came, and orders.

Part of `archive.py`, and the repair of what a crash left of them. How one is filed is
`document_filing.py`'s; what a later amendment says of it (`Archive.refile`) shows in every answer,
and the row stays as it was filed.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from pathlib import Path

from sqlite_utils import Database

from storage import (
    amending,
    document_rows,
    files,
    keys,
    ledger,
    mapping_rows,
    order_filing,
    order_rows,
    people,
    rows,
    sealing,
    signed,
)
from storage.document_filing import Arrival, acknowledge, alone, file, short
from storage.errors import ArchiveBusy, Refused, UnknownDocument
from storage.intake.orders import NUMBER_FORM
from storage.keys import Signer
from storage.later import (
    Actor,
    Amendment,
    Change,
    Document,
    EvidenceGroup,
    Right,
    document_from_json,
)
from storage.ledger import LedgerEvent
from storage.order import Order
from storage.order_filing import Filed
from storage.reads import Readers
from storage.transaction import immediate
from storage.writing import Writing

log = logging.getLogger(__name__)

SWEPT = "swept_documents"
TEXT_CHARS = 2_000
MANIFESTS = (files.DOCUMENT_MANIFEST, signed.signature_path(Path(files.DOCUMENT_MANIFEST)).name)


class Documents(Writing):
    """Part of `Archive`."""

    _readers: Readers

    def file_document(
        self,
        actor: Actor,
        source: Path,
        number: str,
        group: EvidenceGroup,
        *,
        source_name: str = "",
        how: str = "person",
        way: str = "by hand",
    ) -> Future[Document]:
        """File a copy of `source` under a tracking number; the document, durable.

        `source_name` is what it is called outside (its own name, where not given). The source stays
        where it is. The same content for the same number is filed once. Fails with NotAllowed,
        Refused (no plain file, or it changes meanwhile), ArchiveBusy, ArchiveFull.
        """
        arrival = Arrival(source, number, group, source_name or source.name, way, how)
        return self._submit(
            lambda db: file(db, self.root, arrival, actor, self._clock(), self.signer),
            "filing a document",
        )

    def refile(
        self, actor: Actor, document: str, number: str, group: EvidenceGroup, reason: str
    ) -> Future[Amendment]:
        """Say that the document with this id belongs to another number or group.

        Fails with NotAllowed, UnknownDocument, Refused (no number, no reason, nothing new).
        """

        def refile(db: Database) -> Amendment:
            people.require(db, actor, Right.FILE)
            wanted, text = rows.search_key(number), short(reason.strip(), TEXT_CHARS)
            if not NUMBER_FORM.fullmatch(wanted) or not text:
                raise Refused("a document is filed anew under a tracking number, with a reason")
            known = document_rows.one(db, document)
            if known is None:
                raise UnknownDocument(document)
            if (known.number, known.group) == (wanted, group):
                raise Refused(f"document {document} is filed like this already")
            now = self._clock()
            amendment = Amendment(
                id=amending.next_id(db, document, now),
                subject=document,
                change=Change.REFILED,
                at=now,
                by=actor.name,
                role=actor.role,
                text=text,
                number=wanted,
                group=group,
            )
            return amending.file_amendment(db, self.root, self.signer, amendment)

        return self._submit(refile, "filing a document anew")

    def file_orders(self, orders: Iterable[Order]) -> Future[Filed]:
        """Link orders to tracking numbers, with what is known of each, all or nothing; what of it
        was new. Raises Refused for an empty order id or number."""
        wanted = order_rows.storable(orders)
        return self._submit(lambda db: order_filing.file_orders(db, wanted), "filing orders")

    def would_file_orders(self, orders: Iterable[Order]) -> Filed:
        """What `file_orders` would find new; nothing is written."""
        with self._readers.lent() as db:
            return order_filing.would_file(db, order_rows.storable(orders))

    def column_mapping(self, key: str) -> dict[str, str] | None:
        """Which column means what (headings by field) in files with the header of this key, as it
        was kept; None where nobody kept it."""
        with self._readers.lent() as db:
            return mapping_rows.of(db, key)

    def keep_column_mapping(self, key: str, columns: Mapping[str, str]) -> Future[None]:
        """Keep which column means what, for the next file with the header of this key."""
        return self._submit(lambda db: mapping_rows.keep(db, key, columns), "keeping a mapping")

    def forget_column_mapping(self, key: str) -> Future[bool]:
        """Keep it no longer; False where there was none."""
        return self._submit(lambda db: mapping_rows.forget(db, key), "forgetting a mapping")

    def link_orders(self, pairs: Iterable[tuple[str, str]]) -> Future[Filed]:
        """`file_orders` for order ids and tracking numbers of which nothing else is known."""
        return self.file_orders(Order(order, (number,)) for order, number in pairs)

    def numbers_known(self, text: str) -> list[str]:
        """The tracking numbers that `text` means exactly: itself, the right one of a session that
        was bound to it by mistake, or those of the order with this id."""
        with self._readers.lent() as db:
            return document_rows.numbers_known(db, rows.search_key(text))

    def documents_of(self, number: str) -> list[tuple[Document, str, EvidenceGroup]]:
        """The documents that belong to the tracking number now, oldest first: each as it was filed,
        with the number and the group that count today."""
        with self._readers.lent() as db:
            found = document_rows.of_number(db, rows.search_key(number))
        return [(each.document, each.number, each.group) for each in found]

    def document(self, document: str) -> tuple[Document, str, EvidenceGroup] | None:
        """The document with this id, as it was filed, with the number and the group that count
        today; None for an unknown one."""
        with self._readers.lent() as db:
            found = document_rows.one(db, document)
        return None if found is None else (found.document, found.number, found.group)


# ---------------------------------------------------------------------------- repair


def recover(db: Database, root: Path, now: dt.datetime, signer: Signer) -> list[Document]:
    """Finish or set aside what a crash left below `documents/`; the documents that were taken in.

    Looks at the days since the last time only, and at those of a database that was put back from a
    backup: its own last time is as old. Does nothing while another program files a document.
    Raises OSError, sqlite3.Error.
    """
    row = db.execute("SELECT value FROM meta WHERE key = ?", [SWEPT]).fetchone()
    since = row[0] if row else ""
    taken: list[Document] = []
    try:
        with alone(root, timeout_s=0):
            for day in sorted((root / files.DOCUMENTS).glob("*/*/*")):
                if "/".join(day.parts[-3:]) >= since and day.is_dir():
                    for folder in sorted(day.iterdir()):
                        taken += _repaired(db, root, folder, now, signer)
    except ArchiveBusy as error:
        log.info("documents are looked through at the next start: %s", error)
        return []
    until = (now - dt.timedelta(days=2)).strftime("%Y/%m/%d")
    with immediate(db):
        db.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [SWEPT, max(since, until)],
        )
    return taken


def _repaired(
    db: Database, root: Path, folder: Path, now: dt.datetime, signer: Signer
) -> list[Document]:
    """The document of a folder without a row, when all of it is there; whatever else is not known
    to the rows is set aside, which the ledger tells."""
    known = document_rows.one(db, folder.name)
    if known is not None and Path(known.document.path).parent == folder.relative_to(root):
        mine = {*MANIFESTS, Path(known.document.path).name}
        for path in sorted(folder.iterdir()):
            if path.name not in mine:
                _set_aside(db, root, known.document.id, path, now)
        return []
    if not folder.is_dir() or folder.is_symlink():
        _set_aside(db, root, None, folder, now)
        return []
    left = sorted(folder.iterdir())
    if all(path.name.endswith(files.PART) and path.is_file() for path in left):
        # The copy was not whole, so nobody was told that it is filed: its source is still there.
        for path in left:
            path.unlink()
        folder.rmdir()
        return []
    found = intended(root, folder, {**ledger.known_keys(db), signer.id: signer.public})
    if found is None:
        _set_aside(db, root, None, folder, now)
        return []
    document, key = found
    for path in left:
        if path.name not in (*MANIFESTS, Path(document.path).name):
            _set_aside(db, root, document.id, path, now)
    acknowledge(db, root, document, LedgerEvent.ADOPTED, now, key)
    return [document]


def intended(root: Path, folder: Path, known: dict[str, bytes]) -> tuple[Document, str] | None:
    """The document whose folder this is, and the id of the key that signed it; None unless all of
    it is there, as it says, signed by one of the `known` keys (id to public bytes)."""
    manifest = folder / files.DOCUMENT_MANIFEST
    try:
        content = manifest.read_bytes()
        signature = signed.signature_path(manifest).read_bytes()
        document = document_from_json(json.loads(content))
        relative = files.dated_folder(files.DOCUMENTS, document.id, document.filed_at)
        path = root / document.path
        whole = (
            folder == root / relative
            and document.path == f"{relative}/{path.name}"
            and files.plain_name(path.name)
            and not path.is_symlink()
            and files.measure(path) == files.Written(document.size_bytes, document.sha256)
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, Refused):
        return None
    signers = (key for key, public in known.items() if keys.holds(public, content, signature))
    key = next(signers, None) if whole else None
    return None if key is None else (document, key)


def _set_aside(
    db: Database, root: Path, document: str | None, path: Path, now: dt.datetime
) -> None:
    if path.name.endswith(files.PART) and path.is_file() and not path.is_symlink():
        path.unlink()
        return
    written = files.measure(path) if path.is_file() and not path.is_symlink() else None
    with immediate(db):
        sealing.tell_set_aside(db, root, document, path, written, now)
    files.set_aside(root, path, path.parent.name if document is None else document)
