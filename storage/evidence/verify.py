"""Is it still what was sealed? For a package, an unpacked package, an archive or one session.

The front door of every check, for `packwitness verify`. What it is given may be forged: nothing is
unpacked, no name is followed, and sizes are refused before they are believed. Knows no database but
through `storage.check`.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlite_utils import Database

from storage import (
    check,
    check_archive,
    check_sessions,
    checkpoints,
    files,
    ledger,
    rows,
    schema,
)
from storage.check import Evidence, Meter, Progress
from storage.evidence import bag, bag_check, facts_check
from storage.evidence.trees import Tree, opened
from storage.problem import Problem
from storage.rows import media_of

DEPTH_IN_ARCHIVE = 5
"""A session's folder is media/YYYY/MM/DD/<id>: the archive is five levels up."""


def verify(path: Path, progress: Progress | None = None) -> list[Problem]:
    """Everything in `path` that is not as it was sealed; nothing for whole evidence.

    `path` is a package (ZIP), the folder of an unpacked package, an archive's folder or the folder
    of one session or camera check. Never raises for what it finds there.
    """
    try:
        return list(_problems(path, progress))
    except OSError as error:
        return [Problem(str(path), f"cannot be read: {error.strerror or error}")]
    except RecursionError:
        return [Problem(str(path), "has folders below each other deeper than any evidence")]


def against_problems(root: Path, head: ledger.Head) -> list[Problem]:
    """Why the ledger of the archive in `root` never had this head; nothing when it had."""
    if not (root / schema.DATABASE).is_file():
        return [Problem(str(root), "is no archive: a head is compared with an archive's ledger")]
    try:
        db = schema.connect(root / schema.DATABASE, read_only=True)
        try:
            found = checkpoints.against(db, head)
        finally:
            db.close()
    except sqlite3.Error as error:
        found = Problem(schema.DATABASE, f"cannot be read: {error}")
    return [] if found is None else [found]


def _problems(path: Path, progress: Progress | None) -> Iterator[Problem]:
    if path.is_file():
        with opened(path) as tree:
            if tree.problems:  # a forged container: what it holds is not even looked at
                yield from tree.problems
            else:
                yield from _bag_problems(tree, progress)
    elif (path / schema.DATABASE).is_file():
        yield from check_archive.archive_problems(path, progress)
    elif (path / bag.BAGIT).is_file():
        with opened(path) as tree:
            yield from _bag_problems(tree, progress)
    elif path.is_dir() and _is_sealed(path.resolve()):
        yield from _folder_problems(path.resolve(), progress)
    elif path.is_dir():
        yield Problem(str(path), "is neither an evidence package nor an archive nor a session")
    else:
        yield Problem(str(path), "does not exist")


def _archive_of(folder: Path) -> Path | None:
    """The archive that has `folder` where its sessions' folders are, or None."""
    if len(folder.parents) < DEPTH_IN_ARCHIVE:
        return None
    root = folder.parents[DEPTH_IN_ARCHIVE - 1]
    return root if (root / schema.DATABASE).is_file() else None


def _is_sealed(folder: Path) -> bool:
    """True for the folder of a session or a camera check; in an archive, even when its manifest is
    gone."""
    if any((folder / name).is_file() for name in (files.MANIFEST, files.CHECK_MANIFEST)):
        return True
    return files.ULID_FORM.fullmatch(folder.name) is not None and _archive_of(folder) is not None


def _folder_problems(folder: Path, progress: Progress | None) -> Iterator[Problem]:
    root = _archive_of(folder)
    if root is not None:
        try:
            db = schema.connect(root / schema.DATABASE, read_only=True)
        except sqlite3.Error as error:
            yield Problem(str(root / schema.DATABASE), f"cannot be read: {error}")
            return
        try:
            yield from check_archive.readable(_owner_problems(db, root, folder.name, progress))
        finally:
            db.close()
        return
    if (folder / files.MANIFEST).is_file():
        yield from _lone_problems(folder, files.MANIFEST, progress)
    else:
        yield from _lone_problems(folder, files.CHECK_MANIFEST, progress)


def _owner_problems(
    db: Database, root: Path, owner: str, progress: Progress | None
) -> Iterator[Problem]:
    """What is wrong with one session or camera check of an archive."""
    meter, known = Meter(0, progress), ledger.known_keys(db)
    if rows.check_of(db, owner) is not None:
        yield from check_sessions.camera_check_problems(db, root, owner, meter, known)
    else:
        yield from check_sessions.session_problems(db, root, owner, meter, known)


def _lone_problems(folder: Path, manifest: str, progress: Progress | None) -> Iterator[Problem]:
    """What does not hold in a folder without its archive, by its own manifest."""
    content = check.read_manifest(folder / manifest, manifest)
    if isinstance(content, Problem):
        yield content
        return
    items: Sequence[Evidence]
    if manifest == files.MANIFEST:
        session = check.parsed_manifest(content, manifest)
        if isinstance(session, Problem):
            yield session
            return
        items = media_of(session[1])
    else:
        checks = check.parsed_check(content, manifest)
        if isinstance(checks, Problem):
            yield checks
            return
        items = check.pictures_of(checks[1])
    meter = Meter(check.size_of(items), progress)
    mine = (manifest, files.SIGNATURES[manifest])
    for problem in check.folder_problems(items, mine, folder, folder.name, meter):
        yield Problem(problem.path.partition("/")[2], problem.what)


def _bag_problems(tree: Tree, progress: Progress | None) -> Iterator[Problem]:
    yield from tree.problems
    sizes = tree.sizes()
    meter = Meter(sum(sizes.values()), progress)
    tags: dict[str, bytes] = {}
    found: dict[str, files.Written] = {}
    for name in sorted(sizes):
        keep = bag.is_read(name)
        if keep and sizes[name] > bag.TAG_LIMIT_BYTES:
            yield Problem(name, "is far too big for what it is")
            continue
        digest, size, kept = hashlib.sha256(), 0, []
        try:
            for block in tree.blocks(name):
                digest.update(block)
                size += len(block)
                meter(len(block))
                if keep:
                    kept.append(block)
        except OSError as error:
            yield Problem(name, f"was changed: {error}")
            continue
        found[name] = files.Written(size, digest.hexdigest())
        if keep:
            tags[name] = b"".join(kept)
    if not tree.is_exact and facts_check.format_of(tags) == bag.FORMAT:
        yield Problem("the ZIP file", "is not as it was written: what frames its files was changed")
    yield from bag_check.problems(set(sizes), found, tags)
