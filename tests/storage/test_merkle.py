"""A short path proves one text among many, and nothing else."""

from __future__ import annotations

import hashlib

import pytest

from storage import merkle


def reference(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word: split at the largest power of two below n."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = reference(leaves[:split]), reference(leaves[split:])
    return hashlib.sha256(b"\1" + left + right).digest()


def test_the_tree_of_the_rfc_s_known_leaf() -> None:
    """RFC 6962's test vectors begin with the hash of the empty leaf."""
    known = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.leaf(b"").hex() == known


@pytest.mark.parametrize("size", [*range(1, 20), 31, 32, 33, 1000])
def test_every_leaf_is_proven_and_no_other(size: int) -> None:
    leaves = [merkle.leaf(str(number).encode()) for number in range(size)]
    root = merkle.root(leaves)
    assert root == reference(leaves)
    for index in range(0, size, max(1, size // 40)):
        path = merkle.path(leaves, index)
        assert merkle.climbed(leaves[index], index, size, path) == root
        assert merkle.climbed(merkle.leaf(b"another"), index, size, path) != root
        for wrong in (path[:-1], [*path, b"x" * 32]):
            if wrong != path:
                assert merkle.climbed(leaves[index], index, size, wrong) is None
        if size > 1:
            other = (index + 1) % size
            assert merkle.climbed(leaves[index], other, size, path) != root
    assert merkle.climbed(leaves[0], size, size, []) is None
    assert merkle.climbed(leaves[0], -1, size, []) is None
