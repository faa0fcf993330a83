"""Whether somebody still writes to a file, as far as the system tells.

A slow copy that pauses looks finished to whoever compares sizes. Linux tells of any writer on the
same computer, Windows of one that keeps others out; a network share tells nothing, and what has
stopped changing counts as finished there.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from pathlib import Path


def being_written(path: Path) -> bool:
    """True when the file is certainly open for writing somewhere. Never raises OSError."""
    try:
        return _leased(path) if sys.platform == "linux" else _locked(path)
    except OSError:
        return False


def _leased(path: Path) -> bool:
    """By asking for a lease on reading, which Linux refuses while the file is open for writing."""
    if sys.platform != "linux":
        return False
    import fcntl

    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        # Whoever opens it right now makes the system send this signal: the usual one would end
        # the program, this one is ignored unless somebody asks for it.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno in (errno.EAGAIN, errno.EBUSY)
    finally:
        os.close(fd)
    return False


def _locked(path: Path) -> bool:
    """By renaming it to what it is called already, which Windows refuses while it is in use."""
    if sys.platform == "win32":
        try:
            path.rename(path)
        except PermissionError:
            return True
    return False
