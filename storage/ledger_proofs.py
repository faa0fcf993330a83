"""Proofs that entries of the ledger are under a checkpoint that the bench's key has signed.

A proof is the path of hashes in the checkpoint's tree, so it shows no other parcel's entries. Reads
the files of `checkpoint_files.py`; writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from storage import checkpoint_files, merkle, signed
from storage.checkpoint_files import Checkpoint
from storage.errors import LedgerBroken
from storage.ledger import Entry, facts
from storage.problem import Problem


@dataclass(frozen=True, slots=True)
class Proof:
    """The checkpoint that stands for an entry, and the hashes (hex) that lead from the entry's body
    to its tree; no hashes and None for a checkpoint that is older than the trees."""

    checkpoint: int
    path: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Witness:
    """A signed checkpoint, and its files by name: the head, its signature, a time stamp if any."""

    checkpoint: Checkpoint
    files: dict[str, bytes]


def prove(db: Database, root: Path, seqs: Iterable[int]) -> tuple[list[Witness], dict[int, Proof]]:
    """The checkpoints that stand for these entries, oldest first, and each entry's proof.

    An entry that no checkpoint stands for yet has none. Raises LedgerBroken for a checkpoint whose
    files do not hold, OSError, sqlite3.Error.
    """
    witnesses, proofs, wanted = list[Witness](), dict[int, Proof](), sorted(set(seqs))
    while wanted:
        row = db.execute("SELECT min(seq) FROM checkpoints WHERE seq >= ?", [wanted[0]]).fetchone()
        if row[0] is None:
            break
        witness = _witness(root, row[0])
        here = [seq for seq in wanted if seq <= row[0]]
        proofs |= _proofs(root, witness.checkpoint, here)
        witnesses.append(witness)
        wanted = wanted[len(here) :]
    return witnesses, proofs


def _witness(root: Path, seq: int) -> Witness:
    checkpoint = checkpoint_files.read_head(root, seq)
    if isinstance(checkpoint, Problem):
        raise LedgerBroken(seq, f"has a checkpoint that does not hold ({checkpoint.what})")
    head = checkpoint_files.head_path(root, seq)
    found = {path.name: path.read_bytes() for path in (head, signed.signature_path(head))}
    stamp = checkpoint_files.stamp_path(root, seq)
    if stamp.is_file() and not stamp.is_symlink():
        limit = checkpoint_files.STAMP_LIMIT_BYTES
        found[stamp.name] = checkpoint_files.read_small(stamp, limit)
    return Witness(checkpoint, found)


def _proofs(root: Path, checkpoint: Checkpoint, seqs: Sequence[int]) -> dict[int, Proof]:
    if not checkpoint.tree:
        return {seq: Proof(checkpoint.seq, None) for seq in seqs}
    damage = checkpoint_files.segment_problem(root, checkpoint)
    if damage is not None:
        raise LedgerBroken(checkpoint.seq, f"is in {damage.path}, which {damage.what}")
    bodies = checkpoint_files.bodies_of(root, checkpoint.first_seq, checkpoint.seq)
    leaves = [merkle.leaf(body.encode("utf-8")) for body in bodies]
    return {
        seq: Proof(
            checkpoint.seq,
            tuple(each.hex() for each in merkle.path(leaves, seq - checkpoint.first_seq)),
        )
        for seq in seqs
    }


def holds(entry: Entry, proof: Proof, checkpoint: Checkpoint) -> bool:
    """True when the entry is under the checkpoint, as far as that can be proven."""
    seq = facts(entry).get("seq")
    if not isinstance(seq, int) or not checkpoint.first_seq <= seq <= checkpoint.seq:
        return False
    if proof.path is None or not checkpoint.tree:
        return proof.path is None and not checkpoint.tree
    size = checkpoint.seq - checkpoint.first_seq + 1
    try:
        path = [bytes.fromhex(each) for each in proof.path]
    except ValueError:
        return False
    start = merkle.leaf(entry.body.encode("utf-8", "surrogatepass"))
    at = merkle.climbed(start, seq - checkpoint.first_seq, size, path)
    return at is not None and at.hex() == checkpoint.tree
