"""Hash trees as of RFC 6962: one hash stands for many texts, and a short path proves one of them.

So an entry of the ledger is proven to a signed checkpoint without showing those of other parcels.
Pure; knows no ledger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def leaf(content: bytes) -> bytes:
    """The hash of one text, 32 bytes."""
    return hashlib.sha256(b"\0" + content).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The hash that stands for all `leaves` in their order; at least one."""
    level = list(leaves)
    while len(level) > 1:
        level = _above(level)
    return level[0]


def path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that prove the leaf at `index`, from the leaf's neighbour upwards."""
    level, found = list(leaves), []
    while len(level) > 1:
        if index ^ 1 < len(level):
            found.append(level[index ^ 1])
        level, index = _above(level), index // 2
    return found


def climbed(start: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root that `proof` leads to from the leaf `start` at `index` of `size`; None where no tree
    of that size has such a path."""
    if not 0 <= index < size:
        return None
    at, steps = start, iter(proof)
    while size > 1:
        if index ^ 1 < size:
            beside = next(steps, None)
            if beside is None:
                return None
            at = _node(beside, at) if index & 1 else _node(at, beside)
        index, size = index // 2, (size + 1) // 2
    return at if next(steps, None) is None else None


def _above(level: list[bytes]) -> list[bytes]:
    """The level above: pairs become one; a last one without a partner rises as it is, which gives
    the same tree as splitting at powers of two."""
    pairs = [_node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
    return pairs + level[len(level) - len(level) % 2 :]
