"""The files of checkpoints below `ledger/`: signed heads, and segments with the entries themselves.

`<first>-<last>.jsonl` holds the exact bodies of entries first to last, one a line; `<last>.json` is
the head after the last of them, `<last>.sig` the bench key's signature of its bytes, `<last>.tsr` a
time stamp of them. Numbers have twelve digits, so that names sort. Knows the chain, no database.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from storage import files, keys, ledger, merkle, signed
from storage.keys import Signer
from storage.problem import Problem

FOLDER = files.CHECKPOINTS
STAMP_ENDING = ".tsr"
HEAD_NAME = re.compile(r"(\d{12})\.json", re.ASCII)
SEGMENT_NAME = re.compile(r"(\d{12})-(\d{12})\.jsonl", re.ASCII)
OF_HEAD = re.compile(r"(\d{12})\.(?:json|sig|tsr)", re.ASCII)
SEQ_LIMIT = 10**12
HEAD_LIMIT_BYTES = 64 << 10
STAMP_LIMIT_BYTES = 1 << 20
LINE_LIMIT_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What was signed: the hashes of entry `seq` and of the one before `first_seq`, the id and the
    public bytes (in hex) of the key, and when (RFC 3339). `tree` is the root (hex) of the hash tree
    of the entries' bodies, '' in checkpoints that are older than those trees."""

    seq: int
    first_seq: int
    previous: str
    hash: str
    archive: str
    at: str
    key: str
    public: str
    tree: str = ""

    @property
    def head(self) -> ledger.Head:
        """The head that was signed."""
        return ledger.Head(self.seq, self.hash)


def head_path(root: Path, seq: int) -> Path:
    """Where the signed head after entry `seq` lies."""
    return root / FOLDER / f"{seq:012d}.json"


def stamp_path(root: Path, seq: int) -> Path:
    """Where the time stamp of that head lies."""
    return head_path(root, seq).with_suffix(STAMP_ENDING)


def segment_path(root: Path, first_seq: int, seq: int) -> Path:
    """Where the entries from `first_seq` to `seq` lie."""
    return root / FOLDER / f"{first_seq:012d}-{seq:012d}.jsonl"


def seq_of(name: str) -> int:
    """The last entry that a file of this name is about; 0 for a name that none has."""
    match = OF_HEAD.fullmatch(name)
    if match is not None:
        return int(match[1])
    segment = SEGMENT_NAME.fullmatch(name)
    return 0 if segment is None else int(segment[2])


def names(first_seq: int, seq: int) -> set[str]:
    """The names of a checkpoint's files."""
    endings = (".json", signed.SIGNATURE_ENDING, STAMP_ENDING)
    return {f"{first_seq:012d}-{seq:012d}.jsonl", *(f"{seq:012d}{each}" for each in endings)}


def write(root: Path, checkpoint: Checkpoint, bodies: Iterable[str], signer: Signer) -> None:
    """Put segment, signature and head on the disk, in this order. Raises OSError."""
    files.make_folders(root / FOLDER)
    content = "".join(f"{body}\n" for body in bodies).encode("utf-8")
    files.write_over(segment_path(root, checkpoint.first_seq, checkpoint.seq), content)
    signed.write(head_path(root, checkpoint.seq), head_bytes(checkpoint), signer)


def head_bytes(checkpoint: Checkpoint) -> bytes:
    """The content of a signed head: ASCII JSON."""
    told = {
        "checkpoint": checkpoint.seq,
        "first": checkpoint.first_seq,
        "previous": checkpoint.previous,
        "hash": checkpoint.hash,
        "archive": checkpoint.archive,
        "at": checkpoint.at,
        "key": checkpoint.key,
        "public": checkpoint.public,
    }
    if checkpoint.tree:
        told["tree"] = checkpoint.tree
    return json.dumps(told, indent=1).encode("ascii") + b"\n"


def parsed(content: bytes) -> Checkpoint:
    """The checkpoint whose signed head this is. Raises ValueError for bytes that are none."""
    try:
        told = json.loads(content)
        checkpoint = Checkpoint(
            seq=int(told["checkpoint"]),
            first_seq=int(told["first"]),
            previous=str(told["previous"]),
            hash=str(told["hash"]),
            archive=str(told["archive"]),
            at=str(told["at"]),
            key=str(told["key"]),
            public=str(told["public"]),
            tree=str(told.get("tree", "")),
        )
        same = head_bytes(checkpoint) == content
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError("it is no signed head") from error
    if not same or not 0 < checkpoint.first_seq <= checkpoint.seq < SEQ_LIMIT:
        raise ValueError("it is no signed head")
    return checkpoint


