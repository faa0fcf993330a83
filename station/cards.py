"""The sheet of command cards and packer's badges, the scanner's set-up card, and the cameras' test
card, as a PDF to print.

A card is a barcode that drives the bench hands-free; `station.waybill` understands what is printed
here. What stands where on the test card is `capture.testcard`'s. Knows no camera and no archive;
slots come from the configuration.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from station.waybill import Card, WaybillRules, understand

Language = Literal["both", "en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = ("both", "en", "zh")
_COMMANDS: Final = ("FINISH", "PHOTO", "RETAKE", "OK", "YES", "NO", "CANCEL", "RETURN", "CHECK")
_SLOT_COLOUR: Final = "0059a8"
_PACKER_COLOUR: Final = "3b4252"


class CardError(Exception):
    """A card cannot be printed, because the bench would not understand it."""

    exit_code: ClassVar = 2

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(
            f"no card can say {code!r}: a name is up to 32 letters, digits, spaces, and . ' - _"
        )


@dataclass(frozen=True, slots=True)
class PrintedCard:
    """One card: what its barcode says, and what a person reads. `mark` stands in the shape."""

    code: str
    words: tuple[str, ...]
    colour: str
    shape: str
    mark: str = ""


def cards(
    slots: Sequence[str], packers: Sequence[str] = (), language: Language = "both"
) -> tuple[PrintedCard, ...]:
    """The cards of a bench with these shot slots, and a badge for each packer.

    Raises CardError.
    """
    catalogue = _catalogue()

    def words(entry: dict[str, str], default: str) -> tuple[str, ...]:
        return _words(entry, default, language)

    found = [
        PrintedCard(
            f"PW:{name}",
            words(catalogue[name], name),
            catalogue[name]["colour"],
            catalogue[name]["shape"],
        )
        for name in _COMMANDS
    ]
    for place, slot in enumerate(slots, start=1):
        said = words(catalogue["slot"].get(slot, {}), slot.replace("_", " ").upper())
        found.append(PrintedCard(f"PW:SLOT:{slot}", said, _SLOT_COLOUR, "number", str(place)))
    found += [
        PrintedCard(f"PW:PACKER:{name}", (name,), _PACKER_COLOUR, "number", name[:1].upper())
        for name in packers
    ]
    for card in found:
        if not isinstance(understand(card.code, WaybillRules()), Card):
            raise CardError(card.code)
    return tuple(found)


def render(
    sheet: Sequence[PrintedCard], language: Language = "both", *, png_ppi: float | None = None
) -> list[bytes]:
    """The sheet as one PDF, or its pages as PNG pictures of `png_ppi` pixels an inch.

    The last page is the test card, the one before it the scanner's set-up card.
    """
    import pylopdf_fonts_zh_cn
    import typst

    data = []
    for card in sheet:
        svg, square = _barcode(card.code)
        data.append({**asdict(card), "svg": svg, "square": square})
    made = typst.compile(
        Path(__file__).with_name("cards.typ"),
        format="pdf" if png_ppi is None else "png",
        ppi=png_ppi,
        font_paths=[Path(pylopdf_fonts_zh_cn.__file__).parent],
        ignore_system_fonts=True,
        sys_inputs={
            "cards": json.dumps(data),
            "setup": json.dumps(_setup_card(language)),
            "testcard": json.dumps(_test_card(language)),
        },
    )
    return made if isinstance(made, list) else [made]


def _setup_card(language: Language) -> dict[str, Any]:
    """What `cards.typ` draws on the set-up page: words, and one text as two symbols."""
    import zxingcpp

    from station.scanner.setup_card import CARD_TEXT

    kinds = zxingcpp.BarcodeFormat
    entry = _catalogue()["setup"]
    return {
        "words": _words(entry, "", language),
        "hints": [entry[f"{key}_hint"] for key in _spoken(language)],
        "codes": [
            zxingcpp.create_barcode(CARD_TEXT, kind).to_svg(add_hrt=False, add_quiet_zones=True)
            for kind in (kinds.Code128, kinds.QRCode)
        ],
    }


def _test_card(language: Language) -> dict[str, Any]:
    """What `cards.typ` draws on the last page: words, and codes with their places in mm."""
    import zxingcpp

    from capture.testcard import BARS, HEIGHT_MM, MARKS, WIDTH_MM

    kinds = zxingcpp.BarcodeFormat
    codes = []
    for printed in (*MARKS, *BARS):
        mark = printed in MARKS
        code = zxingcpp.create_barcode(printed.text, kinds.DataMatrix if mark else kinds.Code128)
        svg = code.to_svg(add_hrt=False, add_quiet_zones=False)
        caption = "" if mark else f"{printed.module_mm:.2f} mm"
        codes.append({**asdict(printed), "svg": svg, "caption": caption})
    entry = _catalogue()["testcard"]
    return {
        "words": _words(entry, "", language),
        "hints": [entry[f"{key}_hint"] for key in _spoken(language)],
        "width_mm": WIDTH_MM,
        "height_mm": HEIGHT_MM,
        "codes": codes,
    }


def _catalogue() -> dict[str, Any]:
    text = Path(__file__).with_name("cards.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _spoken(language: Language) -> tuple[str, ...]:
    return ("en", "zh") if language == "both" else (language,)


def _words(entry: dict[str, str], default: str, language: Language) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entry.get(key, default) for key in _spoken(language)))


def _barcode(code: str) -> tuple[str, bool]:
    """`code` as an SVG with its quiet zones, and whether it is square.

    Code128 is what every scanner reads; it has no letters beyond ASCII, so a name with others gets
    a QR code.
    """
    import zxingcpp

    square = not code.isascii()
    kind = zxingcpp.BarcodeFormat.QRCode if square else zxingcpp.BarcodeFormat.Code128
    return zxingcpp.create_barcode(code, kind).to_svg(add_hrt=False, add_quiet_zones=True), square
