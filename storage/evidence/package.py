"""One file that carries the evidence of a waybill out of the archive, to be checked anywhere.

Copies the files of closed sessions, compared with their seals while they are copied, into a stored
ZIP with the layout of `bag.py`, signed under the site's root certificate. The same state of the
archive gives the same package, but for time stamps. It appears whole or not at all, and the ledger
knows of it before it does. Knows the archive only through its API; changes nothing in it but the
ledger. What goes into it is `contents.py`'s.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from storage import files, keys, timestamps
from storage.archive import Archive
from storage.check import Meter, Progress
from storage.disclosures import DisclosedFile
from storage.errors import (
    ArchiveNotWritable,
    ChecksumMismatch,
    ExportFailed,
    NoStamp,
    NotAllowed,
)
from storage.evidence import bag, stored_zip
from storage.evidence.bag import Payload
from storage.evidence.completeness import completeness_to_json
from storage.evidence.contents import Contents, contents_of
from storage.evidence.how_to import how_to
from storage.evidence.page.page import page
from storage.evidence.report.report import report
from storage.evidence.signing.content_credentials import sidecar
from storage.evidence.stated import Stated
from storage.evidence.unfinished import unfinished
from storage.later import Actor, Right, amendment_to_json, document_to_json
from storage.ledger import key_to_json
from storage.records import Session, check_to_json, session_to_json, utc_text
from storage.site_keys import SiteSigner

PROFILE = "complete"
UNSAFE = re.compile(r"[^A-Za-z0-9-]+")
NUMBER_LIMIT = 60
"""Characters of the tracking number in a file's name; no real number is longer."""
DIGEST_SHOWN = 12
MEDIA_TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".mp4": "video/mp4"}
HEADROOM_BYTES = 32 << 20
"""What a disk must have free beyond the files of evidence themselves."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A package that was written. `digest` is the SHA-256 of its manifest.json; `left_out` are
    sessions that were still open; `unstamped` is why there is no time stamp although an authority
    was given, else ''."""

    path: Path
    digest: str
    left_out: tuple[str, ...]
    unstamped: str


def export(
    archive: Archive,
    sessions: Iterable[Session],
    target: Path,
    *,
    actor: Actor | None = None,
    recipient: str = "",
    reason: str = "",
    signer: SiteSigner | None = None,
    tsa: str = "",
    credentials: bool = False,
    progress: Progress | None = None,
) -> Exported:
    """The package of these sessions: at `target` if that ends in `.zip`, else below that folder, as
    `evidence-<tracking number>-<digest>.zip`.

    Sessions that are still open are left out, and named in its manifest.json; so are damaged camera
    checks and documents. Without an `actor` it is the computer's user, where the archive knows
    nobody; without a `signer` it is the archive's own. `recipient` and `reason` are for the record
    of the disclosure only. `tsa` is the address of a time-stamping authority; with `credentials`
    clips and photos have C2PA sidecars. `progress` is told
    bytes; an error that it raises ends the export without a trace. Raises NotAllowed,
    NothingToExport, ChecksumMismatch (evidence is not what was sealed), Refused, SigningFailed,
    ExportFailed, ArchiveNotWritable (an export must be told to the ledger), ArchiveError.
    """
    actor = exporter(archive, actor)
    contents = contents_of(archive, sessions)
    signer = signer or archive.site_signer(actor)
    stated = stated_of(archive, contents, signer)
    digest = stated.digest
    stamp, unstamped = _stamp(stated.manifest.encode(), tsa)
    if stamp:
        stated = replace(stated, stamped_at=timestamps.stamped_at(stamp))
    number = safe_number(contents.numbers[contents.sessions[0].id])
    name = f"evidence-{number}-{digest[:DIGEST_SHOWN]}"
    path = _free_path(target, name)
    as_of = contents.as_of
    tags = _tags(contents, stated, signer, number)
    if stamp:
        tags[bag.FACTS_STAMP] = stamp
    try:
        with unfinished(path) as part, ThreadPoolExecutor(1, "report") as beside:
            _refuse_full(path.parent, contents.payload)
            drawn = beside.submit(report, archive.root, contents, stated)
            claimed = beside.submit(_claimed, archive.root, contents, signer, credentials)
            with part.open("xb") as file:
                package = stored_zip.Writer(file, stored_zip.dos_time(as_of.timetuple()[:6]))
                _copy(package, name, archive.root, contents.payload, progress)
                tags |= {bag.REPORT: drawn.result()} | claimed.result()
                _close(package, name, tags, signer)
                file.flush()
                files.sync(file.fileno())
            archive.disclose(
                actor,
                sessions=[session.id for session in contents.sessions],
                profile=PROFILE,
                package=path.name,
                digest=digest,
                files=[
                    DisclosedFile(item.name, item.size_bytes, item.sha256)
                    for item in contents.payload
                ],
                recipient=recipient,
                reason=reason,
            ).result()
    except OSError as error:
        raise ExportFailed(path, error.strerror or str(error)) from error
    return Exported(path, digest, tuple(contents.left_out), unstamped)


