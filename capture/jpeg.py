"""A frame as a JPEG file: the camera's own bytes where they can stand alone, else encoded here.

Below `capture.still`. The rule: what the camera coded is never coded again. Its JPEG is written
byte by byte, only the padding behind its end is cut and the standard Huffman tables are put in
where it leaves them out: no generation is lost, nothing is spent, and it is what the sensor gave at
its full size. A frame without a whole JPEG of its own is encoded from the picture at quality 92.
Knows no burst and no request.
"""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from capture.decoder import complete
from capture.frame import Frame
from capture.quality import Grey

_QUALITY: Final = 92
_CHUNK: Final = 1 << 20
_START, _END = b"\xff\xd8", b"\xff\xd9"


def standing_alone(jpeg: bytes) -> bytes:
    """A camera's JPEG as a file that every viewer shows, or b'' if it is cut off or none.

    Many USB cameras leave out the Huffman tables, which a stream need not repeat and a file must
    have (ITU-T T.81, B.2), and pad what they send with zeros.
    """
    picture = jpeg.rstrip(b"\0")
    whole = picture.startswith(_START) and picture.endswith(_END)
    return complete(picture) if whole else b""


def jpeg_of(frame: Frame) -> tuple[bytes, Grey]:
    """The frame as a JPEG by the rule above, and what it shows, in grey. Raises OSError."""
    if own := standing_alone(frame.jpeg):
        grey = _decoded(own)
        if grey is not None:
            return own, grey
    ok, encoded = cv2.imencode(".jpg", frame.bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    data = encoded.tobytes() if ok else b""
    grey = _decoded(data) if ok else None
    if grey is None:
        raise OSError(errno.EINVAL, "the picture cannot be encoded")
    return data, grey


def write_new(data: bytes, path: Path) -> str:
    """Writes the new file `path`, synced; its SHA-256 in hex, made while it was written.

    Raises FileExistsError, and OSError with nothing left behind.
    """
    digest = hashlib.sha256()
    view = memoryview(data)
    file = path.open("xb")
    try:
        with file:
            for start in range(0, len(data), _CHUNK):
                chunk = view[start : start + _CHUNK]
                file.write(chunk)
                digest.update(chunk)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return digest.hexdigest()


def _decoded(data: bytes) -> Grey | None:
    grey: Grey | None = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    return grey
