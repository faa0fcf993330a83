"""What the rooms that write files share: syncing a folder, and the words for a failed write.

Knows no camera and no picture.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

_FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}


def sync_folder(folder: Path) -> None:
    """Makes the names in `folder` survive a power cut, where the system can promise that.

    Windows cannot sync a folder and NTFS journals its names: there it does nothing. Raises
    OSError.
    """
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def cause_of(error: OSError, path: Path) -> str:
    """One line that says why writing `path` failed, and what to do where that is known."""
    if error.errno in _FULL:
        return f"disk full: no room for {path.name}; free space on {path.parent}"
    if isinstance(error, FileExistsError):
        return f"{path.name} exists already and is never overwritten"
    return f"cannot write {path.name}: {error.strerror or error}"
