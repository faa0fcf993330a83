"""The archive's key is made once, kept to itself, and every other one is told of."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from storage import checkpoints, keys, ledger, schema
from storage.archive import Archive
from storage.errors import KeyUnusable
from storage.keys import signer_of
from storage.ledger import Entry, KeyChange
from tests.storage.desk import Desk


def known(root: Path) -> list[KeyChange]:
    """The keys that the ledger tells of."""
    with Archive.open(root, read_only=True) as archive:
        return archive.key_changes()


def test_a_new_archive_has_a_key_that_only_its_owner_reads(desk: Desk, root: Path) -> None:
    path = root / "keys" / "bench.key"
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
    (change,) = known(root)
    signer = signer_of(root)
    assert (change.key, change.public, change.endorsed_by) == (signer.id, signer.public, "")
    assert (root / "keys" / "bench.pub").read_bytes() == keys.pem(signer.public)
    with Archive.open(root):
        pass
    assert known(root) == [change]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_openssl_agrees_with_every_signature(desk: Desk, root: Path) -> None:
    desk.check()
    desk.pack()
    desk.archive.checkpoint().result()
    signatures = sorted(root.rglob("*.sig"))
    assert len(signatures) == 3
    for signature in signatures:
        subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(root / "keys" / "bench.pub"),
             "-rawin", "-in", str(signature.with_suffix(".json")), "-sigfile", str(signature)],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip


def test_a_key_that_was_lost_is_replaced_and_told_without_endorsement(
    desk: Desk, root: Path
) -> None:
    desk.pack()
    desk.archive.close()
    (root / "keys" / "bench.key").unlink()
    with Archive.open(root) as archive:
        Desk(archive, desk.now).pack(pass_no=2)
        archive.checkpoint().result()
    first, second = known(root)
    assert (first.endorsed_by, second.endorsed_by) == ("", "")
    assert second.key == signer_of(root).id != first.key
    db = schema.connect(root / schema.DATABASE, read_only=True)
    assert list(checkpoints.problems(db, root)) == []
    db.close()


def test_a_former_key_that_is_still_there_endorses_the_new_one(desk: Desk, root: Path) -> None:
    desk.archive.close()
    (root / "keys" / "bench.key").rename(root / "keys" / "until-2026.key")
    (root / "keys" / "broken.key").write_text("no key")
    with Archive.open(root):
        pass
    first, second = known(root)
    assert second.endorsed_by == first.key
    db = schema.connect(root / schema.DATABASE)
    body = db.execute("SELECT body FROM ledger WHERE session_id = ?", [second.key]).fetchone()[0]
    chain = list(ledger.entries(db))
    db.close()
    assert [change.key for change in ledger.keys_told(chain)] == [first.key, second.key]
    other = keys.signer_of(root / "elsewhere")
    forged = body.replace(second.public.hex(), other.public.hex()).replace(second.key, other.id)
    told = ledger.keys_told([*chain, Entry(99, other.id, forged, "")])
    assert [change.endorsed_by for change in told] == ["", first.key, ""]


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        '{"event":"key_changed"}',
        '{"event":"key_changed","at":"x","session":"y","public":"zz"}',
        '{"event":"key_changed","at":"x","session":"y","public":"00"}',
        '{"event":"key_changed","at":"x","session":"6e340b9cffb37a98","public":"00"}',
        '{"event":"key_changed","at":"x","session":[],"public":7}',
        "[]",
        "no json",
    ],
)
def test_an_entry_that_tells_of_no_key_is_none(body: str) -> None:
    assert ledger.keys_told([Entry(1, None, body, "")]) == []


@pytest.mark.parametrize("content", [b"", b"no key", keys.pem(bytes(32))])
def test_a_key_that_cannot_be_used_says_what_to_do(desk: Desk, root: Path, content: bytes) -> None:
    desk.archive.close()
    (root / "keys" / "bench.key").write_bytes(content)
    with pytest.raises(KeyUnusable, match="backup"):
        Archive.open(root)


def test_keys_are_found_without_reading_the_ledger(desk: Desk, root: Path) -> None:
    db = schema.connect(root / schema.DATABASE, read_only=True)
    sql = f"EXPLAIN QUERY PLAN SELECT body FROM ledger WHERE {ledger.KEY_IDS} ORDER BY +seq"  # noqa: S608
    plan = str(db.execute(sql).fetchall())
    db.close()
    assert "ledger_of_keys" in plan
