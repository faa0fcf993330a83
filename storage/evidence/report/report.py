"""The report of a package: a PDF that an adjuster understands in a minute, and may print.

Puts the facts, the pictures and a contact sheet of the video on pages (`report.typ`), and makes
them fit where pages or bytes are limited: pictures get smaller and fewer, no fact is left out.
PDF/A-2a and PDF/UA-1 with embedded fonts; the same contents give the same bytes. Reads media
through `pictures.py`; knows no archive but its folder.
"""

from __future__ import annotations

import functools
import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from storage.errors import ReportTooLarge, told
from storage.evidence.kit.redact import Box
from storage.evidence.report import cover as report_cover
from storage.evidence.report import tables as report_tables
from storage.evidence.report.glyphs import FAMILIES, font_folder, shown
from storage.evidence.report.parts import About
from storage.evidence.report.pictures import Picture, Pictures, black_and_white, gather, smaller
from storage.evidence.report.recording import recording
from storage.evidence.report.words import Language, Words
from storage.evidence.stated import Stated

if TYPE_CHECKING:
    from storage.evidence.contents import Contents

STANDARDS: Final = ("a-2a", "ua-1")
BARCODED: Final = re.compile(r"[!-+.-~-]{1,40}")
"""A number that a barcode can hold and paper can show; none with a comma, as several have."""
NUMBER_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Layout:
    """What a report must fit: at most so many pages and bytes, no greys and colours; and what is
    covered in its pictures."""

    pages: int | None = None
    bytes: int | None = None
    black_and_white: bool = False
    redactions: Sequence[Box] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """How much room pictures take: heights in mm (0: none), columns, and how many pictures of the
    video of the first camera and of each other one. Up to `tiled` recordings have tiles each on the
    cover, more of them a line; `flowing`: they do not begin on a page of their own."""

    tiled: int
    face_mm: int
    columns: int
    photo_mm: int
    label_mm: int
    frame_columns: int
    frames: tuple[int, int]
    papers: bool
    flowing: bool
    text_pt: float


@dataclass(frozen=True, slots=True)
class Detail:
    """How fine pictures are: the share of their edges, the quality of their JPEG."""

    share: float
    quality: int


