"""Checkpoints show a ledger that was cut short or rewritten, and give back what a database lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from storage import checkpoint_files, checkpoints, ledger, schema
from storage.archive import Archive
from storage.checkpoint_files import head_path, segment_path
from storage.errors import LedgerBroken
from storage.keys import holds, signer_of
from storage.ledger import Head
from storage.signed import signature_path
from tests.storage.checkpointing import faults, meddle, rechain, resign, seqs
from tests.storage.desk import Desk


@pytest.fixture
def signed(desk: Desk) -> Desk:
    """Two parcels, a checkpoint after each, and something that happened since."""
    for pass_no in (1, 2):
        desk.pack(pass_no=pass_no)
        desk.archive.checkpoint().result()
    desk.open(pass_no=3)
    return desk


def test_a_checkpoint_signs_the_head_and_keeps_the_entries(desk: Desk, root: Path) -> None:
    desk.pack()
    head = desk.archive.head()
    made = desk.archive.checkpoint().result()
    assert made.head == head == Head.parse(f" {head}\n")
    path = head_path(root, made.seq)
    signer = signer_of(root)
    assert holds(signer.public, path.read_bytes(), signature_path(path).read_bytes())
    told = json.loads(path.read_bytes())
    assert (told["hash"], told["public"]) == (head.hash, signer.public.hex())
    assert told["archive"] == desk.archive.archive_id
    db = schema.connect(root / schema.DATABASE, read_only=True)
    bodies = [entry.body for entry in ledger.entries(db)]
    db.close()
    lines = segment_path(root, 1, made.seq).read_bytes()
    assert lines == "".join(f"{body}\n" for body in bodies).encode()
    assert list(checkpoints.segments(root)) == bodies
    assert desk.archive.checkpoint().result() == made
    assert seqs(root) == [made.seq]
    assert faults(root) == []


def test_checkpoints_follow_each_other_by_themselves(desk: Desk, root: Path) -> None:
    desk.archive.checkpoint_every = 4
    for pass_no in range(1, 6):
        desk.pack(pass_no=pass_no)
    desk.archive.close()
    made = seqs(root)
    assert len(made) >= 2
    assert all(after - before >= 4 for before, after in zip([0, *made], made, strict=False))
    assert faults(root) == []


def test_a_long_ledger_is_signed_in_pieces(
    desk: Desk, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "SEGMENT_ENTRIES", 3)
    for pass_no in (1, 2, 3):
        desk.pack(pass_no=pass_no)
    assert desk.archive.checkpoint().result().head == desk.archive.head()
    assert seqs(root) == [3, 6, 8]
    assert len(list(checkpoints.segments(root))) == 8
    assert faults(root) == []


def test_a_ledger_that_does_not_hold_is_not_signed(desk: Desk, root: Path) -> None:
    desk.pack()
    meddle(root, "UPDATE ledger SET body = replace(body, 'Ann', 'Eve') WHERE seq = 3")
    with pytest.raises(LedgerBroken, match="entry 3"):
        desk.archive.checkpoint().result()
    assert seqs(root) == []


@pytest.mark.parametrize("ending", [".json", ".sig", ".jsonl"])
@pytest.mark.parametrize("how", ["changed", "missing", "longer", "shorter", "swapped", "linked"])
def test_a_touched_file_is_named(signed: Desk, root: Path, ending: str, how: str) -> None:
    first, second = sorted((root / "ledger").glob(f"*{ending}"))
    whole = second.read_bytes()
    if how == "changed":
        middle = len(whole) // 2
        second.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    elif how == "missing":
        second.unlink()
    elif how == "longer":
        second.write_bytes(whole + b"\n")
    elif how == "shorter":
        second.write_bytes(whole[:-1])
    elif how == "linked":
        aside = root / "aside"
        second.rename(aside)
        second.symlink_to(aside)
    else:
        second.write_bytes(first.read_bytes())
    found = faults(root)
    assert found
    stem = second.stem.split("-")[-1]
    assert all(stem in fault for fault in found)


def test_every_byte_of_a_checkpoint_counts(signed: Desk, root: Path) -> None:
    for path in sorted((root / "ledger").iterdir()):
        whole = path.read_bytes()
        for at in range(0, len(whole), 7):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
            assert faults(root), (path.name, at)
        path.write_bytes(whole)
    assert faults(root) == []


def test_strangers_and_lost_rows_are_named(signed: Desk, root: Path) -> None:
    first, _ = seqs(root)
    (root / "ledger" / "note.txt").touch()
    (root / "ledger" / f"{first:012d}.tsr.bak").touch()
    shutil.copy(segment_path(root, 1, first), segment_path(root, 2, first))
    strangers = faults(root)
    assert len(strangers) == 3
    assert all("belongs to no checkpoint" in fault for fault in strangers)
    meddle(root, "DELETE FROM checkpoints WHERE seq = ?", first)
    assert any(f"entries 1 to {first} is gone" in fault for fault in faults(root))


def test_an_edited_row_is_named(signed: Desk, root: Path) -> None:
    first = seqs(root)[0]
    meddle(root, "UPDATE checkpoints SET at = '2026-01-01T00:00:00.000Z' WHERE seq = ?", first)
    assert faults(root) == [f"archive.db the row of checkpoint {first} was changed"]


def test_a_ledger_cut_short_is_named(signed: Desk, root: Path) -> None:
    noted = signed.archive.head()
    signed.archive.close()
    first, second = seqs(root)
    meddle(root, "DELETE FROM ledger WHERE seq > ?", second - 1)
    assert any(f"cut short: it ends with entry {second - 1}" in fault for fault in faults(root))
    db = schema.connect(root / schema.DATABASE, read_only=True)
    problem = checkpoints.against(db, noted)
    assert problem is not None
    assert "cut short" in problem.what
    assert checkpoints.against(db, Head(0, ledger.GENESIS)) is None
    db.close()
    # Somebody who also removes the checkpoint is shown by the head that was noted elsewhere only.
    meddle(root, "DELETE FROM checkpoints WHERE seq = ?", second)
    for name in checkpoint_files.names(first + 1, second):
        (root / "ledger" / name).unlink(missing_ok=True)
    assert faults(root) == []
    db = schema.connect(root / schema.DATABASE, read_only=True)
    assert checkpoints.against(db, noted) is not None
    db.close()


@pytest.mark.parametrize(
    "change",
    [
        lambda bodies: [body.replace("Ann", "Eve") for body in bodies],
        lambda bodies: bodies[:2] + bodies[3:],
        lambda bodies: [*bodies[:2], bodies[3], bodies[2], *bodies[4:]],
        lambda bodies: [*bodies[:3], bodies[2], *bodies[3:]],
    ],
    ids=["edited", "removed", "reordered", "added"],
)
def test_a_rewritten_chain_is_named(
    signed: Desk, root: Path, change: Callable[[list[str]], list[str]]
) -> None:
    noted = signed.archive.head()
    signed.archive.close()
    rechain(root, change)
    db = schema.connect(root / schema.DATABASE, read_only=True)
    assert list(ledger.breaks(ledger.entries(db))) == []
    assert checkpoints.against(db, noted) is not None
    db.close()
    assert any("rewritten at or before entry" in fault for fault in faults(root))


def test_a_key_that_the_ledger_does_not_know_is_named(
    signed: Desk, root: Path, tmp_path: Path
) -> None:
    first, second = seqs(root)
    resign(root, second, signer_of(tmp_path / "forger"))
    assert any("the ledger does not know" in fault for fault in faults(root))
    assert len(list(checkpoints.segments(root))) == first
    resign(root, second, signer_of(tmp_path / "forger"), signer_of(root).id)
    assert len(list(checkpoints.segments(root))) == first
    for ending in (".json", ".sig"):
        head = head_path(root, first).with_suffix(ending)
        shutil.copy(head, head_path(root, second).with_suffix(ending))
    assert any(f"was renamed: it is the head after entry {first}" in each for each in faults(root))


def test_a_key_cannot_sign_what_was_before_it(signed: Desk, root: Path) -> None:
    signed.archive.close()
    (root / "keys" / "bench.key").unlink()
    with Archive.open(root) as archive:
        archive.checkpoint().result()
    assert faults(root) == []
    resign(root, seqs(root)[0], signer_of(root))
    assert any("a key that came later" in fault for fault in faults(root))


def test_segments_end_where_the_chain_of_them_does(signed: Desk, root: Path) -> None:
    first, second = seqs(root)
    segment = segment_path(root, first + 1, second)
    segment.write_bytes(segment.read_bytes()[:-2] + b"\n")
    assert len(list(checkpoints.segments(root))) == first
    head_path(root, first).unlink()
    assert list(checkpoints.segments(root)) == []


@pytest.mark.parametrize("text", ["", "5", "5:", ":" + "0" * 64, "-1:" + "0" * 64, "5:" + "G" * 64])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no head"):
        Head.parse(text)


@pytest.mark.parametrize(
    "change",
    [
        {"checkpoint": 1e400},
        {"checkpoint": 10**30, "first": 1},
        {"checkpoint": "4"},
        {"first": 0},
        {"first": 10**6},
        {"hash": None},
        {"more": 1},
        {"key": []},
    ],
)
def test_what_is_no_signed_head_is_refused(
    desk: Desk, root: Path, change: dict[str, object]
) -> None:
    made = desk.archive.checkpoint().result()
    path = head_path(root, made.seq)
    told = {**json.loads(path.read_bytes()), **change}
    path.write_bytes(json.dumps(told, indent=1).encode() + b"\n")
    with pytest.raises(ValueError, match="no signed head"):
        checkpoint_files.parsed(path.read_bytes())
    assert faults(root) == [f"ledger/{path.name} was changed: it is no signed head"]
