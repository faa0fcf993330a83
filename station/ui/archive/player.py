"""Opens a clip, a photo or a document in the program that this computer has for it.

Never the evidence itself: what another program opens it may also save. It gets a copy, that cannot
be written, in a folder which is removed when the archive is closed. Blocks while it copies: call it
on a thread of its own. Knows no archive.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

_PLAIN: Final = re.compile(r"[^A-Za-z0-9._-]+")
_NAME_CHARS: Final = 80
_AT: Final = {
    "mpv": ("--start={at:.3f}", "--keep-open=yes", "--force-window=yes", "--no-terminal"),
    "vlc": ("--start-time={at:.3f}", "--no-one-instance"),
}
"""Players that begin at a moment, in the order in which they are looked for, with their options."""
VIDEO: Final = (".mp4", ".mov", ".mkv", ".webm", ".avi")


class CannotOpen(Exception):
    """Nothing here opens the file. The message says why."""


def open_copy(path: Path, name: str, at_s: float = 0.0) -> str:
    """The name of the program that shows a copy of the file, a video from `at_s` seconds on.

    `name` is what the copy is called, as far as it is plain. Raises CannotOpen.
    """
    if sys.platform.startswith("linux") and not has_desktop(os.environ):
        raise CannotOpen("this terminal has no desktop beside it")
    try:
        copy = _copied(path, name)
        if sys.platform == "win32" and not _player(copy):
            os.startfile(copy)  # noqa: S606 - the way to open a file there
            return "start"
        command = command_for(copy, at_s)
        subprocess.Popen(  # noqa: S603 - a program of the system, and a path of our own making
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise CannotOpen(str(error)) from error
    return Path(command[0]).stem


def command_for(copy: Path, at_s: float) -> list[str]:
    """What is started to show the file. Raises CannotOpen where there is nothing to start."""
    player = _player(copy)
    if player:
        name = Path(player).stem
        return [player, *(option.format(at=at_s) for option in _AT[name]), str(copy)]
    opener = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    if opener is None:
        raise CannotOpen("neither mpv, vlc nor xdg-open is installed")
    return [opener, str(copy)]


def has_desktop(environment: Mapping[str, str]) -> bool:
    """True where a window can be shown."""
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def plain_name(name: str, suffix: str) -> str:
    """A file name without anything that a path or a shell could take for more; its ending is that
    of the archive's own file, never one that somebody gave it."""
    stem = _PLAIN.sub("_", Path(name).stem)[:_NAME_CHARS].strip("._-") or "evidence"
    return stem + suffix


def _player(path: Path) -> str:
    if path.suffix.lower() not in VIDEO:
        return ""
    return next((found for name in _AT if (found := shutil.which(name))), "")


def _copied(path: Path, name: str) -> Path:
    folder = Path(tempfile.mkdtemp(dir=_folder()))
    copy = folder / plain_name(name, path.suffix)
    shutil.copyfile(path, copy)
    copy.chmod(0o400)
    return copy


@cache
def _folder() -> Path:
    """Where the copies lie until this program ends; only this user may look into it."""
    folder = Path(tempfile.mkdtemp(prefix="packwitness-"))
    atexit.register(remove, folder)
    return folder


def remove(folder: Path) -> None:
    """Remove copies, which Windows refuses while they cannot be written."""
    for copy in folder.glob("*/*"):
        with contextlib.suppress(OSError):
            copy.chmod(0o600)
    shutil.rmtree(folder, ignore_errors=True)
