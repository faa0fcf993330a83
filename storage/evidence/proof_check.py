"""What in a package proves it from outside: certificates, signatures, time stamps, checkpoints.

Every byte may be forged. Whether the root certificate is the site's is for somebody who knows its
fingerprint; here it only has to be the one that everything is signed under. Opens no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cryptography import x509

from storage import checkpoint_files, keys, ledger_proofs, timestamps
from storage.checkpoint_files import Checkpoint
from storage.evidence import bag
from storage.evidence.signing import chain, cms
from storage.ledger import Entry, facts
from storage.ledger_proofs import Proof
from storage.problem import Problem
from storage.site_keys import fingerprint

Told = dict[str, Any]


def problems(
    told: Told,
    excerpt: Sequence[tuple[str, Entry]],
    public_keys: Mapping[str, bytes],
    tags: Mapping[str, bytes],
) -> Iterator[Problem]:
    """What does not hold of the proofs of a package whose manifest.json is `told`, with this
    excerpt of the ledger, these keys of the archive (public bytes by id) and these small files."""
    yield from _signature_problems(told, tags)
    stamp = tags.get(bag.FACTS_STAMP)
    if stamp is not None and (why := timestamps.fault(stamp, tags.get(bag.FACTS, b""))):
        yield Problem(bag.FACTS_STAMP, why)
    checkpoints: dict[int, Checkpoint] = {}
    for name in sorted(tags):
        if bag.WITNESS_FILE.fullmatch(name) and name.endswith(".json"):
            found = _checkpoint(name, str(told.get("archive")), public_keys, tags)
            if isinstance(found, Problem):
                yield found
            else:
                checkpoints[found.seq] = found
    for name in sorted(tags):
        if (
            bag.WITNESS_FILE.fullmatch(name)
            and checkpoint_files.seq_of(name[7:]) not in checkpoints
        ):
            yield Problem(name, "belongs to no checkpoint that holds")
    yield from _entry_problems(told, excerpt, checkpoints)


def root_of(tags: Mapping[str, bytes]) -> x509.Certificate | None:
    """The root certificate in a package; None for none that can be read."""
    try:
        return x509.load_pem_x509_certificate(tags.get(bag.ROOT_CERTIFICATE, b""))
    except ValueError:
        return None


def signer_of(tags: Mapping[str, bytes]) -> x509.Certificate | None:
    """The first of the certificates below the root in a package; None for none."""
    try:
        return x509.load_pem_x509_certificates(tags.get(bag.SIGNER_CERTIFICATES, b""))[0]
    except ValueError:
        return None


def _signature_problems(told: Told, tags: Mapping[str, bytes]) -> Iterator[Problem]:
    root = root_of(tags)
    if root is None:
        yield Problem(bag.ROOT_CERTIFICATE, "is missing or no certificate")
        return
    site = told.get("site")
    if not isinstance(site, dict) or site.get("root_sha256") != fingerprint(root):
        yield Problem(bag.ROOT_CERTIFICATE, f"is not the one that {bag.FACTS} tells of")
    for name in (bag.FACTS, bag.TAG_MANIFEST):
        signature_at = f"{name}{bag.SIGNATURE_ENDING}"
        signature = tags.get(signature_at)
        if signature is None:
            yield Problem(signature_at, "is missing: the package is not signed")
            continue
        why = cms.fault(signature, tags.get(name, b""), root)
        if why:
            yield Problem(signature_at, f"does not hold: {why}")
        elif not _is_signer(cms.signer_of(signature), root, tags):
            yield Problem(bag.SIGNER_CERTIFICATES, f"are not those of {signature_at}")


def _is_signer(signer: x509.Certificate, root: x509.Certificate, tags: Mapping[str, bytes]) -> bool:
    """True when the package's chain below the root is this signer's."""
    try:
        first, *others = x509.load_pem_x509_certificates(tags.get(bag.SIGNER_CERTIFICATES, b""))
        chain.ordered(first, others, root)
    except ValueError:
        return False
    return first == signer


def _checkpoint(
    name: str, archive: str, public_keys: Mapping[str, bytes], tags: Mapping[str, bytes]
) -> Checkpoint | Problem:
    content = tags[name]
    try:
        checkpoint = checkpoint_files.parsed(content)
    except ValueError:
        return Problem(name, "is no checkpoint of a ledger")
    if checkpoint_files.seq_of(name[7:]) != checkpoint.seq or checkpoint.archive != archive:
        return Problem(name, "is the checkpoint of something else")
    public = public_keys.get(checkpoint.key, b"")
    if public.hex() != checkpoint.public:
        return Problem(name, f"is signed by a key that {bag.FACTS} does not tell of")
    if not keys.holds(public, content, tags.get(f"{name[:-5]}.sig", b"")):
        return Problem(name, "was changed: its signature does not hold")
    stamp = tags.get(f"{name[:-5]}.tsr")
    if stamp is not None and (why := timestamps.fault(stamp, content)):
        return Problem(f"{name[:-5]}.tsr", why)
    return checkpoint


def _entry_problems(
    told: Told, excerpt: Sequence[tuple[str, Entry]], checkpoints: Mapping[int, Checkpoint]
) -> Iterator[Problem]:
    used = set[int]()
    for item, (_, entry) in zip(told["ledger"], excerpt, strict=True):
        seq, path = int(item["checkpoint"]), item["path"]
        proof = Proof(seq, None if path is None else tuple(str(each) for each in path))
        checkpoint = checkpoints.get(seq)
        used.add(seq)
        if checkpoint is None or not ledger_proofs.holds(entry, proof, checkpoint):
            nr = facts(entry).get("seq")
            yield Problem(bag.FACTS, f"ledger entry {nr}: is under no signed checkpoint")
    for seq in sorted(checkpoints.keys() - used):
        yield Problem(bag.FACTS, f"no entry is under checkpoint {seq}")
    newest = checkpoints.get(max(used, default=0))
    if newest is not None and told["head"] != {"seq": newest.seq, "hash": newest.hash}:
        yield Problem(bag.FACTS, "tells of another head of the ledger than its newest checkpoint")
