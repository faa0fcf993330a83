"""What the barcodes in a file from outside say: of a photo, a scan, the first page of a PDF.

The file is decoded by a process of its own (`storage.intake.pictures`); only plain pixels are
searched here. Knows no archive.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from station.waybill import WaybillRules, as_scanned, understand
from storage.intake.pictures import picture
from storage.records import Waybill

EDGE_PX: Final = 3000
"""A page at 250 dots in an inch; photos are read at about this size, too."""
_HEADER_LINES: Final = 3


def texts_of(path: Path, rules: WaybillRules) -> tuple[str, ...]:
    """The tracking numbers of the barcodes in the file, then their texts as they are (an order id
    may be one); nothing for a file without a picture."""
    content = picture(path, EDGE_PX, "grey")
    pixels = None if content is None else _pixels(content)
    if pixels is None:
        return ()
    from capture.barcode import read_still  # OpenCV: only when there is a picture

    texts: dict[str, None] = {}
    raws: dict[str, None] = {}
    for reading in read_still(pixels):
        meant = understand(as_scanned(reading.text, reading.symbology), rules)
        if isinstance(meant, Waybill):
            texts[meant.number] = None
        raws[reading.text] = None
    return (*texts, *raws)


def _pixels(content: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]] | None:
    """The H×W grey picture of a binary PGM; None for anything else."""
    kind, size, depth, *rest = content.split(b"\n", _HEADER_LINES)
    width, height = (int(each) for each in size.split())
    if kind != b"P5" or depth != b"255" or not rest or len(rest[0]) != width * height:
        return None
    return np.frombuffer(rest[0], np.uint8).reshape(height, width)
