"""One folder of evidence, verified: its files against what they should be, manifests, signatures.

Reads only, and believes nothing that it reads: paths are computed, not followed, and what cannot be
read is a problem, not an exception. Knows no database: what should be there is handed over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from storage import files, keys, rows, signed
from storage.later import Document
from storage.problem import Problem
from storage.records import (
    CameraCheck,
    Clip,
    Session,
    Shot,
    check_from_json,
    session_from_json,
)

Evidence = Clip | Shot | CameraCheck | Document
"""A record that names a file."""

MANIFEST_LIMIT_BYTES = 16 << 20
"""No manifest comes near this: a bigger one is a trap for memory."""

T = TypeVar("T")

Progress = Callable[[int, int], None]
"""Told the bytes that are done and those that there are."""

MISUNDERSTOOD = (
    ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError, OverflowError,
)  # fmt: skip
"""What reading a forged manifest may raise."""


class Meter:
    """Adds up the bytes that are done."""

    def __init__(self, total_bytes: int, progress: Progress | None) -> None:
        self._total_bytes = total_bytes
        self._done_bytes = 0
        self._progress = progress

    def __call__(self, done_bytes: int) -> None:
        self._done_bytes += done_bytes
        if self._progress is not None:
            self._progress(self._done_bytes, max(self._total_bytes, self._done_bytes))


# ---------------------------------------------------------------------------- a session's files


def size_of(items: Iterable[Evidence]) -> int:
    """The bytes of all these files."""
    return sum(item.size_bytes for item in items)


def read_manifest(path: Path, shown: str) -> bytes | Problem:
    """The content of a manifest, or why it cannot be one."""
    try:
        if path.stat().st_size > MANIFEST_LIMIT_BYTES:
            return Problem(shown, "is far too big for a manifest")
        return path.read_bytes()
    except OSError as error:
        return Problem(shown, f"cannot be read: {error.strerror}")


def parsed_manifest(content: bytes, shown: str) -> tuple[dict[str, Any], Session] | Problem:
    """The content of a manifest as JSON and as a session, or why it is none."""
    try:
        data = json.loads(content)
        session = session_from_json(data)
        _refuse_untyped(rows.media_of(session))
    except MISUNDERSTOOD:
        return Problem(shown, "is no manifest of a session")
    return data, session


def parsed_check(
    content: bytes, shown: str
) -> tuple[dict[str, Any], tuple[CameraCheck, ...]] | Problem:
    """The content of a check's manifest as JSON and as its cameras, or why it is none."""
    try:
        data = json.loads(content)
        checks = check_from_json(data)
        _refuse_untyped(checks)
    except MISUNDERSTOOD:
        return Problem(shown, "is no manifest of a camera check")
    return data, checks


def parsed_as(content: bytes, from_json: Callable[[dict[str, Any]], T]) -> T | None:
    """What `from_json` makes of a manifest; None for what it does not understand."""
    try:
        return from_json(json.loads(content))
    except MISUNDERSTOOD:
        return None


def _refuse_untyped(items: Iterable[Evidence]) -> None:
    """Raises TypeError for a forged record whose file cannot be looked for."""
    for item in items:
        told = (item.path, item.size_bytes, item.sha256)
        if tuple(map(type, told)) != (str, int, str):
            raise TypeError(f"{told!r} names no file")


def pictures_of(checks: Iterable[CameraCheck]) -> list[CameraCheck]:
    """Those of the cameras that gave a picture."""
    return [check for check in checks if check.path]