def stated_of(archive: Archive, contents: Contents, signer: SiteSigner) -> Stated:
    """What a package of these contents states, before it is stamped."""
    manifest = json.dumps(_facts(archive, contents, signer), indent=1) + "\n"
    return Stated(
        manifest=manifest,
        digest=hashlib.sha256(manifest.encode()).hexdigest(),
        as_of=contents.as_of,
        site=signer.name,
        root_sha256=signer.fingerprint,
    )


def exporter(archive: Archive, actor: Actor | None) -> Actor:
    """Who exports, who may. Raises ArchiveNotWritable, NotAllowed."""
    if not archive.writable:
        raise ArchiveNotWritable(archive.root, "it was opened for reading, and an export is told")
    actor = actor or archive.nobody()
    if actor is None:
        raise NotAllowed("somebody", "not signed in", Right.EXPORT.value)
    archive.allow(actor, Right.EXPORT)
    return actor


def safe_number(number: str) -> str:
    """A tracking number as a part of a file's name."""
    return UNSAFE.sub("-", number)[:NUMBER_LIMIT].strip("-") or "x"


def _free_path(target: Path, stem: str) -> Path:
    if target.suffix.lower() == ".zip" and not target.is_dir():
        if target.exists():
            raise ExportFailed(target, "it is there already")
        return target
    path, count = target / f"{stem}.zip", 1
    while path.exists():
        count += 1
        path = target / f"{stem}-{count}.zip"
    return path


def _refuse_full(folder: Path, payload: list[Payload]) -> None:
    needed = sum(item.size_bytes for item in payload) + HEADROOM_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        mb = 1 << 20
        raise OSError(0, f"it needs {-(-needed // mb)} MB, and the disk has {free // mb} MB free")


def _stamp(manifest: bytes, tsa: str) -> tuple[bytes, str]:
    """The time stamp of manifest.json, or why there is none."""
    if not tsa:
        return b"", ""
    try:
        return timestamps.stamp(manifest, tsa), ""
    except NoStamp as error:
        return b"", f"{tsa} gave none ({error.why}); export again when it can be reached"


def _facts(archive: Archive, contents: Contents, signer: SiteSigner) -> dict[str, Any]:
    """The content of manifest.json."""
    return {
        "format": bag.FORMAT,
        "archive": archive.archive_id,
        "as_of": utc_text(contents.as_of),
        "site": {"name": signer.name, "root_sha256": signer.fingerprint},
        "head": {"seq": contents.head.seq, "hash": contents.head.hash},
        "keys": [key_to_json(change) for change in contents.keys],
        "sessions": [session_to_json(session) for session in contents.sessions],
        "left_out_open": contents.left_out,
        "camera_checks": [check_to_json(check[0].id, check) for check in contents.checks],
        "left_out_damaged_checks": contents.damaged_checks,
        "documents": [document_to_json(document) for document in contents.documents],
        "groups": {each.id: contents.groups[each.id].value for each in contents.documents},
        "left_out_damaged_documents": contents.damaged_documents,
        "amendments": [amendment_to_json(amendment) for amendment in contents.amendments],
        "effective": contents.numbers,
        "deleted": contents.deleted,
        "orders": contents.orders,
        "completeness": completeness_to_json(
            contents.sessions,
            contents.deleted,
            [contents.groups[document.id] for document in contents.documents],
        ),
        "files": [
            {
                "path": item.name,
                "session": item.session,
                "source": item.source,
                "size_bytes": item.size_bytes,
                "sha256": item.sha256,
            }
            for item in contents.payload
        ],
        "ledger": [
            {
                "previous": previous,
                "body": entry.body,
                "hash": entry.hash,
                "checkpoint": contents.proofs[entry.seq].checkpoint,
                "path": contents.proofs[entry.seq].path,
            }
            for previous, entry in contents.ledger
        ],
    }


