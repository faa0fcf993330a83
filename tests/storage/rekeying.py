"""A program that is killed at each line of a change of the site's keys, as a test runs it.

    python rekeying.py FOLDER WHAT

copies FOLDER/archive to FOLDER/<line> and changes the keys there (WHAT: make, renew or offline),
dead at that line; the last copy is of a change that came to its end.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from storage import site_changes, site_folder

TRACED = {
    "make": {site_folder.__file__},
    "renew": {site_folder.__file__},
    "offline": {site_folder.__file__, site_changes.__file__},
}
"""Where each is killed: where it touches the disk."""


def change(root: Path, what: str) -> None:
    """Do it once."""
    if what == "make":
        site_changes.make(root, "Another", replace=True)
    elif what == "renew":
        site_changes.renew(root)
    else:
        site_changes.take_root_offline(root, root.with_suffix(".offline"))


def dying(root: Path, what: str, line: int) -> None:
    """Do it in a process that ends at this line, as if the power had failed."""
    left = line

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal left
        if frame.f_code.co_filename not in TRACED[what]:
            return None
        if event == "line":
            left -= 1
            if left == 0:
                os._exit(9)
        return trace

    sys.settrace(trace)
    change(root, what)
    os._exit(0)


def main(folder: Path, what: str) -> None:
    """Every line, until one is never reached."""
    line, status = 0, 1
    while status:
        line += 1
        root = folder / str(line)
        shutil.copytree(folder / "archive", root)
        child = os.fork()
        if child == 0:
            dying(root, what, line)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status not in (0, 9):
            sys.exit(f"it failed at line {line}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