def folder_problems(
    items: Iterable[Evidence],
    known: Iterable[str],
    folder: Path,
    shown: str,
    meter: Meter,
    owner: str = "session",
) -> Iterator[Problem]:
    """What is wrong with a folder that holds these files and, beside them, those of the names
    `known`, and nothing else. A file under another name and two that changed places are told as
    such."""
    names = {PurePosixPath(item.path).name: item for item in items}
    missing: list[Evidence] = []
    changed: dict[str, files.Written] = {}
    seen: set[str] = set()
    for item in items:
        name = PurePosixPath(item.path).name
        if not files.plain_name(name) or name in seen:
            yield Problem(f"{shown}/{name}", "has a name that no file here has, or has it twice")
            continue
        seen.add(name)
        try:
            found = _measured(folder / name, meter)
        except OSError as error:
            yield Problem(f"{shown}/{name}", f"cannot be read: {error.strerror}")
            continue
        if found is None:
            missing.append(item)
        elif found != files.Written(item.size_bytes, item.sha256):
            changed[name] = found
    for name, found in changed.items():
        yield Problem(f"{shown}/{name}", _how_changed(names[name], found, names, changed))
    present = sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []
    for path in present:
        if path.name in (*known, *names):
            continue
        renamed = _renamed(path, missing)
        if renamed is None:
            yield Problem(f"{shown}/{path.name}", f"does not belong to the {owner}")
        else:
            missing.remove(renamed)
            was = PurePosixPath(renamed.path).name
            yield Problem(f"{shown}/{was}", f"was renamed: it is called {path.name} now")
    for item in missing:
        yield Problem(f"{shown}/{PurePosixPath(item.path).name}", "is missing")


def _measured(path: Path, meter: Meter) -> files.Written | None:
    """What a file holds; None for none. Raises OSError."""
    if path.is_symlink() or not path.is_file():
        return None
    return files.measure(path, meter)


def _how_changed(
    item: Evidence,
    found: files.Written,
    names: dict[str, Evidence],
    changed: dict[str, files.Written],
) -> str:
    for name, other in names.items():
        if name != PurePosixPath(item.path).name and other.sha256 == found.sha256:
            swapped = name in changed and changed[name].sha256 == item.sha256
            return f"was swapped with {name}" if swapped else f"was replaced by a copy of {name}"
    if found.size_bytes != item.size_bytes:
        return f"has {found.size_bytes} bytes, sealed were {item.size_bytes}"
    return f"was changed: SHA-256 {found.sha256}, sealed was {item.sha256}"


def _renamed(path: Path, missing: Iterable[Evidence]) -> Evidence | None:
    """The missing file that lies under this other name, or None."""
    try:
        if path.is_symlink() or not path.is_file():
            return None
        size_bytes = path.stat().st_size
        alike = [item for item in missing if item.size_bytes == size_bytes]
        digest = files.measure(path).sha256 if alike else ""
    except OSError:
        return None
    return next((item for item in alike if item.sha256 == digest), None)


def signature_problems(
    path: Path, content: bytes, key: str | None, known: Mapping[str, bytes], shown: str
) -> Iterator[Problem]:
    """What is wrong with the signature of the manifest at `path`, which holds `content`, by the key
    that the ledger names, '' where it names none; None is a manifest of an older version, which has
    no signature."""
    at = signed.signature_path(path)
    beside = f"{shown.rpartition('/')[0]}/{at.name}"
    if not key:
        there = at.exists() or at.is_symlink()
        if there:
            yield Problem(beside, "does not belong there: the ledger knows no signature of it")
        elif key is not None:
            yield Problem(beside, "is missing: the ledger names no key, and there was one by then")
        return
    if key not in known:
        yield Problem(shown, f"is signed by key {key}, which the ledger does not know")
        return
    try:
        # Whatever is longer than a signature is none.
        signature = b"" if at.is_symlink() else at.read_bytes()[: signed.SIGNATURE_BYTES + 1]
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        yield Problem(beside, "is missing" if missing else f"cannot be read: {error.strerror}")
        return
    if not keys.holds(known[key], content, signature):
        yield Problem(beside, f"is not the signature of {path.name} by key {key}")


def sealed_content(path: Path, sha256: str | None, shown: str) -> bytes | Problem:
    """The content of a manifest that is the sealed one, or why it is not."""
    if path.is_symlink() or not path.is_file():
        return Problem(shown, "is missing")
    content = read_manifest(path, shown)
    if not isinstance(content, Problem) and files.digest_of(content) != sha256:
        return Problem(shown, "was changed: its SHA-256 is not the sealed one")
    return content
