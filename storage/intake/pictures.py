"""Pictures of files from outside, decoded in a process of their own with limits.

A file that breaks, hangs or bloats its decoder costs that process and gives None here. Knows
neither documents nor barcodes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, Literal

from storage.document_copy import opened
from storage.errors import Refused
from storage.intake import raster
from storage.intake.kinds import HEAD_BYTES, kind_of, pictured

TIME_LIMIT_S: Final = 30.0


def picture(source: Path, edge_px: int, form: Literal["jpeg", "grey"]) -> bytes | None:
    """What the file looks like: its picture, first frame or first page, upright, at most `edge_px`
    long, as a JPEG or a grey PGM; None for one that has no picture or cannot be read in 30 s."""
    try:
        with opened(source) as file:
            kind = kind_of(file.read(HEAD_BYTES), source.name)
            if not pictured(kind.media_type):
                return None
            with tempfile.TemporaryFile() as made:
                command = [sys.executable, "-I", raster.__file__]
                done = subprocess.run(  # noqa: S603 - this program's own file
                    [*command, kind.media_type, str(edge_px), form],
                    stdin=file.fileno(),
                    stdout=made,
                    stderr=subprocess.DEVNULL,
                    timeout=TIME_LIMIT_S,
                    check=False,
                )
                made.seek(0)
                content = made.read(raster.OUTPUT_BYTES) if done.returncode == 0 else b""
    except (OSError, Refused, subprocess.SubprocessError):
        return None
    return content or None
