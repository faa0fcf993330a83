"""A file or folder that appears whole or not at all, wherever it is written to.

It grows under a hidden name beside its place. What a program that was killed left there is removed
by the next one that writes into the same folder. Knows nothing of evidence.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import platform
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil

from storage import files

PART_NAME = re.compile(r"\..+\.([0-9a-f]{8})-(\d{1,10})\.part", re.ASCII)


@contextlib.contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """The hidden place where the block makes the file or folder that is then at `path`.

    Makes the folder around it. What the block raises ends it without a trace. Raises OSError,
    FileExistsError for a `path` that is there already.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent)
    part = path.with_name(f".{path.name}.{_host()}-{os.getpid()}{files.PART}")
    _remove(part)
    try:
        yield part
        _put(part, path)
        files.sync_folder(path.parent)
    except BaseException:
        _remove(part)
        raise


def _put(part: Path, path: Path) -> None:
    if path.exists():
        raise FileExistsError(errno.EEXIST, "it is there already", str(path))
    part.rename(path)


def sweep(folder: Path) -> None:
    """Remove what programs of this computer that run no more have left half-made in `folder`."""
    for part in folder.glob(f".*{files.PART}"):
        match = PART_NAME.fullmatch(part.name)
        if match and match[1] == _host() and not psutil.pid_exists(int(match[2])):
            _remove(part)


def _host() -> str:
    """This computer, as eight characters that tell nobody its name."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _remove(part: Path) -> None:
    with contextlib.suppress(OSError):
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)
