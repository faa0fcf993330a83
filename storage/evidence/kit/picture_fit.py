"""A photo as a JPEG that a portal takes: what it shows, and nothing that it tells beside that.

The bytes stay as they are where they fit and hold nothing but the picture; else what a camera wrote
beside it (time, place, device, a small picture of its own) is cut out without touching the picture;
else it is coded again, upright, at the best quality that fits, and made smaller at last. Knows no
archive and no portal.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from PIL import Image, ImageOps

from storage.evidence.kit.redact import Box, cover

QUALITIES: Final = (92, 88, 82, 75, 68, 60)
SMALLER, SMALLEST_EDGE_PX = 0.8, 320
MOST_PIXELS: Final = 120_000_000
ORIENTATION: Final = 0x0112
"""Exif's tag; 1 is upright."""
START, END, SCAN = b"\xff\xd8", b"\xff\xd9", 0xDA
_WITHOUT_LENGTH: Final = frozenset({0x01, *range(0xD0, 0xD8)})
JFIF_BYTES: Final = 16
"""Of a JFIF segment, its length included, that holds no small picture."""
KEPT_APPS: Final = {0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
"""What of the rest changes how the picture looks: its colours."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG that was made: its bytes, its size in pixels, how in words, with which settings."""

    content: bytes
    width: int
    height: int
    made: str
    settings: dict[str, int] = field(default_factory=dict)


class NoPicture(Exception):
    """What was given is no JPEG that can be shown. The message says why."""


class TooBig(Exception):
    """Not even the smallest picture fits; `nearest_bytes` is what it came to."""

    def __init__(self, nearest_bytes: int) -> None:
        self.nearest_bytes = nearest_bytes
        super().__init__(f"{nearest_bytes} bytes")


def fit(
    content: bytes,
    most_bytes: int | None = None,
    edge_px: int | None = None,
    boxes: Sequence[Box] = (),
) -> Picture:
    """The JPEG `content` with at most so many bytes and so many pixels on its longer side, and the
    boxes covered. Raises NoPicture, TooBig."""
    most = most_bytes or 1 << 62
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise NoPicture(f"it claims {width}×{height} pixels")
            upright = image.getexif().get(ORIENTATION, 1) == 1
            small = edge_px is None or max(width, height) <= edge_px
            if not boxes and upright and small:
                plain = without_metadata(content)
                if len(plain) <= most:
                    image.load()
                    made = "as it is" if plain == content else "as it is, without metadata"
                    return Picture(plain, width, height, made)
            mode = "L" if image.mode == "L" else "RGB"
            pixels = ImageOps.exif_transpose(image).convert(mode)
            if image.mode != mode:
                pixels.info.pop("icc_profile", None)  # it is for colours that are there no more
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise NoPicture(f"it cannot be read: {error}") from error
    cover(pixels, boxes)
    return coded(pixels, most, edge_px)


def coded(
    pixels: Image.Image, most_bytes: int | None = None, edge_px: int | None = None
) -> Picture:
    """A picture of mode L or RGB as a JPEG within these limits. Raises TooBig."""
    most, nearest = most_bytes or 1 << 62, 1 << 62
    colours = pixels.info.get("icc_profile")
    pixels = pixels.copy()
    pixels.info.clear()  # Pillow would write what is kept there into the new file
    for sized in _sizes(pixels, edge_px):
        for quality in QUALITIES:
            made = io.BytesIO()
            sized.save(made, "JPEG", quality=quality, optimize=True, icc_profile=colours)
            if made.tell() <= most:
                settings = {"quality": quality, "width": sized.width, "height": sized.height}
                return Picture(made.getvalue(), sized.width, sized.height, "coded again", settings)
            nearest = min(nearest, made.tell())
    raise TooBig(nearest)


def without_metadata(content: bytes) -> bytes:
    """A JPEG without what does not belong to its picture: Exif, XMP, comments, small pictures,
    makers' notes, and whatever lies behind its end. The coded picture is the same, bit for bit.

    Raises NoPicture for a file that is not built as one.
    """
    kept = [START]
    for code, segment in _segments(content):
        if code == 0xFE or 0xE0 <= code <= 0xEF:
            jfif = code == 0xE0 and segment[4:9] == b"JFIF\0" and len(segment) == 2 + JFIF_BYTES
            mark = KEPT_APPS.get(code)
            if not jfif and not (mark and segment[4:].startswith(mark)):
                continue
        kept.append(segment)
    return b"".join(kept)


def _segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Every segment behind the start, with its marker's code; that of a scan holds its pixels."""
    if content[:2] != START:
        raise NoPicture("it does not begin as a JPEG")
    at = 2
    while True:
        if content[at : at + 1] != b"\xff" or at + 2 > len(content):
            raise NoPicture("it is no whole JPEG")
        code = content[at + 1]
        if code == 0xFF:
            at += 1
            continue
        if content[at : at + 2] == END:
            yield code, END
            return
        end = at + 2
        if code not in _WITHOUT_LENGTH:
            end += int.from_bytes(content[end : end + 2])
        if code == SCAN:
            end = _end_of_scan(content, end)
        if end > len(content) or end < at + 2:
            raise NoPicture("it is no whole JPEG")
        yield code, content[at:end]
        at = end


def _end_of_scan(content: bytes, at: int) -> int:
    """Where the marker behind a scan's pixels begins."""
    while True:
        at = content.find(b"\xff", at)
        if at < 0 or at + 1 >= len(content):
            raise NoPicture("it is no whole JPEG")
        code = content[at + 1]
        if code != 0x00 and not 0xD0 <= code <= 0xD7:
            return at
        at += 2


def _sizes(pixels: Image.Image, edge_px: int | None) -> Iterator[Image.Image]:
    """The picture, as large as it may be, and then ever smaller ones."""
    longer = max(pixels.size)
    edge = float(min(longer, edge_px or longer))
    smallest = min(edge, SMALLEST_EDGE_PX)
    while edge >= smallest:
        scale = edge / longer
        size = (max(1, round(pixels.width * scale)), max(1, round(pixels.height * scale)))
        yield pixels if size == pixels.size else pixels.resize(size, Image.Resampling.LANCZOS)
        edge *= SMALLER
