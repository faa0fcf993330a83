"""Text from outside made harmless for a printed page: what the page's fonts cannot draw, and what
would act on its reader, is spelled out.

Reads which characters a font has; knows no page.
"""

from __future__ import annotations

import functools
import struct
import unicodedata
from pathlib import Path
from typing import Final

FONT: Final = "NotoSansSC-Regular.otf"
FAMILIES: Final = ("Noto Sans SC", "DejaVu Sans Mono")
"""The fonts of a page in this order; the second one comes with the typesetter."""
SECOND_FONT: Final = (
    (0x100, 0x17F),
    (0x384, 0x38A),
    (0x38E, 0x3A1),
    (0x3A3, 0x3CE),
    (0x400, 0x45F),
    (0x490, 0x49B),
    (0x2190, 0x21FF),
)
"""What the second font has for certain: Latin, Greek and Cyrillic letters, arrows."""
SPELLED: Final = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Mn", "Me", "Mc")
"""Unicode categories of what draws nothing, breaks lines, turns the order of what stands beside it,
or is drawn over its neighbours (the marks: piled up, they hide other lines)."""
LONGEST: Final = 2_000
"""Characters of one text that a page shows."""
_UNICODE_RANGES: Final = 12
"""The form of a font's character map that holds all planes, in ranges."""


def font_folder() -> Path:
    """Where the font lies."""
    import pylopdf_fonts_zh_cn

    return Path(pylopdf_fonts_zh_cn.__file__).parent


def shown(text: str, longest: int = LONGEST) -> str:
    """`text` as a page can show it: composed (NFC), each character that its fonts do not have or
    that could act on its reader as `\\u{202E}`, no longer than `longest` and then an ellipsis."""
    composed = unicodedata.normalize("NFC", text[: longest + 1])
    drawn = "".join(char if _harmless(char) else f"\\u{{{ord(char):X}}}" for char in composed)
    return drawn if len(drawn) <= longest else drawn[:longest] + "…"


def _harmless(char: str) -> bool:
    return unicodedata.category(char) not in SPELLED and ord(char) in drawn()


@functools.cache
def drawn() -> frozenset[int]:
    """The code points that the fonts have."""
    found = {code for first, last in SECOND_FONT for code in range(first, last + 1)}
    with (font_folder() / FONT).open("rb") as file:
        (tables,) = struct.unpack(">4xH6x", file.read(12))
        entries = {tag: at for tag, at in struct.iter_unpack(">4s4xL4x", file.read(16 * tables))}
        file.seek(entries[b"cmap"])
        (maps,) = struct.unpack(">2xH", file.read(4))
        for (at,) in list(struct.iter_unpack(">4xL", file.read(8 * maps))):
            file.seek(entries[b"cmap"] + at)
            form, groups = struct.unpack(">H10xL", file.read(16))
            if form == _UNICODE_RANGES:
                for first, last, _glyph in struct.iter_unpack(">LLL", file.read(12 * groups)):
                    found.update(range(first, last + 1))
    return frozenset(found)