WHOLE: Final = Layout()
LOOKS: Final = (
    Look(3, 66, 2, 62, 118, 4, (16, 8), True, False, 9),
    Look(3, 50, 3, 42, 85, 6, (12, 6), True, True, 9),
    Look(2, 44, 4, 32, 60, 6, (6, 0), True, True, 8.5),
    Look(1, 40, 5, 24, 45, 6, (0, 0), False, True, 8),
    Look(1, 36, 6, 18, 30, 6, (0, 0), False, True, 7.5),
)
FULL: Final = Detail(1.0, 82)
DETAILS: Final = (
    FULL,
    Detail(0.8, 74),
    Detail(0.62, 66),
    Detail(0.48, 58),
    Detail(0.36, 50),
    Detail(0.26, 42),
)
TRIED: Final = (
    (0, 0), (0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (2, 5), (3, 4), (3, 5),
    (4, 4), (4, 5),
)  # fmt: skip
"""Looks and details, the best first: less detail before fewer pictures, while enough is seen."""


def report(
    root: Path,
    contents: Contents,
    stated: Stated,
    layout: Layout = WHOLE,
    language: Language = "both",
) -> bytes:
    """The PDF, within the limits of `layout`. Damaged and deleted files are told in it.

    Photos are compared with their seals; clips are not (see `pictures.py`). Blocks. Raises
    ReportTooLarge where not even the smallest fits, ArchiveFull, StorageFailed.
    """
    pictures = gather(root, contents, layout.redactions)
    maker = _Maker(contents, stated, layout, Words(language), language, pictures)
    return maker.fitting()


class _Maker:
    """Makes one report, as often as it takes to fit."""

    def __init__(
        self,
        contents: Contents,
        stated: Stated,
        layout: Layout,
        words: Words,
        language: Language,
        pictures: Pictures,
    ) -> None:
        self._contents = contents
        self._stated = stated
        self._layout = layout
        self._words = words
        self._language = language
        self._pictures = pictures

    def fitting(self) -> bytes:
        """The best that fits. Raises ReportTooLarge."""
        most_pages, most_bytes = self._layout.pages, self._layout.bytes
        if most_pages is None and most_bytes is None:
            return self._made(LOOKS[0], FULL)
        least_pages, least_bytes = 1 << 30, 1 << 60
        too_long: set[int] = set()
        for look, detail in TRIED:
            if look in too_long:
                continue
            made = self._made(LOOKS[look], DETAILS[detail])
            pages = _pages(made)
            if most_pages is not None and pages > most_pages:
                too_long.add(look)
            elif most_bytes is None or len(made) <= most_bytes:
                return made
            least_pages, least_bytes = min(least_pages, pages), min(least_bytes, len(made))
        raise ReportTooLarge(most_pages, most_bytes, least_pages, least_bytes)

    def _made(self, look: Look, detail: Detail) -> bytes:
        try:
            with tempfile.TemporaryDirectory(prefix="report-") as folder:
                gallery = _Gallery(Path(folder), detail, self._layout.black_and_white)
                return _typeset(self._told(look, gallery), Path(folder))
        except OSError as error:
            raise told(error, Path(tempfile.gettempdir()), "making the report") from error

    def _told(self, look: Look, gallery: _Gallery) -> dict[str, Any]:
        contents, words = self._contents, self._words
        names = {(each.session, each.source): each.name for each in contents.payload}
        drawn = (words, gallery.draw, look.frames, look.papers)
        about = About(contents, names, self._pictures, *drawn)
        at = contents.as_of
        plain = report_cover.number(about)
        number = shown(plain, NUMBER_SHOWN)
        return {
            "look": asdict(look),
            "bw": self._layout.black_and_white,
            "redacted": bool(self._layout.redactions),
            "fonts": FAMILIES,
            "language": "zh" if self._language == "zh" else "en",
            "date": [at.year, at.month, at.day, at.hour, at.minute, at.second],
            "words": words.plain(),
            "title": report_cover.title(about),
            "number": number,
            "barcode": _code128(plain),
            "barcode_alt": words.said("barcode_alt", number=number)[0],
            "qr": _qr(self._stated),
            "notices": report_cover.notices(about),
            "facts": report_cover.facts(about),
            "faces": report_cover.faces(about),
            "recordings": [recording(about, session) for session in contents.sessions],
            "documents": report_tables.documents(about),
            "checks": report_tables.checks(contents, words),
            "files": report_tables.files(contents, words),
            "sealing": report_tables.sealing(contents, words),
            "proof": report_tables.proof(self._stated, words),
        }


class _Gallery:
    """The pictures of one version, as files beside the page."""

    def __init__(self, folder: Path, detail: Detail, black_and_white: bool) -> None:
        self._folder = folder
        self._detail = detail
        self._two_colours = black_and_white
        self._drawn: dict[int, str] = {}

    def draw(self, picture: Picture, lines: bool) -> str:
        """Its name on the page."""
        if id(picture) not in self._drawn:
            if self._two_colours:
                made = black_and_white(picture, self._detail.share, lines=lines)
            elif self._detail == FULL:
                made = picture
            else:
                made = smaller(picture, self._detail.share, self._detail.quality)
            name = f"{len(self._drawn):05d}.{made.ending}"
            (self._folder / name).write_bytes(made.content)
            self._drawn[id(picture)] = f"/{name}"
        return self._drawn[id(picture)]


def _typeset(page: dict[str, Any], folder: Path) -> bytes:
    import typst

    made = typst.compile(
        _template(),
        root=folder,
        font_paths=_fonts(),
        ignore_system_fonts=True,
        format="pdf",
        pdf_standards=list(STANDARDS),
        sys_inputs={"report": json.dumps(page)},
    )
    return bytes(made)


@functools.cache
def _template() -> bytes:
    return Path(__file__).with_name("report.typ").read_bytes()


@functools.cache
def _fonts() -> Any:
    import typst

    return typst.Fonts(include_system_fonts=False, font_paths=[font_folder()])


def _pages(made: bytes) -> int:
    import pypdfium2

    with pypdfium2.PdfDocument(made) as document:
        return len(document)


def _code128(number: str) -> str | None:
    """The SVG of a tracking number's barcode; None for one that no carrier has."""
    import zxingcpp

    if not BARCODED.fullmatch(number):
        return None
    code = zxingcpp.create_barcode(number, zxingcpp.BarcodeFormat.Code128)
    return str(code.to_svg(add_hrt=False, add_quiet_zones=True))


def _qr(stated: Stated) -> str | None:
    """The SVG of what a phone shows of the package: its digest and the root's fingerprint."""
    import zxingcpp

    if not stated.digest:
        return None
    text = f"manifest.json SHA-256\n{stated.digest}\nroot certificate SHA-256\n{stated.root_sha256}"
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    return str(code.to_svg(add_hrt=False, add_quiet_zones=True))
