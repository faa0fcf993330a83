"""The layout of an evidence package: a BagIt bag (RFC 8493) with a manifest and a page of its own.

Builds the small files around the evidence. Knows names, sizes and hashes; opens no file.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from storage import signed
from storage.files import AMENDMENT_MANIFEST, CHECK_MANIFEST, DOCUMENT_MANIFEST, MANIFEST

BAGIT = "bagit.txt"
BAG_INFO = "bag-info.txt"
PAYLOAD_MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"
FACTS = "manifest.json"
PAGE = "index.html"
HOW_TO = "VERIFY.txt"
REPORT = "report.pdf"
SIGNATURE_ENDING = ".p7s"
FACTS_SIGNATURE = f"{FACTS}{SIGNATURE_ENDING}"
FACTS_STAMP = f"{FACTS}.tsr"
PACKAGE_SIGNATURE = f"{TAG_MANIFEST}{SIGNATURE_ENDING}"
OLD_SIGNATURE = "tagmanifest-sha256.sig"
"""By the archive's own key: format 4."""
ROOT_CERTIFICATE = "certificates/root.pem"
SIGNER_CERTIFICATES = "certificates/signer.pem"
FORMAT = "packwitness-evidence-5"
SIGNED_BY_KEY = "packwitness-evidence-4"
FORMATS = (
    "packwitness-evidence-1",
    "packwitness-evidence-2",
    "packwitness-evidence-3",
    SIGNED_BY_KEY,
    FORMAT,
)
"""Those that can be verified. The first knew no camera checks, the second no bytes of raw scans,
the third no signatures and nothing that is said or filed after the seal, the fourth no certificates
and no report."""
OLD_TAGS = frozenset({BAGIT, BAG_INFO, PAYLOAD_MANIFEST, FACTS, PAGE, HOW_TO})
TAGS = OLD_TAGS | {REPORT, FACTS_SIGNATURE, ROOT_CERTIFICATE, SIGNER_CERTIFICATES}
"""The package's own files that are never missing; `is_tag` knows the others."""
TAG_LIMIT_BYTES = 64 << 20
DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
SEALED = (MANIFEST, CHECK_MANIFEST, DOCUMENT_MANIFEST, AMENDMENT_MANIFEST)
"""The manifests of what a package holds: sessions, camera checks, documents, amendments."""
SEALED_FILE = re.compile(
    rf"data/[0-9A-Z]{{26}}/({'|'.join(name.removesuffix('.json') for name in SEALED)})\.(json|sig)"
)
KEY_FILE = re.compile(r"keys/[0-9a-f]{16}\.pem")
WITNESS_FILE = re.compile(r"ledger/[0-9]{12}\.(json|sig|tsr)")
CREDENTIALS_FILE = re.compile(r"c2pa/[0-9A-Z]{26}/[A-Za-z0-9][A-Za-z0-9._-]{0,104}\.c2pa")
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
LINE = re.compile(r"([0-9a-f]{64})  ([^\r\n]+)")


def tags_of(format_: str) -> frozenset[str]:
    """The names that a package of this format must have among its own files."""
    return TAGS if format_ == FORMAT else OLD_TAGS


def unlisted_of(format_: str) -> frozenset[str]:
    """What no list of a package of this format names: the last list, and its signature."""
    signatures = {FORMAT: {PACKAGE_SIGNATURE}, SIGNED_BY_KEY: {OLD_SIGNATURE}}
    return frozenset({TAG_MANIFEST, *signatures.get(format_, ())})


def is_tag(name: str, format_: str) -> bool:
    """True for one of the package's own files, beside the lists of them."""
    if name in tags_of(format_):
        return True
    if format_ == SIGNED_BY_KEY:
        return KEY_FILE.fullmatch(name) is not None
    forms = (KEY_FILE, WITNESS_FILE, CREDENTIALS_FILE)
    known = name == FACTS_STAMP or any(form.fullmatch(name) for form in forms)
    return format_ == FORMAT and known


def is_read(name: str) -> bool:
    """True for a file whose content is looked at; all others are only hashed."""
    if name in (REPORT, PAGE) or CREDENTIALS_FILE.fullmatch(name):
        return False
    own = is_tag(name, FORMAT) or name in (TAG_MANIFEST, PACKAGE_SIGNATURE, OLD_SIGNATURE)
    return own or SEALED_FILE.fullmatch(name) is not None


def credentials_file(item: Payload) -> str:
    """The name of the content credentials of a file."""
    return f"c2pa/{item.session}/{item.name.rpartition('/')[2]}.c2pa"


def key_file(key: str) -> str:
    """The name of a key, in PEM, by its id."""
    return f"keys/{key}.pem"


def witness_file(name: str) -> str:
    """The name of a checkpoint's file, by the one that it has in the archive."""
    return f"ledger/{name}"


def signature_name(manifest: str) -> str:
    """The name of the signature of a manifest."""
    return f"{manifest.removesuffix('.json')}{signed.SIGNATURE_ENDING}"


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
    """The content of tagmanifest-sha256.txt, whose signature is that of the whole package."""
    return "".join(
        digest_line(hashlib.sha256(tags[name]).hexdigest(), name) for name in sorted(tags)
    )


def oxum(sizes: Iterable[int]) -> str:
    """The payload's bytes and files, as BagIt writes them."""
    each = list(sizes)
    return f"{sum(each)}.{len(each)}"


def bag_info(number: str, payload: Iterable[Payload], as_of: dt.datetime) -> str:
    """The content of bag-info.txt. `number` must be a safe name."""
    return (
        f"Bagging-Date: {as_of:%Y-%m-%d}\n"
        f"External-Identifier: {number}\n"
        f"Payload-Oxum: {oxum(item.size_bytes for item in payload)}\n"
        "Internal-Sender-Description: exported by PackWitness\n"
    )