def read_head(root: Path, seq: int) -> Checkpoint | Problem:
    """The signed head after entry `seq`, whose signature is that of the key it names; or why not.

    Whether that key is one of the archive is for the caller to know.
    """
    path = head_path(root, seq)
    shown = path.relative_to(root).as_posix()
    try:
        content = read_small(path, HEAD_LIMIT_BYTES)
    except OSError as error:
        return Problem(shown, _unread(error))
    signature_at = signed.signature_path(path)
    try:
        signature = read_small(signature_at, signed.SIGNATURE_BYTES)
    except OSError as error:
        return Problem(signature_at.relative_to(root).as_posix(), _unread(error))
    try:
        checkpoint = parsed(content)
        public = bytes.fromhex(checkpoint.public)
    except ValueError:
        return Problem(shown, "was changed: it is no signed head")
    if checkpoint.seq != seq:
        return Problem(shown, f"was renamed: it is the head after entry {checkpoint.seq}")
    if keys.key_id(public) != checkpoint.key or not keys.holds(public, content, signature):
        return Problem(shown, "was changed: its signature does not hold")
    return checkpoint


def read_small(path: Path, limit_bytes: int) -> bytes:
    """The content of a small file. Raises OSError, also for a link and for one that is too big."""
    if path.is_symlink():
        raise OSError(0, "it is a link")
    if path.stat().st_size > limit_bytes:
        raise OSError(0, "it is far too big")
    return path.read_bytes()


def _unread(error: OSError) -> str:
    missing = isinstance(error, FileNotFoundError)
    return "is missing" if missing else f"cannot be read: {error.strerror}"


def bodies_of(root: Path, first_seq: int, seq: int) -> Iterator[str]:
    """The lines of a segment, as they are. Raises OSError, ValueError for what is no text."""
    path = segment_path(root, first_seq, seq)
    if path.is_symlink():
        raise OSError(0, "it is a link")
    with path.open("rb") as file:
        while line := file.readline(LINE_LIMIT_BYTES):
            if not line.endswith(b"\n"):
                raise ValueError("its last line has no end")
            yield line[:-1].decode("utf-8")


def segment_problem(root: Path, checkpoint: Checkpoint) -> Problem | None:
    """Why the entries of a segment are not those that its head stands for, or None."""
    path = segment_path(root, checkpoint.first_seq, checkpoint.seq)
    shown = path.relative_to(root).as_posix()
    last, leaves = checkpoint.previous, list[bytes]()
    try:
        for body in bodies_of(root, checkpoint.first_seq, checkpoint.seq):
            last = ledger.chained(last, body)
            leaves.append(merkle.leaf(body.encode("utf-8")))
    except OSError as error:
        return Problem(shown, _unread(error))
    except ValueError as error:
        return Problem(shown, f"was changed: {error}")
    wanted = checkpoint.seq - checkpoint.first_seq + 1
    if len(leaves) != wanted:
        return Problem(shown, f"was changed: it has {len(leaves)} entries, signed were {wanted}")
    if last != checkpoint.hash:
        return Problem(shown, "was changed: its entries do not give the signed hash")
    if checkpoint.tree and merkle.root(leaves).hex() != checkpoint.tree:
        return Problem(shown, "was changed: its entries do not give the signed tree")
    return None


def listed(root: Path, after: int = 0) -> list[str]:
    """The names below `ledger/`, in order; of checkpoints newer than that of entry `after`, and of
    files that are still being written. Does not look at each of 100,000 old ones."""
    beyond = f"{after:012d}~"  # sorts after every name that begins with that number
    try:
        names_there = os.listdir(root / FOLDER)  # noqa: PTH208 - names only: there may be many
    except FileNotFoundError:
        return []
    return sorted(each for each in names_there if each > beyond or each.endswith(files.PART))


def heads(root: Path, after: int = 0) -> list[int]:
    """The numbers of the signed heads that are there and newer than `after`, in order."""
    found = (HEAD_NAME.fullmatch(name) for name in listed(root, after))
    return [int(name[1]) for name in found if name]


def segments(root: Path) -> Iterator[str]:
    """The bodies of the entries that the segments hold, from the first one on, without a hole.

    Each segment is believed as a whole or not at all: its head is signed by a key that its own
    entries or those before tell of, and it continues the one before. What does not belong to that
    chain is passed over. Raises OSError for a disk that fails while a segment is read.
    """
    at, known = ledger.Head(0, ledger.GENESIS), set[str]()
    for seq in heads(root):
        checkpoint = read_head(root, seq)
        if isinstance(checkpoint, Problem) or not _continues(checkpoint, at):
            continue
        if segment_problem(root, checkpoint) is not None:
            continue
        told = known | _keys_in(root, checkpoint)
        if checkpoint.key not in told:
            continue
        known = told
        yield from bodies_of(root, checkpoint.first_seq, checkpoint.seq)
        at = checkpoint.head


def _continues(checkpoint: Checkpoint, at: ledger.Head) -> bool:
    return (checkpoint.first_seq, checkpoint.previous) == (at.seq + 1, at.hash)


def _keys_in(root: Path, checkpoint: Checkpoint) -> set[str]:
    """The keys that the entries of a segment tell of."""
    bodies = bodies_of(root, checkpoint.first_seq, checkpoint.seq)
    chain = (
        ledger.Entry(checkpoint.first_seq + count, None, body, "")
        for count, body in enumerate(bodies)
        if ledger.LedgerEvent.KEY_CHANGED in body
    )
    return {change.key for change in ledger.keys_told(chain)}
