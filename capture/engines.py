"""The barcode engines, each behind one function: grey picture -> readings.

Below `capture.barcode`, which decides when to ask which. zxing-cpp reads everything; ZBar (through
pyzbar) only seconds it on bars, because its misreads repeat themselves from frame to frame, and
its QR and DataBar decoders print assertions to stderr. A machine without libzbar goes on with
zxing-cpp alone. Knows no waybill: a text is returned exactly as it was encoded.
"""

from __future__ import annotations

import atexit
import functools
import importlib.metadata
from collections.abc import Collection
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import zxingcpp

from capture.events import Reading

Grey = npt.NDArray[Any]
"""H×W uint8."""
Points = tuple[tuple[int, int], ...]

ZXING: Final = "zxing"
ZBAR: Final = "zbar"

LINEAR: Final = frozenset({"Code128", "Code39", "ITF", "Codabar", "EANUPC"})
"""Bars. Their check sums are weak: one reading proves nothing. The others correct errors."""
SYMBOLOGIES: Final = (
    "Code128",
    "Code39",
    "ITF",
    "Codabar",
    "QRCode",
    "DataMatrix",
    "Aztec",
    "PDF417",
    "EANUPC",
)
"""What can be asked for. EANUPC is for sites that want a product code named as such."""
DEFAULT_SYMBOLOGIES: Final = SYMBOLOGIES[:-1]
"""All that waybills use."""

_FEWEST_CHARS: Final = {"ITF": 8, "Code39": 6, "Codabar": 6}
"""Shorter ones are pieces of longer codes or of a pattern on the bench: they have no check sum."""

_ZBAR_NAMES: Final = {
    "Code128": "CODE128",
    "Code39": "CODE39",
    "ITF": "I25",
    "Codabar": "CODABAR",
}
_SMALL_KINDS: Final = frozenset({"MicroPDF417", "MicroQRCode", "RMQRCode"})
"""Relatives that zxing-cpp reads along with their families, and that no waybill carries."""
_CODABAR_ENDS: Final = "ABCD"


@dataclass(frozen=True, slots=True)
class Engine:
    """What this machine has of one engine. `why` says what to do where it is not available."""

    name: str
    available: bool
    version: str
    why: str = ""


def engines() -> tuple[Engine, ...]:
    """The engines of this machine, the main one first."""
    module, why = _zbar()
    return (
        Engine(ZXING, available=True, version=importlib.metadata.version("zxing-cpp")),
        Engine(
            ZBAR, module is not None, importlib.metadata.version("pyzbar") if module else "", why
        ),
    )


def check_symbologies(names: Collection[str]) -> tuple[str, ...]:
    """`names` as a tuple. Raises ValueError for none, or for one that is not in SYMBOLOGIES."""
    unknown = [name for name in names if name not in SYMBOLOGIES]
    if unknown or not names:
        told = f"unknown symbology {', '.join(unknown)}" if unknown else "no symbology"
        raise ValueError(f"{told}: allowed are {', '.join(SYMBOLOGIES)}")
    return tuple(names)


def to_grey(image: npt.NDArray[Any]) -> Grey:
    """`image` as H×W uint8. It may be H×W grey or H×W×3 BGR, uint8; it is left as it is.

    Raises ValueError for an empty picture, another shape or another type.
    """
    if image.dtype != np.uint8:
        raise ValueError(f"a picture must be uint8, not {image.dtype}")
    if not image.size:
        raise ValueError(f"an empty picture: shape {image.shape}")
    if image.ndim == 2:
        return np.ascontiguousarray(image)
    if image.ndim == 3 and image.shape[2] == 3:
        return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    raise ValueError(f"neither grey nor BGR: shape {image.shape}")


def read_zxing(
    grey: Grey,
    symbologies: Collection[str],
    mono_ns: int = 0,
    *,
    thorough: bool = False,
    upright: bool = False,
    even_light: bool = False,
) -> list[Reading]:
    """What zxing-cpp reads in `grey` (H×W uint8), texts as they were encoded.

    `thorough` also tries white on black and smaller scales, at about twice the cost; `upright`
    spares the search for bars that lie; `even_light` parts black from white by one threshold for
    the whole picture instead of by each place's own. Bytes that are no text of the character set
    they claim come out as another's, at worst one character a byte; 2,000 random payloads under
    ten character sets never raised.
    """
    if not symbologies:  # which zxing-cpp takes for all of them
        return []
    found = zxingcpp.read_barcodes(
        grey,
        formats=_formats(frozenset(symbologies)),
        text_mode=zxingcpp.TextMode.Plain,
        try_rotate=not upright,
        try_invert=thorough,
        try_downscale=thorough,
        binarizer=(
            zxingcpp.Binarizer.GlobalHistogram if even_light else zxingcpp.Binarizer.LocalAverage
        ),
    )
    readings = []
    for code in found:
        if code.format.name in _SMALL_KINDS:
            continue
        corners = code.position
        points = (corners.top_left, corners.top_right, corners.bottom_right, corners.bottom_left)
        polygon = tuple((point.x, point.y) for point in points)
        symbology = code.symbology.name
        text = _without_ends(code.text, symbology)
        readings.append(Reading(text, symbology, polygon, ZXING, mono_ns))
    return [reading for reading in readings if _long_enough(reading)]


def read_zbar(grey: Grey, symbologies: Collection[str], mono_ns: int = 0) -> list[Reading]:
    """What ZBar reads of the bars among `symbologies`. Nothing where there is no libzbar."""
    module, _ = _zbar()
    wanted = [name for name in symbologies if name in _ZBAR_NAMES]
    if module is None or not wanted:
        return []
    kinds = {_ZBAR_NAMES[name]: name for name in wanted}
    height, width = grey.shape
    readings = []
    for code in module.decode(
        (grey.tobytes(), width, height), symbols=[module.ZBarSymbol[kind] for kind in kinds]
    ):
        # Bars hold bytes; no engine may guess a character set that the other does not.
        symbology = kinds[code.type]
        text = _without_ends(code.data.decode("latin-1"), symbology)
        readings.append(Reading(text, symbology, _box(code.rect), ZBAR, mono_ns))
    return [reading for reading in readings if _long_enough(reading)]


@functools.cache
def _zbar() -> tuple[ModuleType | None, str]:
    """pyzbar, or None and why. Loaded at the first use: it looks for libzbar when imported."""
    try:
        from pyzbar import pyzbar
    except (ImportError, OSError) as error:
        return None, (
            f"{error}. Bars are read by zxing-cpp alone; for a second vote install libzbar "
            "(Debian: apt install libzbar0; macOS: brew install zbar)"
        )
    module: ModuleType = pyzbar
    return module, ""


@functools.cache
def _formats(symbologies: frozenset[str]) -> Any:
    names = sorted(symbologies)
    return zxingcpp.BarcodeFormats([getattr(zxingcpp.BarcodeFormat, name) for name in names])


# Objects of zxing-cpp that outlive the interpreter's end are reported on the terminal as a leak.
atexit.register(_formats.cache_clear)


def _box(rect: Any) -> Points:
    left, top, right, bottom = rect.left, rect.top, rect.left + rect.width, rect.top + rect.height
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def _without_ends(text: str, symbology: str) -> str:
    """Codabar without its start and stop letters, as scanners send it: they are no data."""
    if symbology == "Codabar" and text[:1] in _CODABAR_ENDS and text[-1:] in _CODABAR_ENDS:
        return text[1:-1]
    return text


def _long_enough(reading: Reading) -> bool:
    return len(reading.text) >= _FEWEST_CHARS.get(reading.symbology, 1)
