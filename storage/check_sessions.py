"""One session or camera check of an archive, verified: row, manifest, signature, ledger, files.

Reads only; each is looked at in one state of the database. Knows no front door and no order of
checking: that is `check_archive.py`'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from sqlite_utils import Database

from storage import (
    adopting,
    amendment_rows,
    camera_checks,
    catalogue,
    check,
    check_rows,
    files,
    ledger,
    rows,
    schema,
)
from storage.adopting import Sealed
from storage.check import Meter
from storage.errors import Refused, UnknownSession
from storage.later import Change
from storage.ledger import LedgerEvent
from storage.problem import Problem
from storage.raw_scan import spelled
from storage.records import Session, Status

DATABASE = schema.DATABASE
Known = Mapping[str, bytes]
"""The public bytes of the archive's keys, by their ids."""


def session_problems(
    db: Database, root: Path, session_id: str, meter: Meter, known: Known
) -> Iterator[Problem]:
    """What is wrong with one session. One that is open is at work: only its rows are compared."""
    in_row = f"the row of session {session_id}"
    db.execute("BEGIN")  # one state of the database for all that is compared
    try:
        row = rows.session_row(db, session_id)
        session = rows.one(db, session_id)
        told = [ledger.facts(entry) for _, entry in ledger.excerpt(db, session_id)]
        deleted = bool(amendment_rows.standing(db, session_id, Change.DELETED))
        # The row of an open session tells what it had when it was opened.
        as_it_is = catalogue.stands_in(db) or session.status is Status.OPEN
        listed = as_it_is or catalogue.is_right(db, session_id)
    except UnknownSession:
        yield Problem(DATABASE, f"session {session_id} is not in it")
        return
    except (ValueError, TypeError, KeyError) as error:
        yield Problem(DATABASE, f"{in_row} cannot be understood: {error}")
        return
    finally:
        db.rollback()
    if not listed:
        yield Problem(DATABASE, f"session {session_id} is not in the catalogue as it is: rebuild")
    if not files.ULID_FORM.fullmatch(session_id) or row["folder"] != files.session_folder(
        session_id, session.opened_at
    ):
        yield Problem(DATABASE, f"{in_row} was changed: it names another folder")
        return
    if row.get("raw_hex") is not None and row["raw_scan"] != spelled(session.waybill.raw):
        yield Problem(DATABASE, f"{in_row} was changed: raw_scan and raw_hex tell different scans")
        return
    if row["number_reversed"] != session.waybill.number[::-1]:
        yield Problem(DATABASE, f"{in_row} was changed: the number's reverse is another")
    shown, folder = row["folder"], root / row["folder"]
    media = rows.media_of(session)
    for item in media:
        if str(PurePosixPath(item.path).parent) != shown:
            yield Problem(DATABASE, f"{in_row} was changed: {item.path!r} is not its file")
    yield from _ledger_problems(session, row["manifest_sha256"], told)
    mine = [files.MANIFEST, files.SIGNATURE]
    if deleted:
        yield from _deleted_problems(media, folder, shown)
        mine += [PurePosixPath(item.path).name for item in media]
        media = ()
    if session.status is Status.OPEN:
        for problem in check.folder_problems(media, mine, folder, shown, meter):
            if not problem.what.startswith("does not belong"):
                yield problem
        return
    yield from check.folder_problems(media, mine, folder, shown, meter)
    yield from _manifest_problems(db, session, row["manifest_sha256"], told, known, shown, root)


def _deleted_problems(media: tuple[Any, ...], folder: Path, shown: str) -> Iterator[Problem]:
    """Files that policy has deleted, and that are there."""
    for item in media:
        name = PurePosixPath(item.path).name
        if files.plain_name(name) and (folder / name).exists():
            yield Problem(f"{shown}/{name}", "was deleted by policy, and is there")


def _ledger_problems(
    session: Session, manifest_sha256: str | None, told: list[dict[str, Any]]
) -> Iterator[Problem]:
    """What the ledger should tell of a session, and does not."""
    events = Counter(str(facts.get("event")) for facts in told)
    name = f"session {session.id}"
    if events[LedgerEvent.OPENED] != 1:
        yield Problem(DATABASE, f"{name}: the ledger does not tell once that it was opened")
    ends = [facts for facts in told if facts.get("event") in ledger.END_EVENTS.values()]
    if session.status is Status.OPEN:
        if ends:
            yield Problem(DATABASE, f"{name} is open in its row, ended in the ledger")
    elif len(ends) != 1 or ends[0]["event"] != ledger.END_EVENTS[session.status]:
        yield Problem(DATABASE, f"{name} is {session.status} in its row, not so in the ledger")
    elif ends[0].get("manifest_sha256") != manifest_sha256:
        yield Problem(DATABASE, f"{name}: row and ledger name different manifests")


