"""Checkpoints of the ledger: the bench's key signs its head, and copies of the entries lie beside.

Made on the writer's thread; each holds the entries since the one before it and is one row. What a
crash leaves of one is finished or removed; what tells of another ledger than the database stays,
because it is the proof that something was cut off or rewritten. Knows no session.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from sqlite_utils import Database

from storage import checkpoint_files as on_disk
from storage import disclosure_rows, files, ledger, merkle, signed, timestamps
from storage.checkpoint_files import Checkpoint
from storage.errors import LedgerBroken
from storage.keys import Signer
from storage.problem import Problem
from storage.records import utc_text
from storage.transaction import immediate

SEGMENT_ENTRIES = 10_000
"""So many entries at most in one checkpoint: the write lock is held for some 50 ms."""

DATABASE = "archive.db"
segments = on_disk.segments


def last_seq(db: Database) -> int:
    """The entry that the newest checkpoint stands for; 0 for none."""
    return int(db.execute("SELECT coalesce(max(seq), 0) FROM checkpoints").fetchone()[0])


def due(db: Database) -> int:
    """How many entries no checkpoint stands for."""
    return ledger.head(db).seq - last_seq(db)


def newest(db: Database, root: Path) -> Checkpoint | None:
    """The newest checkpoint as it was signed; None for none, and for one that does not hold."""
    found = on_disk.read_head(root, last_seq(db))
    return None if isinstance(found, Problem) else found


def make(db: Database, root: Path, signer: Signer, now: dt.datetime) -> Checkpoint | None:
    """A checkpoint of what follows the newest one, at most `SEGMENT_ENTRIES`; None for nothing.

    Raises LedgerBroken (nothing is signed that does not hold), OSError, sqlite3.Error.
    """
    with immediate(db):
        _tidy(db, root)
        first = last_seq(db) + 1
        until = min(ledger.head(db).seq, first + SEGMENT_ENTRIES - 1)
        if until < first:
            return None
        previous = ledger.hash_at(db, first - 1)
        if previous is None:
            raise LedgerBroken(first - 1, "is missing")
        taken = (on_disk.head_path(root, until), on_disk.segment_path(root, first, until))
        if any(path.exists() for path in taken):
            raise LedgerBroken(until, "is not the one that a checkpoint tells of")
        at, bodies = previous, list[str]()
        for entry in _between(db, first, until):
            at = ledger.chained(at, entry.body)
            if entry.seq != first + len(bodies) or at != entry.hash or "\n" in entry.body:
                raise LedgerBroken(entry.seq, "does not follow the one before it")
            bodies.append(entry.body)
        archive = db.execute("SELECT value FROM meta WHERE key = 'archive_id'").fetchone()[0]
        checkpoint = Checkpoint(
            seq=until,
            first_seq=first,
            previous=previous,
            hash=at,
            archive=str(archive),
            at=utc_text(now),
            key=signer.id,
            public=signer.public.hex(),
            tree=merkle.root([merkle.leaf(body.encode("utf-8")) for body in bodies]).hex(),
        )
        on_disk.write(root, checkpoint, bodies, signer)
        _enrol(db, root, checkpoint)
    return checkpoint


def _between(db: Database, first: int, until: int) -> Iterator[ledger.Entry]:
    sql = "SELECT seq, session_id, body, hash FROM ledger WHERE seq BETWEEN ? AND ? ORDER BY seq"
    for row in db.execute(sql, [first, until]):
        yield ledger.Entry(*row)


def _enrol(db: Database, root: Path, checkpoint: Checkpoint) -> None:
    stamp = on_disk.stamp_path(root, checkpoint.seq)
    there = stamp.is_file() and not stamp.is_symlink()
    db.execute(
        "INSERT INTO checkpoints (seq, first_seq, hash, at, key_id, stamped, stamp_sha256) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            checkpoint.seq,
            checkpoint.first_seq,
            checkpoint.hash,
            checkpoint.at,
            checkpoint.key,
            int(there),
            files.measure(stamp).sha256 if there else "",
        ],
    )


def unstamped(db: Database, limit: int) -> list[int]:
    """The checkpoints without a time stamp, oldest first."""
    sql = "SELECT seq FROM checkpoints WHERE stamped = 0 ORDER BY seq LIMIT ?"
    return [seq for (seq,) in db.execute(sql, [limit])]


def mark_stamped(db: Database, seq: int, stamp_sha256: str) -> None:
    """Say in the row that the time stamp is on the disk."""
    with immediate(db):
        db.execute(
            "UPDATE checkpoints SET stamped = 1, stamp_sha256 = ? WHERE seq = ?",
            [stamp_sha256, seq],
        )


# ---------------------------------------------------------------------------- start


def catch_up(db: Database, root: Path) -> int:
    """How many entries were taken back into the ledger; checkpoints without a row get theirs.

    For the start: a database that was put back from a backup lacks the newest entries, and the
    segments have them. Only what continues the ledger as it is comes back, so a new database
    with an empty ledger gets all of it. Raises OSError, sqlite3.Error.
    """
    newest_row = last_seq(db)
    if not on_disk.heads(root, newest_row) and not _unsigned(root, newest_row):
        return 0
    with immediate(db):
        count = 0
        for checkpoint in _unenrolled(db, root):
            at = ledger.head(db)
            if checkpoint.seq > at.seq and _joins(db, root, checkpoint):
                bodies = on_disk.bodies_of(root, checkpoint.first_seq, checkpoint.seq)
                skipped = at.seq - checkpoint.first_seq + 1
                count += ledger.replay(
                    db, (body for nr, body in enumerate(bodies) if nr >= skipped)
                )
        if count:
            disclosure_rows.follow(db)
        _tidy(db, root)
    return count


def _unenrolled(db: Database, root: Path) -> Iterator[Checkpoint]:
    """The checkpoints on the disk that are newer than the newest row, whole in themselves."""
    for seq in on_disk.heads(root, last_seq(db)):
        checkpoint = on_disk.read_head(root, seq)
        if isinstance(checkpoint, Checkpoint) and not on_disk.segment_problem(root, checkpoint):
            yield checkpoint


def _joins(db: Database, root: Path, checkpoint: Checkpoint) -> bool:
    """True when the segment holds the ledger's newest entry, or begins right after it, and is
    signed by a key that either of them tells of."""
    at = ledger.head(db)
    if checkpoint.first_seq > at.seq + 1:
        return False
    last, told = checkpoint.previous, []
    for seq, body in enumerate(
        on_disk.bodies_of(root, checkpoint.first_seq, checkpoint.seq), start=checkpoint.first_seq
    ):
        if seq - 1 == at.seq and last != at.hash:
            return False
        last = ledger.chained(last, body)
        if ledger.LedgerEvent.KEY_CHANGED in body:
            told.append(ledger.Entry(seq, None, body, last))
    known = {change.key for change in ledger.keys_told(told)} | ledger.known_keys(db).keys()
    return checkpoint.key in known


def _tidy(db: Database, root: Path) -> None:
    """Give rows to the checkpoints that lack one and continue the newest row, and remove what is
    left of one that was never signed; part of the caller's transaction."""
    known = ledger.known_keys(db)
    for checkpoint in _unenrolled(db, root):
        same = ledger.hash_at(db, checkpoint.seq) == checkpoint.hash
        if same and checkpoint.first_seq == last_seq(db) + 1 and checkpoint.key in known:
            _enrol(db, root, checkpoint)
    for path in _unsigned(root, last_seq(db)):
        if _is_ours(db, root, path):
            path.unlink()


