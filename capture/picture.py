"""An image file -> its pixels in grey, upright, as a viewer shows it on white paper.

Where pictures come from that no camera of this bench took: a phone's photo of a label, a scan, a
screenshot. Whatever the file holds, it gives pixels or a PictureError of one line; what the
decoders print themselves is not let through. Knows no barcode.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from capture.headers import HeaderError, exif_orientation, header_of

Grey = npt.NDArray[Any]
"""H×W uint8."""

MOST_PIXELS: Final = 200_000_000
"""The largest sensors of phones have so many. A picture of 100 million needs 0.2 to 0.5 GB of
memory while it is decoded, with transparency 0.9 GB."""
MOST_BYTES: Final = 500_000_000
"""Of a file: 100 million pixels in three colours, not packed at all, are 300 MB."""
SUFFIXES: Final = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".png",
        ".webp",
        ".tif",
        ".tiff",
        ".bmp",
        ".gif",
        ".avif",
        ".jp2",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
    ]
)
"""How the names of pictures end; what is in them counts for more."""

_STRIP_ROWS: Final = 256


class PictureError(Exception):
    """`path` gives no pixels; `why` says what it is and what to do, in one line."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


def load(path: Path) -> Grey:
    """The picture in the file `path`: H×W uint8 grey, upright as its EXIF orientation says.

    Of several pages or animated pictures the first. What is transparent shows white paper. Levels
    of more than 8 bits are scaled by the bits that are used, for a camera of 12 bits may write them
    into 16. Raises PictureError. While it decodes, what anybody prints to stderr is lost.
    """
    data = _content(path)
    try:
        header = header_of(data)
    except HeaderError as error:
        raise PictureError(path, str(error)) from None
    if header.width * header.height > MOST_PIXELS:
        raise PictureError(
            path,
            f"has {header.width}x{header.height} pixels, more than {MOST_PIXELS // 1_000_000} "
            "million; save a smaller copy",
        )
    try:
        with _silence():
            grey = _decode(data, header.see_through)
    except MemoryError:
        grey, code = None, cv2.Error.StsNoMem
    except cv2.error as error:
        grey, code = None, error.code
    else:
        code = 0
    if grey is not None:
        return grey
    if code == cv2.Error.StsNoMem:
        why = f"its {header.width}x{header.height} pixels do not fit into memory"
        raise PictureError(path, f"{why}; save a smaller copy")
    why = f"is a damaged, cut or unusual {header.kind} file"
    raise PictureError(path, f"{why}; copy it again, or save it anew as JPEG or PNG")


def _content(path: Path) -> bytes:
    """The bytes of the file. Raises PictureError."""
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise PictureError(path, "is a folder; name a picture in it")
        if not stat.S_ISREG(found.st_mode):  # to read a pipe or a device may never end
            raise PictureError(path, "is no ordinary file; name a picture")
        if found.st_size > MOST_BYTES:
            raise PictureError(
                path,
                f"has {found.st_size / 1e6:.0f} MB, more than {MOST_BYTES // 1_000_000}; "
                "save it as JPEG",
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise PictureError(path, "there is no such file; check its name") from None
    except PermissionError:
        raise PictureError(path, "may not be read; ask its owner for the permission") from None
    except (OSError, ValueError) as error:  # a name too long, a NUL in it, a disk that fails
        why = getattr(error, "strerror", None) or str(error)
        raise PictureError(path, f"cannot be read ({why}); copy it to another place") from None


def _decode(data: bytes, see_through: bool) -> Grey | None:
    """The pixels in grey, None for what OpenCV does not understand. Raises cv2.error."""
    # OpenCV refuses a WebP picture of fewer than 32 bytes, and others have no harm of zeros behind.
    coded = np.frombuffer(data.ljust(32, b"\0"), np.uint8)
    if not see_through:
        # Turned upright, made grey and cut to the first page by OpenCV; levels stay as they are.
        grey = cv2.imdecode(coded, cv2.IMREAD_ANYDEPTH)
        return None if grey is None else _to_8_bits(grey)
    # Any other way drops the transparency, and leaves what it hid: black, mostly.
    picture, kinds, blocks = cv2.imdecodeWithMetadata(coded, flags=cv2.IMREAD_UNCHANGED)
    if picture is None:
        return None
    grey = _on_paper(picture)
    exif = dict(zip(kinds, blocks, strict=True)).get(cv2.IMAGE_METADATA_EXIF)
    return grey if exif is None else _upright(grey, exif_orientation(exif.tobytes()))


def _on_paper(picture: npt.NDArray[Any]) -> Grey:
    """`picture` (H×W, H×W×3 BGR or H×W×4 BGRA of any type) in grey, on white."""
    if picture.ndim == 2:
        return _to_8_bits(picture)
    if picture.shape[2] == 3:
        return _to_8_bits(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
    grey = np.empty(picture.shape[:2], np.uint8)
    white = np.iinfo(picture.dtype).max if picture.dtype.kind == "u" else 1.0
    for top in range(0, len(picture), _STRIP_ROWS):  # for the sake of large ones: a little at once
        strip = picture[top : top + _STRIP_ROWS]
        ink = white - cv2.cvtColor(strip, cv2.COLOR_BGRA2GRAY)
        opacity = np.ascontiguousarray(strip[..., 3])
        seen = white - cv2.multiply(ink, opacity, scale=1 / white)
        grey[top : top + _STRIP_ROWS] = cv2.convertScaleAbs(seen, alpha=255 / white)
    return grey


def _to_8_bits(grey: npt.NDArray[Any]) -> Grey:
    """`grey` of any type as uint8."""
    if grey.dtype == np.uint8:
        return grey
    if grey.dtype == np.uint16:
        bits = max(8, int(grey.max()).bit_length())
        return cv2.convertScaleAbs(grey, alpha=2.0 ** (8 - bits))
    # Signed and floating levels of measuring devices have no white of their own.
    levels = np.nan_to_num(grey.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(levels.min()), float(levels.max())
    scale = 255 / (high - low) if high > low else 0.0
    return ((levels - low) * scale).astype(np.uint8)


def _upright(grey: Grey, orientation: int) -> Grey:
    """`grey` as its EXIF orientation (CIPA DC-008, 1 to 8) says that it is to be seen."""
    if orientation > 4:  # rows are columns
        grey = grey.T
    if orientation in (2, 3, 6, 7):
        grey = grey[:, ::-1]
    if orientation in (3, 4, 7, 8):
        grey = grey[::-1]
    return np.ascontiguousarray(grey)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Nothing that OpenCV and its decoders print reaches stderr: libpng writes there by itself."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        kept = os.dup(2)
    except OSError:  # a program without a terminal may have no stderr
        kept = -1
    try:
        if kept >= 0:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 2)
            os.close(nowhere)
        yield
    finally:
        if kept >= 0:
            os.dup2(kept, 2)
            os.close(kept)
        cv2.utils.logging.setLogLevel(level)
