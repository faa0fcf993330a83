"""A table is read as text, however it was saved; what is too big or broken is one clear line."""

from __future__ import annotations

import csv
import datetime as dt
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.errors import SheetUnreadable
from storage.intake import sheets, workbooks
from storage.intake.sheets import Line, sheets_in
from tests.storage.intake.exports import xlsx

LONG = "576460752303423488"
CHINESE = "订单编号,物流单号\r\n1,杯子\r\n"


def lines(path: Path) -> list[Line]:
    return [line for sheet in sheets_in(path) for line in sheet.lines]


def cells(tmp_path: Path, content: bytes) -> list[list[str]]:
    path = tmp_path / "table"
    path.write_bytes(content)
    return [list(line.cells) for line in lines(path)]


@pytest.mark.parametrize(
    "content",
    [
        CHINESE.encode(),
        CHINESE.encode("utf-8-sig"),
        CHINESE.encode("gb18030"),
        CHINESE.encode("utf-16"),
        CHINESE.encode("utf-16-le"),
        CHINESE.encode("utf-16-be"),
        CHINESE.replace(",", ";").encode(),
        CHINESE.replace(",", "\t").encode("gb18030"),
        b"sep=;\r\n" + CHINESE.replace(",", ";").encode(),
        CHINESE.replace("\r\n", "\r").encode(),
    ],
)
def test_a_text_is_read_however_it_was_saved(tmp_path: Path, content: bytes) -> None:
    assert cells(tmp_path, content) == [["订单编号", "物流单号"], ["1", "杯子"]]


def test_a_broken_byte_costs_no_more_than_its_cell(tmp_path: Path) -> None:
    content = (CHINESE * 20).encode() + b"2,\xff\n"
    assert cells(tmp_path, content)[-2:] == [["1", "杯子"], ["2", "\ufffd"]]


def test_hostile_cells_survive_as_text(tmp_path: Path) -> None:
    huge = "x" * 1_000_000
    rows = [["a", "b"], ["=HYPERLINK(1)", "n\0l"], [huge, 'a "quoted", one\nof two lines']]
    text = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    usual = csv.field_size_limit()
    assert cells(tmp_path, text.encode()) == rows
    assert csv.field_size_limit() == usual, "which is that of every other reader"


