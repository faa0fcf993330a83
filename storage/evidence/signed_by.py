"""Whose package is it? What a person compares with what the sender has published.

Says what a package claims, which only means something once `verify.py` finds nothing wrong with it.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from storage.check import MISUNDERSTOOD
from storage.errors import NoCertificate
from storage.evidence import bag, proof_check
from storage.evidence.signing import chain
from storage.evidence.trees import opened
from storage.problem import Problem
from storage.site_keys import fingerprint

FINGERPRINT = re.compile(r"[0-9a-f]{64}", re.ASCII)
SEPARATORS = re.compile(r"[\s:-]")


@dataclass(frozen=True, slots=True)
class SignedBy:
    """`site` and `root_sha256` (hex, of its DER) are those of the root certificate that a package
    is signed under by `signer`, '' for one of a format that has none; `digest` is the SHA-256 of
    manifest.json."""

    site: str
    root_sha256: str
    signer: str
    digest: str
    format: str


def signed_by(path: Path) -> SignedBy | None:
    """What the package at `path`, a ZIP or its unpacked folder, says of itself; None for what is
    no package. Raises OSError."""
    names = (bag.FACTS, bag.ROOT_CERTIFICATE, bag.SIGNER_CERTIFICATES)
    if not path.is_file() and not (path / bag.FACTS).is_file():
        return None
    with opened(path) as tree:
        sizes = {} if tree.problems else tree.sizes()
        small = [name for name in names if 0 < sizes.get(name, 0) <= bag.TAG_LIMIT_BYTES]
        tags = {name: b"".join(tree.blocks(name)) for name in small}
    try:
        format_ = str(json.loads(tags[bag.FACTS])["format"])
    except MISUNDERSTOOD:
        return None
    digest = hashlib.sha256(tags[bag.FACTS]).hexdigest()
    root = proof_check.root_of(tags)
    if root is None:
        return SignedBy("", "", "", digest, format_)
    signer = proof_check.signer_of(tags)
    name = "" if signer is None else chain.named(signer)
    return SignedBy(chain.named(root), fingerprint(root), name, digest, format_)


def fingerprint_of(given: str) -> str:
    """The SHA-256 (hex) of a root certificate that is given by its fingerprint, in whatever groups,
    or as the name of a PEM file. Raises NoCertificate."""
    digits = SEPARATORS.sub("", given).lower()
    if FINGERPRINT.fullmatch(digits):
        return digits
    try:
        return fingerprint(x509.load_pem_x509_certificate(Path(given).read_bytes()))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "neither a SHA-256 nor a PEM file"
        raise NoCertificate(given, why) from error


def root_problems(signed: SignedBy | None, root_sha256: str) -> list[Problem]:
    """Why a package is not one that is signed under this root; nothing when it is."""
    if signed is not None and signed.root_sha256 == root_sha256:
        return []
    found = "no certificate" if signed is None or not signed.root_sha256 else signed.root_sha256
    return [Problem(bag.ROOT_CERTIFICATE, f"is not {root_sha256}: the package has {found}")]