def _unsigned(root: Path, after: int) -> list[Path]:
    """What a crash may have left of checkpoints newer than `after` whose head was not written."""
    left = []
    for name in on_disk.listed(root, after):
        half = name.endswith(files.PART)
        seq = on_disk.seq_of(name.removesuffix(files.PART))
        if seq and (half or not on_disk.head_path(root, seq).exists()):
            left.append(root / on_disk.FOLDER / name)
    return left


def _is_ours(db: Database, root: Path, path: Path) -> bool:
    """True when nothing is lost with a file that no head was written for: it was not whole, or says
    only what the ledger still says."""
    if path.name.endswith(files.PART):
        return path.is_file() and not path.is_symlink()
    segment = on_disk.SEGMENT_NAME.fullmatch(path.name)
    if segment is None:
        known = ledger.hash_at(db, on_disk.seq_of(path.name)) is not None
        return known and path.suffix == signed.SIGNATURE_ENDING
    first, until = int(segment[1]), int(segment[2])
    stored = (entry.body for entry in _between(db, first, until))
    try:
        return list(on_disk.bodies_of(root, first, until)) == list(stored)
    except (OSError, ValueError):
        return False


# ---------------------------------------------------------------------------- verifying


def problems(db: Database, root: Path, tsa_certificates: Path | None = None) -> Iterator[Problem]:
    """What does not hold between the ledger, the checkpoints' rows and their files.

    `db` must not be within a transaction: checkpoints may be made meanwhile. With a PEM file of
    `tsa_certificates` time stamps are verified by them, too. Raises OSError for a folder that
    cannot be listed, sqlite3.Error.
    """
    present = on_disk.listed(root)
    keys_then = {change.key: change for change in ledger.key_changes(db)}
    rows = db.execute(
        "SELECT seq, first_seq, hash, at, key_id, stamped, stamp_sha256 FROM checkpoints "
        "ORDER BY seq"
    ).fetchall()
    known, after, names = {row[0] for row in rows}, 0, set[str]()
    for seq, first, *_ in rows:
        names |= on_disk.names(first, seq)
        if first != after + 1:
            yield Problem(DATABASE, f"the checkpoint of entries {after + 1} to {first - 1} is gone")
        after = seq
    for row in rows:
        yield from _row_problems(db, root, row, keys_then, tsa_certificates)
    for name in present:
        if name not in names:
            yield from _unlisted(db, root, name, max(known, default=0))