def _tags(contents: Contents, stated: Stated, signer: SiteSigner, number: str) -> dict[str, bytes]:
    """The package's own files that its last list names, by name, but for the report."""
    texts = {
        bag.BAGIT: bag.DECLARATION,
        bag.BAG_INFO: bag.bag_info(number, contents.payload, contents.as_of),
        bag.PAYLOAD_MANIFEST: bag.payload_manifest(contents.payload),
        bag.FACTS: stated.manifest,
        bag.PAGE: page(contents, stated),
        bag.HOW_TO: how_to(stated),
    }
    *chain, root = [each.public_bytes(Encoding.PEM) for each in signer.certificates]
    tags = {name: text.encode() for name, text in texts.items()}
    tags |= {
        bag.FACTS_SIGNATURE: signer.sign(tags[bag.FACTS]),
        bag.ROOT_CERTIFICATE: root,
        bag.SIGNER_CERTIFICATES: b"".join(chain),
    }
    tags |= {bag.key_file(change.key): keys.pem(change.public) for change in contents.keys}
    for witness in contents.witnesses:
        tags |= {bag.witness_file(name): data for name, data in witness.files.items()}
    return tags


def _claimed(root: Path, contents: Contents, signer: SiteSigner, wanted: bool) -> dict[str, bytes]:
    """The content credentials of clips and photos. Raises NoContentCredentials, OSError."""
    if not wanted:
        return {}
    there = {(item.session, item.source): item for item in contents.payload}
    found: dict[str, bytes] = {}
    for session in contents.sessions:
        taken = [(shot.path, shot.sha256, shot.taken_at) for shot in session.shots]
        filmed = [(clip.path, clip.sha256, clip.started_at) for clip in session.clips]
        for path, sha256, at in (*taken, *filmed):
            payload = there.get((session.id, path))
            if payload is None:
                continue
            made = sidecar(
                root / path,
                MEDIA_TYPES.get(PurePosixPath(path).suffix, ""),
                signer,
                title=payload.name,
                captured_at=at,
                facts={"tracking_number": contents.numbers[session.id], "sha256": sha256},
            )
            if made is not None:
                found[bag.credentials_file(payload)] = made
    return found


def _copy(
    package: stored_zip.Writer,
    top: str,
    root: Path,
    payload: list[Payload],
    progress: Progress | None,
) -> None:
    """Write the files of evidence. Raises ChecksumMismatch, OSError."""
    meter = Meter(sum(item.size_bytes for item in payload), progress)
    for item in payload:
        package.add(f"{top}/{item.name}", item.size_bytes, sealed(root, item, meter))


def _close(
    package: stored_zip.Writer, top: str, tags: dict[str, bytes], signer: SiteSigner
) -> None:
    """Write the package's own files, and sign their list. Raises SigningFailed, OSError."""
    tag_manifest = bag.tag_manifest(tags).encode()
    last = {bag.TAG_MANIFEST: tag_manifest, bag.PACKAGE_SIGNATURE: signer.sign(tag_manifest)}
    for name, content in sorted((tags | last).items()):
        package.add(f"{top}/{name}", len(content), [content])
    package.close()


def sealed(root: Path, item: Payload, meter: Meter | None = None) -> Iterator[bytes]:
    """The content of a file of the archive, compared with its seal while it is read.

    Raises ChecksumMismatch, at its end at the latest, OSError.
    """
    source, digest, size = root / item.source, hashlib.sha256(), 0
    if source.is_symlink() or not source.is_file():
        raise ChecksumMismatch(source, item.sha256, "")
    for block in files.blocks_of(source, meter):
        digest.update(block)
        size += len(block)
        if size > item.size_bytes:
            break
        yield block
    if size != item.size_bytes or digest.hexdigest() != item.sha256:
        raise ChecksumMismatch(source, item.sha256, digest.hexdigest())