def _manifest_problems(
    db: Database,
    session: Session,
    manifest_sha256: str | None,
    told: list[dict[str, Any]],
    known: Known,
    shown: str,
    root: Path,
) -> Iterator[Problem]:
    at = f"{shown}/{files.MANIFEST}"
    path = root / at
    content = check.sealed_content(path, manifest_sha256, at)
    if isinstance(content, Problem):
        yield content
        return
    key = _key_told(db, told, tuple(ledger.END_EVENTS.values()))
    yield from check.signature_problems(path, content, key, known, at)
    read = check.parsed_manifest(content, at)
    if isinstance(read, Problem):
        yield read
        return
    sealed = Sealed(shown, read[1], str(manifest_sha256), key or "")
    try:
        changed = check_rows.differences(
            db, "sessions", session.id, lambda scratch: adopting.add(scratch, sealed)
        )
    except (ValueError, Refused):
        yield Problem(at, "is no manifest of a session")
        return
    opened = next((facts for facts in told if facts.get("event") == LedgerEvent.OPENED), {})
    if _is_before_keys(db, opened) and session.waybill == read[1].waybill:
        # The row of a session that an older version opened keeps the scan as it had it then.
        changed = [each for each in changed if each not in ("raw_scan", "raw_hex")]
    if changed:
        yield Problem(
            DATABASE, f"the row of session {session.id} was changed: {', '.join(changed)}"
        )


def _key_told(
    db: Database, told: list[dict[str, Any]], ends: tuple[LedgerEvent, ...]
) -> str | None:
    """The id of the key by which the ledger says it was signed, '' where it names none; None for
    what was sealed before there was a key."""
    end = next((facts for facts in told if facts.get("event") in ends), {})
    if "key" in end:
        return str(end["key"])
    return None if _is_before_keys(db, end) or end.get("rebuilt") is True else ""


def _is_before_keys(db: Database, told: dict[str, Any]) -> bool:
    """True for an entry of a version that had no keys."""
    sql = f"SELECT min(seq) FROM ledger WHERE {ledger.KEY_IDS}"  # noqa: S608
    (first,) = db.execute(sql).fetchone()
    seq = told.get("seq")
    return first is None or (isinstance(seq, int) and seq < first)


def camera_check_problems(
    db: Database, root: Path, check_id: str, meter: Meter, known: Known
) -> Iterator[Problem]:
    """What is wrong with one filed camera check."""
    in_row = f"the row of camera check {check_id}"
    db.execute("BEGIN")  # one state of the database for all that is compared
    try:
        row = rows.check_of(db, check_id)
        checks = rows.cameras_of(db, check_id)
        told = [ledger.facts(entry) for _, entry in ledger.excerpt(db, check_id)]
        shown = camera_checks.folder_of(check_id)
    except (ValueError, TypeError, KeyError, Refused) as error:
        yield Problem(DATABASE, f"{in_row} cannot be understood: {error}")
        return
    finally:
        db.rollback()
    if row is None or row["folder"] != shown:
        yield Problem(DATABASE, f"{in_row} was changed: it names another folder")
        return
    folder, pictures = root / shown, check.pictures_of(checks)
    begun = [facts for facts in told if facts.get("event") == LedgerEvent.CHECK_BEGUN]
    ends = [facts for facts in told if facts.get("event") == LedgerEvent.CAMERAS_CHECKED]
    if len(begun) != 1 or len(ends) != 1:
        yield Problem(DATABASE, f"camera check {check_id}: the ledger does not tell of it once")
    elif ends[0].get("manifest_sha256") != row["manifest_sha256"]:
        yield Problem(DATABASE, f"camera check {check_id}: row and ledger name different manifests")
    mine = (files.CHECK_MANIFEST, files.CHECK_SIGNATURE)
    yield from check.folder_problems(pictures, mine, folder, shown, meter, "camera check")
    at, path = f"{shown}/{files.CHECK_MANIFEST}", folder / files.CHECK_MANIFEST
    content = check.sealed_content(path, row["manifest_sha256"], at)
    if isinstance(content, Problem):
        yield content
        return
    key = _key_told(db, told, (LedgerEvent.CAMERAS_CHECKED,))
    yield from check.signature_problems(path, content, key, known, at)
    read = check.parsed_check(content, at)
    if isinstance(read, Problem):
        yield read
        return
    sealed = Sealed(shown, read[1], row["manifest_sha256"], key or "")
    try:
        changed = check_rows.differences(
            db, "checks", check_id, lambda scratch: adopting.add(scratch, sealed)
        )
    except (ValueError, TypeError, AttributeError, IndexError):
        yield Problem(at, "is no manifest of a camera check")
        return
    if changed:
        yield Problem(DATABASE, f"{in_row} was changed: {', '.join(changed)}")
