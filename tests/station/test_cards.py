"""The printed cards: what a scanner and a camera read from the page is what the bench obeys."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import zxingcpp
from pyzbar import pyzbar

from capture.testcard import BARS, MARKS, MODULES_MM, read_card
from station.cards import LANGUAGES, CardError, Language, PrintedCard, cards, render
from station.scanner.setup_card import CARD_TEXT
from station.waybill import Card, Refusal, WaybillRules, understand

Grey = npt.NDArray[Any]
SLOTS = ("item", "packaging", "sealed_box", "label", "gift_note")
PACKERS = ("Ana", "Li Wei", "李伟")


@pytest.fixture(scope="module")
def sheet() -> tuple[PrintedCard, ...]:
    return cards(SLOTS, PACKERS)


@pytest.fixture(scope="module")
def printed(sheet: tuple[PrintedCard, ...]) -> list[Grey]:
    """All printed pages as a scanner of 300 dots an inch sees them, grey."""
    pages = []
    for png in render(sheet, png_ppi=300):
        page = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert page is not None
        pages.append(page)
    return pages


@pytest.fixture(scope="module")
def pages(printed: list[Grey]) -> list[Grey]:
    """Those with command cards."""
    return printed[:-2]


def test_the_set_up_card_is_read_as_it_is_meant(printed: list[Grey]) -> None:
    found = zxingcpp.read_barcodes(printed[-2])
    assert sorted(code.bytes for code in found) == [CARD_TEXT.encode()] * 2
    read = pyzbar.decode(printed[-2], [pyzbar.ZBarSymbol.CODE128])
    assert [code.data for code in read] == [CARD_TEXT.encode()]
    # The bench itself does nothing with it.
    assert isinstance(understand(CARD_TEXT, WaybillRules()), Refusal)


def test_every_barcode_of_the_page_is_read_by_zxing(
    sheet: tuple[PrintedCard, ...], pages: list[Grey]
) -> None:
    read = [found.text for page in pages for found in zxingcpp.read_barcodes(page)]
    assert sorted(read) == sorted(card.code for card in sheet)


def test_every_linear_barcode_of_the_page_is_read_by_zbar(
    sheet: tuple[PrintedCard, ...], pages: list[Grey]
) -> None:
    linear = [pyzbar.ZBarSymbol.CODE128]
    read = [found.data.decode() for page in pages for found in pyzbar.decode(page, linear)]
    assert sorted(read) == sorted(card.code for card in sheet if card.code.isascii())


def test_the_bench_obeys_every_card(sheet: tuple[PrintedCard, ...]) -> None:
    meant = [understand(card.code, WaybillRules()) for card in sheet]
    obeyed = [(card.action, card.value) for card in meant if isinstance(card, Card)]
    assert obeyed == [
        *((name, "") for name in ("finish", "photo", "retake", "ok", "yes", "no")),
        *((name, "") for name in ("cancel", "return", "check")),
        *(("slot", slot) for slot in SLOTS),
        *(("packer", name) for name in PACKERS),
    ]


def test_no_two_cards_look_alike(sheet: tuple[PrintedCard, ...]) -> None:
    for appearance in ("words", "code"):
        shown = [getattr(card, appearance) for card in sheet]
        assert len(set(shown)) == len(shown)
    shapes = [(card.shape, card.mark) for card in sheet if card.shape != "number"]
    assert len(set(shapes)) == len(shapes) == 9


def test_cards_speak_both_languages_or_the_one_that_was_asked_for() -> None:
    assert cards(("label", "gift_note"))[0].words == ("FINISH", "完成")
    assert cards(("label",), language="zh")[-1].words == ("面单",)
    assert cards(("label",), language="en")[-1].words == ("LABEL",)
    assert cards(("gift_note",), language="zh")[-1].words == ("GIFT NOTE",)


def test_the_catalogue_is_complete() -> None:
    path = Path(__file__).parents[2] / "station" / "cards.toml"
    catalogue = tomllib.loads(path.read_text(encoding="utf-8"))
    entries = {**catalogue, **catalogue["slot"]}
    del entries["slot"]
    for name, entry in entries.items():
        assert entry["en"], name
        assert entry["zh"], name


@pytest.mark.parametrize("name", ["", "x" * 33, "a\x1b[2J", "../etc", "a:b"])
def test_a_badge_that_the_bench_would_refuse_is_not_printed(name: str) -> None:
    with pytest.raises(CardError, match="no card can say"):
        cards(("label",), (name,))


def test_the_sheet_is_one_pdf_that_shows_its_words(sheet: tuple[PrintedCard, ...]) -> None:
    (pdf,) = render(sheet)
    assert pdf.startswith(b"%PDF-")
    assert b"NotoSansSC" in pdf  # Chinese letters are embedded, whatever fonts the printer has


def test_the_last_page_is_the_cameras_test_card_at_its_true_size(printed: list[Grey]) -> None:
    page = printed[-1]
    assert page.shape == pytest.approx((297 / 25.4 * 300, 210 / 25.4 * 300), abs=2)
    card = read_card(page)
    assert card is not None
    assert card.module_mm == min(MODULES_MM)
    assert card.px_per_mm == pytest.approx(300 / 25.4, rel=0.005)
    assert card.brightness == 255
    assert card.glare < 0.01


def test_everything_of_the_test_card_is_on_the_page(printed: list[Grey]) -> None:
    enlarged = cv2.resize(printed[-1], None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    read = [found.text for found in zxingcpp.read_barcodes(enlarged)]
    assert sorted(read) == sorted(code.text for code in (*MARKS, *BARS))


def test_the_test_card_drives_no_bench() -> None:
    for code in (*MARKS, *BARS):
        assert isinstance(understand(code.text, WaybillRules()), Refusal)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_test_card_speaks_what_was_asked_for(language: Language) -> None:
    pages = render(cards(("label",), language=language), language, png_ppi=20)
    assert len(pages) == 3
