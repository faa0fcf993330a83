"""The report as one PDF within a bank's limits.

It stands alone, and prints the digest of the complete package that the same state of the archive
gives: whoever gets both can tell that they belong together. Knows no layout; `report.py` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from storage import files
from storage.errors import ReportTooLarge
from storage.evidence.contents import contents_of
from storage.evidence.kit.kit_files import Made, Share, Source, name_of, sealed_path
from storage.evidence.kit.kit_parts import Making
from storage.evidence.kit.redact import Box, on
from storage.evidence.kit.shortfalls import Lack, Shortfall
from storage.evidence.package import stated_of
from storage.evidence.report.report import Layout, report
from storage.records import Session, Shot
from storage.rows import media_of
from storage.site_keys import SiteSigner, site_signer


def add_pdf(
    making: Making, sessions: list[Session], signer: SiteSigner | None, share: Share
) -> None:
    """Write the report of all these sessions into the kit.

    Raises NothingToExport, ChecksumMismatch, Refused, SiteKeysUnusable, OSError.
    """
    profile = making.profile
    if not profile.takes("pdf"):
        making.shortfalls.append(Shortfall(Lack.NOT_TAKEN, "pdf", {"type": "pdf"}))
        return
    archive = making.archive
    contents = contents_of(archive, sessions)
    for session in contents.sessions:
        for item in () if session.id in contents.deleted else media_of(session):
            sealed_path(archive.root, item)
    share(0.2)
    stated = stated_of(archive, contents, signer or site_signer(archive.root))
    limits = [profile.most(name) for name in ("pdf_bytes", "file_bytes", "total_bytes")]
    layout = Layout(
        pages=profile.most("pages"),
        bytes=min((each for each in limits if each is not None), default=None),
        black_and_white=profile.wants("black_and_white"),
        redactions=making.boxes,
    )
    try:
        content = report(archive.root, contents, stated, layout)
    except ReportTooLarge as error:
        limit = f"{layout.pages or '∞'} pages, {layout.bytes or '∞'} B"
        nearest = f"{error.pages} pages, {error.bytes:,} B"
        facts = {"limit": limit, "nearest": nearest}
        making.shortfalls.append(Shortfall(Lack.TOO_BIG, "report.pdf", facts))
        return
    path = making.folder / name_of(len(making.made) + 1, "report", "pdf", bool(making.boxes))
    files.write_new(path, [content])
    making.made.append(
        Made(
            path.name,
            "the report, set for these limits",
            tuple(_sources(contents.sessions, contents.deleted)),
            {"black_and_white": layout.black_and_white},
            {"package_sha256": stated.digest},
            making.boxes,
        )
    )
    bare = _uncovered(contents.sessions, making.boxes)
    if making.boxes and bare:
        subject = f"{path.name} ({', '.join(bare)})"
        making.shortfalls.append(Shortfall(Lack.UNCOVERED, subject))
    share(1.0)


def _uncovered(sessions: list[Session], boxes: Sequence[Box]) -> list[str]:
    """The cameras and shot slots whose pictures show everything."""
    found = set()
    for item in (item for session in sessions for item in media_of(session)):
        name = item.slot if isinstance(item, Shot) else item.camera
        if not on(boxes, name, item.camera, PurePosixPath(item.path).name):
            found.add(name)
    return sorted(found)


def _sources(sessions: list[Session], deleted: list[str]) -> list[Source]:
    """The photos and clips that a report shows pictures of."""
    kept = [session for session in sessions if session.id not in deleted]
    found = [Source.of(item) for session in kept for item in media_of(session)]
    return sorted(found, key=lambda each: each.path)
