"""What the tests of checkpoints share: how somebody meddles who owns the PC, and what shows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from storage import checkpoint_files, checkpoints, ledger, schema
from storage.checkpoint_files import head_path
from storage.keys import Signer
from storage.signed import signature_path


def faults(root: Path) -> list[str]:
    """What is found wrong with the checkpoints."""
    db = schema.connect(root / schema.DATABASE, read_only=True)
    try:
        return [f"{found.path} {found.what}" for found in checkpoints.problems(db, root)]
    finally:
        db.close()


@contextmanager
def unguarded(root: Path) -> Iterator[sqlite3.Connection]:
    """The database without the ledger's guards, as somebody has it who owns the PC."""
    db = sqlite3.connect(root / schema.DATABASE)
    sql = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'ledger'"
    guards = db.execute(sql).fetchall()
    for name, _ in guards:
        db.execute(f"DROP TRIGGER {name}")
    yield db
    for _, guard in guards:
        db.execute(guard)
    db.commit()
    db.close()


def meddle(root: Path, statement: str, *values: object) -> None:
    """Change the database behind the program's back."""
    with unguarded(root) as db:
        db.execute(statement, values)


def rechain(root: Path, change: Callable[[list[str]], list[str]]) -> None:
    """Rewrite the ledger so that its chain holds again."""
    with unguarded(root) as db:
        bodies = [body for (body,) in db.execute("SELECT body FROM ledger ORDER BY seq")]
        db.execute("DELETE FROM ledger")
        at = ledger.GENESIS
        for seq, body in enumerate(change(bodies), start=1):
            told = {**json.loads(body), "seq": seq}
            text = json.dumps(told, separators=(",", ":"))
            at = ledger.chained(at, text)
            row = [seq, told["session"], text, at]
            db.execute("INSERT INTO ledger VALUES (?, ?, ?, ?)", row)


def resign(root: Path, seq: int, signer: Signer, key: str = "") -> None:
    """Sign the head after an entry with another key, which may say that it is the key `key`."""
    path = head_path(root, seq)
    told = json.loads(path.read_bytes())
    told.update(key=key or signer.id, public=signer.public.hex())
    path.write_bytes(json.dumps(told, indent=1).encode() + b"\n")
    signature_path(path).write_bytes(signer.sign(path.read_bytes()))


def seqs(root: Path) -> list[int]:
    """The entries that have a signed head."""
    return checkpoint_files.heads(root)
