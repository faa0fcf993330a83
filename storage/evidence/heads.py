"""A head of the ledger that was noted elsewhere: as text, in a checkpoint, or in a package.

What it is read from may be forged, and may be anything: it is only compared. Knows no archive.
"""

from __future__ import annotations

import json
from pathlib import Path

from storage import checkpoint_files
from storage.errors import NoHead
from storage.evidence import bag
from storage.evidence.trees import Tree, opened
from storage.ledger import Head


def head_of(given: str) -> Head:
    """The head that `given` is (`number:hash`) or that is in the file or folder of this name: a
    checkpoint's signed head, an evidence package or its manifest.json. Raises NoHead."""
    try:
        return Head.parse(given)
    except ValueError:
        path = Path(given)
    try:
        if not path.is_dir() and not path.is_file():
            raise NoHead(given, "it is neither that text nor a file")
        if path.is_dir() or path.suffix.lower() == ".zip":
            with opened(path) as tree:
                return _of_facts(given, _facts(given, tree))
        if path.stat().st_size > bag.TAG_LIMIT_BYTES:
            raise NoHead(given, "it is far too big")
        return _of_file(given, path.read_bytes())
    except OSError as error:
        raise NoHead(given, f"it cannot be read ({error.strerror or error})") from error


def _of_file(given: str, content: bytes) -> Head:
    try:
        return checkpoint_files.parsed(content).head
    except ValueError:
        return _of_facts(given, content)


def _facts(given: str, tree: Tree) -> bytes:
    """The manifest.json of a package."""
    if tree.problems:
        raise NoHead(given, f"it is no whole package ({tree.problems[0].what})")
    if tree.sizes().get(bag.FACTS, bag.TAG_LIMIT_BYTES + 1) > bag.TAG_LIMIT_BYTES:
        raise NoHead(given, f"it has no {bag.FACTS}")
    return b"".join(tree.blocks(bag.FACTS))


def _of_facts(given: str, content: bytes) -> Head:
    try:
        told = json.loads(content)["head"]
        return Head.parse(f"{told['seq']}:{told['hash']}")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NoHead(given, "it tells of none (packages tell of one from format 4 on)") from error
