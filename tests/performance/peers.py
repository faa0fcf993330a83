"""The engines as anybody would call them, the reader's peers in `reading`; and what counts as the
same text, for all of them alike."""

from __future__ import annotations

import contextlib
import functools
import os
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import zxingcpp
from pyzbar import pyzbar

from tests.performance.labels import Grey

Found = set[tuple[str, str]]
"""Symbology (as in `capture.engines`) and text, normalised."""
Peer = Callable[[Grey], Found]

BARS: Final = ("Code128", "Code39", "ITF", "Codabar")
WAYBILL: Final = (*BARS, "QRCode", "DataMatrix", "Aztec", "PDF417")
"""The symbologies that waybills use."""
LIVE: Final = ("Code128", "QRCode", "DataMatrix")
"""What a peer searches in a live picture: all of WAYBILL cost it three times as much."""
_FEWEST_CHARS: Final = {"ITF": 8, "Code39": 6, "Codabar": 6}
_ZBAR: Final = {
    "Code128": "CODE128",
    "Code39": "CODE39",
    "ITF": "I25",
    "Codabar": "CODABAR",
    "QRCode": "QRCODE",
}
_IDENTIFIERS: Final = re.compile(r"\((\d{2,4})\)")
_IMPORTED_CAR: Final = re.compile(r"I[A-HJ-NPR-Z0-9]{17}")
"""ISO 3779 has no I in the number itself."""


def normal(symbology: str, text: str) -> str:
    """`text` less what engines write differently: separators and brackets of GS1, other control
    characters, start and stop signs, and the I that marks an imported car before its number: public
    test pictures have it in their bars and not in their texts."""
    text = text.replace("<GS>", "")
    text = re.sub(r"[\x00-\x1f]", "", text).strip()
    if _IDENTIFIERS.match(text):
        text = _IDENTIFIERS.sub(r"\1", text)
    if symbology == "Code39":
        text = text.strip("*")
        text = text[1:] if _IMPORTED_CAR.fullmatch(text) else text
    if symbology == "Codabar" and re.fullmatch(r"[A-D].*[A-D]", text, re.IGNORECASE):
        text = text[1:-1]
    return text


def may_be_waybill(symbology: str, text: str) -> bool:
    """False for product codes, and for bars too short to be believed, which no reader is asked."""
    return symbology in WAYBILL and len(text) >= _FEWEST_CHARS.get(symbology, 1)


def found(pairs: Iterable[tuple[str, str]]) -> Found:
    """Symbologies and texts as read, those of waybills, normalised."""
    normalised = ((symbology, normal(symbology, text)) for symbology, text in pairs)
    return {pair for pair in normalised if may_be_waybill(*pair)}


def zxing(grey: Grey, symbologies: tuple[str, ...] = WAYBILL, *, thorough: bool = True) -> Found:
    """zxing-cpp's `read_barcodes` with its defaults but for the formats; not `thorough`: without
    the search for white on black, which no waybill is."""
    codes = zxingcpp.read_barcodes(
        grey,
        formats=_formats(symbologies),
        text_mode=zxingcpp.TextMode.Plain,
        try_invert=thorough,
    )
    return found((code.symbology.name, code.text) for code in codes)


@functools.cache
def _formats(symbologies: tuple[str, ...]) -> Any:
    return zxingcpp.BarcodeFormats([getattr(zxingcpp.BarcodeFormat, each) for each in symbologies])


def zbar(grey: Grey, symbologies: tuple[str, ...] = WAYBILL) -> Found:
    """pyzbar's `decode`."""
    kinds = {_ZBAR[name]: name for name in symbologies if name in _ZBAR}
    with _silence():
        codes = pyzbar.decode(grey, symbols=[pyzbar.ZBarSymbol[kind] for kind in kinds])
    return found((kinds[code.type], _text(code.data)) for code in codes)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """libzbar prints its own assertions to stderr."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
