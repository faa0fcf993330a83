"""Thumbnails of documents and of what waits in the inbox: made when asked for, kept, no evidence.

They lie in the archive's `thumbnails/`, may be deleted at any time, and are named by an id or a
digest, never by a name from outside. Blocks while one is made: call it on a thread of its own.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from storage import files
from storage.intake.pictures import picture
from storage.later import Document

FOLDER: Final = "thumbnails"
EDGE_PX: Final = 512
_NONE: Final = ".none"
"""The ending of the empty file that says: there is no picture of it."""


def of(root: Path, item: Document | Path) -> Path | None:
    """The JPEG that shows a document of the archive `root`, or a file; None where there is none.

    An archive that cannot be written gives those that were made before.
    """
    try:
        source = root / item.path if isinstance(item, Document) else item
        name = item.id if isinstance(item, Document) else _digest(item)
        thumbnail = root / FOLDER / f"{name}.jpg"
        if thumbnail.is_file():
            return thumbnail
        missing = thumbnail.with_suffix(_NONE)
        if missing.is_file() or not source.is_file():
            return None
        content = picture(source, EDGE_PX, "jpeg")
        thumbnail.parent.mkdir(exist_ok=True)
        if content is None:
            missing.touch()
            return None
        files.write_over(thumbnail, content)
    except OSError:
        return None
    return thumbnail


def _digest(path: Path) -> str:
    """A name for the file as it is now."""
    now = path.stat()
    told = f"{path}\0{now.st_size}\0{now.st_mtime_ns}".encode("utf-8", "surrogateescape")
    return "inbox-" + hashlib.sha256(told).hexdigest()[:32]