def _row_problems(
    db: Database,
    root: Path,
    row: tuple[int, int, str, str, str, int, str],
    keys_then: Mapping[str, ledger.KeyChange],
    tsa_certificates: Path | None,
) -> Iterator[Problem]:
    """What does not hold of one checkpoint that has a row."""
    seq, first, hash_, at, key, stamped, stamp_sha256 = row
    checkpoint = on_disk.read_head(root, seq)
    if isinstance(checkpoint, Problem):
        yield checkpoint
        return
    told = (checkpoint.first_seq, checkpoint.hash, checkpoint.at, checkpoint.key)
    if told != (first, hash_, at, key):
        yield Problem(DATABASE, f"the row of checkpoint {seq} was changed")
    shown = on_disk.head_path(root, seq).relative_to(root).as_posix()
    change = keys_then.get(checkpoint.key)
    if change is None or change.public.hex() != checkpoint.public:
        yield Problem(shown, f"is signed by a key that the ledger does not know: {checkpoint.key}")
    elif change.seq > seq:
        yield Problem(shown, f"is signed by a key that came later: {checkpoint.key}")
    for nr, signed_hash in ((first - 1, checkpoint.previous), (seq, checkpoint.hash)):
        if (what := _other(db, ledger.Head(nr, signed_hash))) is not None:
            yield Problem(DATABASE, f"{what}, signed on {checkpoint.at} ({shown})")
            break
    if (damage := on_disk.segment_problem(root, checkpoint)) is not None:
        yield damage
    yield from _stamp_problems(root, checkpoint, stamped == 1, stamp_sha256, tsa_certificates)


def _stamp_problems(
    root: Path,
    checkpoint: Checkpoint,
    stamped: bool,
    stamp_sha256: str,
    tsa_certificates: Path | None,
) -> Iterator[Problem]:
    path = on_disk.stamp_path(root, checkpoint.seq)
    shown = path.relative_to(root).as_posix()
    try:
        stamp = on_disk.read_small(path, on_disk.STAMP_LIMIT_BYTES)
    except FileNotFoundError:
        if stamped:
            yield Problem(shown, "is missing")
        return
    except OSError as error:
        yield Problem(shown, f"cannot be read: {error.strerror}")
        return
    if stamped and hashlib.sha256(stamp).hexdigest() != stamp_sha256:
        yield Problem(shown, "was changed: its SHA-256 is not the one that came")
        return
    why = timestamps.fault(stamp, on_disk.head_bytes(checkpoint), tsa_certificates)
    if why:
        yield Problem(shown, why)


def _unlisted(db: Database, root: Path, name: str, newest_row: int) -> Iterator[Problem]:
    """What is wrong with a file that belongs to no row; nothing for one that is just being made."""
    seq, shown = on_disk.seq_of(name), f"{on_disk.FOLDER}/{name}"
    if name.endswith(files.PART) and on_disk.seq_of(name.removesuffix(files.PART)):
        return
    if seq <= newest_row:
        yield Problem(shown, "belongs to no checkpoint")
        return
    checkpoint = on_disk.read_head(root, seq)
    if isinstance(checkpoint, Checkpoint):
        # A newer one without a row is being made, or a crash left it: it must fit the ledger.
        if (what := _other(db, checkpoint.head)) is not None:
            yield Problem(shown, f"the archive's {what}")
    elif not _is_ours(db, root, root / shown) and (root / shown).exists():
        yield Problem(shown, "belongs to no checkpoint")


def against(db: Database, head: ledger.Head) -> Problem | None:
    """Why the ledger is not one that had this head once; None when it had."""
    what = _other(db, head)
    return None if what is None else Problem(DATABASE, f"{what} as it was noted elsewhere")


def _other(db: Database, head: ledger.Head) -> str | None:
    """How the ledger differs from one that has this head among its entries; None for not at all."""
    found = ledger.hash_at(db, head.seq)
    if found == head.hash:
        return None
    if found is None and head.seq > (last := ledger.head(db).seq):
        return f"ledger was cut short: it ends with entry {last}, there was an entry {head.seq}"
    if found is None:
        return f"ledger lacks entry {head.seq}"
    return f"ledger was rewritten at or before entry {head.seq}: its hash is not the one"
