"""The layout of an evidence package: a BagIt bag (RFC 8493) with a manifest and a page of its own.

Builds the small files around the evidence. Knows names, sizes and hashes; opens no file.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from storage.files import AMENDMENT_MANIFEST, CHECK_MANIFEST, DOCUMENT_MANIFEST, MANIFEST
from storage.signed import SIGNATURE_ENDING

BAGIT = "bagit.txt"
BAG_INFO = "bag-info.txt"
PAYLOAD_MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"
FACTS = "manifest.json"
PACKAGE_SIGNATURE = "tagmanifest-sha256.sig"
PAGE = "index.html"
HOW_TO = "VERIFY.txt"
TAGS = frozenset({BAGIT, BAG_INFO, PAYLOAD_MANIFEST, FACTS, PAGE, HOW_TO})
UNLISTED = frozenset({TAG_MANIFEST, PACKAGE_SIGNATURE})
"""What no list names: the last list, and its signature."""
FORMAT = "packwitness-evidence-4"
FORMATS = (
    "packwitness-evidence-1",
    "packwitness-evidence-2",
    "packwitness-evidence-3",
    FORMAT,
)
"""Those that can be verified. The first knew no camera checks, the second no bytes of raw scans,
the third no signatures and nothing that is said or filed after the seal."""
TAG_LIMIT_BYTES = 64 << 20
DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
SEALED = (MANIFEST, CHECK_MANIFEST, DOCUMENT_MANIFEST, AMENDMENT_MANIFEST)
"""The manifests of what a package holds: sessions, camera checks, documents, amendments."""
SEALED_FILE = re.compile(
    rf"data/[0-9A-Z]{{26}}/({'|'.join(name.removesuffix('.json') for name in SEALED)})\.(json|sig)"
)
KEY_FILE = re.compile(r"keys/[0-9a-f]{16}\.pem")
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
LINE = re.compile(r"([0-9a-f]{64})  ([^\r\n]+)")


def is_tag(name: str) -> bool:
    """True for one of the package's own files, beside the lists of them."""
    return name in TAGS or KEY_FILE.fullmatch(name) is not None


def is_read(name: str) -> bool:
    """True for a file whose content is looked at; all others are only hashed."""
    return is_tag(name) or name in UNLISTED or SEALED_FILE.fullmatch(name) is not None


def key_file(key: str) -> str:
    """The name of a key, in PEM, by its id."""
    return f"keys/{key}.pem"


def signature_name(manifest: str) -> str:
    """The name of the signature of a manifest."""
    return f"{manifest.removesuffix('.json')}{SIGNATURE_ENDING}"


@dataclass(frozen=True, slots=True)
class Payload:
    """One file of evidence: its name in the package, the id of the session, camera check, document
    or amendment that it belongs to, where the archive has it, what it holds."""

    name: str
    session: str
    source: str
    size_bytes: int
    sha256: str


def digest_line(sha256: str, name: str) -> str:
    """One line of a BagIt manifest, as `sha256sum -c` reads it."""
    return f"{sha256}  {name}\n"


def payload_manifest(payload: Iterable[Payload]) -> str:
    """The content of manifest-sha256.txt."""
    return "".join(digest_line(item.sha256, item.name) for item in payload)


def tag_manifest(tags: Mapping[str, bytes]) -> str:
    """The content of tagmanifest-sha256.txt. Its own SHA-256 stands for the whole package."""
    return "".join(
        digest_line(hashlib.sha256(tags[name]).hexdigest(), name) for name in sorted(tags)
    )


def oxum(sizes: Iterable[int]) -> str:
    """The payload's bytes and files, as BagIt writes them."""
    each = list(sizes)
    return f"{sum(each)}.{len(each)}"


def bag_info(number: str, payload: Iterable[Payload], exported_at: dt.datetime) -> str:
    """The content of bag-info.txt. `number` must be a safe name."""
    return (
        f"Bagging-Date: {exported_at:%Y-%m-%d}\n"
        f"External-Identifier: {number}\n"
        f"Payload-Oxum: {oxum(item.size_bytes for item in payload)}\n"
        "Internal-Sender-Description: exported by PackWitness\n"
    )