def test_a_quotation_mark_that_is_never_closed_costs_its_row_alone(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    rows = ["a,b", '1,"open', *(f"{n},x" for n in range(2, 400)), '400,"open, too']
    path.write_text("\n".join(rows))
    found = lines(path)
    assert [line.number for line in found] == list(range(1, 402))
    assert [line.number for line in found if line.trouble] == [2, 401]
    assert found[2].cells == ["2", "x"]


def test_a_line_has_the_number_that_a_person_sees(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text('sep=,\na,b\n"two\nlines",1\n\nc,d\n')
    assert [(line.number, line.cells) for line in lines(path)] == [
        (2, ["a", "b"]), (3, ["two\nlines", "1"]), (5, []), (6, ["c", "d"]),
    ]  # fmt: skip
    book = xlsx(tmp_path / "book.xlsx", [[], [], [None, "a"], [], [None, "b"]])
    assert [line.number for line in lines(book) if any(line.cells)] == [3, 5]


def test_a_workbook_gives_texts_and_tells_what_was_rounded(tmp_path: Path) -> None:
    book = xlsx(
        tmp_path / "book.xlsx",
        [
            ["id", "n", "when", "yes"],
            [LONG, int(LONG), dt.datetime(2026, 11, 22, 13, 5), True],  # noqa: DTZ001
            ["007", 12, dt.date(2026, 11, 22), False],
            ["=1+1", 12.345, 0.1, -3.5],
        ],
        [["second"]],
    )
    found = lines(book)
    assert [list(line.cells) for line in found] == [
        ["id", "n", "when", "yes"],
        [LONG, LONG, "2026-11-22 13:05:00", "TRUE"],
        ["007", "12", "2026-11-22", "FALSE"],
        ["", "12.3450", "0.1", "-3.5"],
        ["second"],
    ]
    assert [line.rounded for line in found] == [(), (1,), (), (), ()]


def changed(book: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    """A copy of a workbook with another sheet."""
    other = book.with_name(name)
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as new:
        for each in old.namelist():
            content = old.read(each)
            new.writestr(each, change(content) if each.endswith("sheet1.xml") else content)
    return other


def test_what_a_workbook_says_of_its_size_is_not_believed(tmp_path: Path) -> None:
    book = xlsx(tmp_path / "book.xlsx", [["a", "b"], ["1", "2"], ["3", "4"]])
    declared = b'<dimension ref="A1"/><sheetData>'
    wrong = changed(book, "wrong.xlsx", lambda xml: xml.replace(b"<sheetData>", declared, 1))
    assert [list(line.cells) for line in lines(wrong)] == [["a", "b"], ["1", "2"], ["3", "4"]]


def test_what_would_not_fit_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = xlsx(tmp_path / "book.xlsx", [["a", "b"], ["1", "2"]])
    far = changed(book, "far.xlsx", lambda xml: xml.replace(b'r="B2"', b"r = 'XFD1048576'"))
    with pytest.raises(SheetUnreadable, match="20,000,000 cells"):
        lines(far)
    bare = changed(book, "bare.xlsx", lambda xml: xml.replace(b' r="', b' q="'))
    monkeypatch.setattr(workbooks, "MOST_CELLS", 3)
    with pytest.raises(SheetUnreadable, match="more than 3 cells"):
        lines(bare)
    monkeypatch.setattr(workbooks, "MOST_CELLS", 20_000_000)
    monkeypatch.setattr(workbooks, "UNPACKED_BYTES", 3_000_000)
    bomb = changed(book, "bomb.xlsx", lambda xml: xml + b" " * 4_000_000)
    assert bomb.stat().st_size < 20_000
    with pytest.raises(SheetUnreadable, match="unpacks to far too much"):
        lines(bomb)
    with zipfile.ZipFile(bomb) as archive:
        sizes = {each.file_size for each in archive.infolist()}
    content = bomb.read_bytes()
    for size in sizes:  # and one that claims to be small
        content = content.replace(size.to_bytes(4, "little"), (9).to_bytes(4, "little"))
    bomb.write_bytes(content)
    with pytest.raises(SheetUnreadable, match="unpacks to far too much"):
        lines(bomb)
    monkeypatch.setattr(sheets, "LIMIT_BYTES", 100)
    with pytest.raises(SheetUnreadable, match="far too big"):
        lines(book)


ODS = (
    '<?xml version="1.0"?><office:document-content '
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
    '<table:table table:name="T"><table:table-row><table:table-cell office:value-type="string">'
    "<text:p>a</text:p></table:table-cell>{cell}</table:table-row>"
    '<table:table-row table:number-rows-repeated="1048575"><table:table-cell '
    'table:number-columns-repeated="16384"/></table:table-row></table:table>'
    "</office:spreadsheet></office:body></office:document-content>"
)

MANIFEST = (
    '<?xml version="1.0"?><manifest:manifest '
    'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
)


def test_an_ods_is_read_and_repeats_nothing_without_end(tmp_path: Path) -> None:
    path = tmp_path / "table.ods"

    def made(repeated: int) -> Path:
        cell = (
            f'<table:table-cell table:number-columns-repeated="{repeated}" '
            'office:value-type="string"><text:p>b</text:p></table:table-cell>'
        )
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
            archive.writestr("META-INF/manifest.xml", MANIFEST)
            archive.writestr("content.xml", ODS.format(cell=cell))
        return path

    assert [list(line.cells) for line in lines(made(2))] == [["a", "b", "b"]]
    with pytest.raises(SheetUnreadable, match="20,000,000 cells"):
        lines(made(2_000_000_000))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"PK\3\4 no workbook", "save it as `CSV UTF-8`"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "save it as `CSV UTF-8`"),
        (b"<html><body><table>", "a web page"),
        (bytes(200), "is no text"),
    ],
)
def test_what_is_no_table_is_one_clear_line(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(SheetUnreadable, match=why):
        cells(tmp_path, content)
    with pytest.raises(SheetUnreadable, match="No such file"):
        lines(tmp_path / "absent")
