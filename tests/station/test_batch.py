"""A list of waybills goes out whatever becomes of each, and goes on where it was stopped."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from station.batch import SUMMARY, Row, export_all, numbers_in, safe, told
from station.config import load_config, with_archive
from station.exporting import Way, way_out
from storage.archive import Archive
from storage.errors import NumbersUnreadable
from storage.evidence.verify import verify
from storage.later import Actor
from tests.storage.desk import NUMBER, Desk
from tests.storage.intake.exports import xlsx

OTHER, DAMAGED = "1Z999AA10123456795", "1Z999AA10123450001"


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "archive") as archive:
        desk = Desk(archive)
        desk.pack()
        desk.pack(OTHER)
        bare, _ = desk.open(DAMAGED)
        desk.seal(bare)
        yield archive


@pytest.fixture
def actor(archive: Archive) -> Actor:
    actor = archive.nobody()
    assert actor is not None
    return actor


@pytest.fixture
def way(archive: Archive, actor: Actor, tmp_path: Path) -> Way:
    return way_out(with_archive(load_config(None), archive.root), archive, actor)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def listed(tmp_path: Path, content: bytes, column: str = "") -> tuple[str, ...]:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    return numbers_in(path, column)


@pytest.mark.parametrize(
    ("content", "column"),
    [
        (f"{NUMBER}\n{OTHER}\n".encode(), ""),
        (f"Order,Tracking Number\nA-1,{NUMBER}\nA-2,{OTHER}\nA-3,{NUMBER}\n".encode(), ""),
        (f"\ufeffname;tracking_no\r\nx;{NUMBER}\r\n\r\ny; {OTHER} \r\n".encode(), ""),
        (f"订单编号\t运单号\n1\t{NUMBER}\n2\t{OTHER}\n".encode("gb18030"), ""),
        (f"Order,Label\n7,{NUMBER}\n8,{OTHER}\n".encode("utf-16"), "label"),
        (f"what\n'{NUMBER}\n{OTHER}".encode(), ""),
    ],
)
def test_the_numbers_are_found_however_the_list_was_saved(
    tmp_path: Path, content: bytes, column: str
) -> None:
    assert listed(tmp_path, content, column) == (NUMBER, OTHER)


@pytest.mark.parametrize(
    ("content", "column", "why"),
    [
        (b"", "", "holds no number"),
        (b"tracking number\n", "", "holds no number"),
        (b"PK\3\4 a workbook", "", "save it as `CSV UTF-8`"),
        (b"a\0b\n", "", "is no text"),
        (b"order,number\n1,2\n", "waybill", "no column 'waybill', only: order, number"),
    ],
)
def test_a_list_that_is_none_is_one_clear_line(
    tmp_path: Path, content: bytes, column: str, why: str
) -> None:
    with pytest.raises(NumbersUnreadable, match=why):
        listed(tmp_path, content, column)
    with pytest.raises(NumbersUnreadable, match="No such file"):
        numbers_in(tmp_path / "absent.csv")


def test_a_list_may_be_a_workbook(tmp_path: Path) -> None:
    path = xlsx(
        tmp_path / "list.xlsx",
        [["Order", "Tracking Number"], ["A-1", NUMBER], [], ["A-2", OTHER], ["A-3", NUMBER]],
    )
    assert numbers_in(path) == (NUMBER, OTHER)
    assert numbers_in(path, "order") == ("A-1", "A-2", "A-3")
    lost = xlsx(tmp_path / "lost.xlsx", [["Tracking Number"], [9400111206206406260787]])
    with pytest.raises(NumbersUnreadable, match="line 2 has a number that a spreadsheet rounded"):
        numbers_in(lost)


def rows_of(target: Path) -> list[dict[str, str]]:
    with (target / SUMMARY).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_each_is_exported_and_the_others_are_named(
    archive: Archive, actor: Actor, way: Way, tmp_path: Path
) -> None:
    asked = (NUMBER, "=1+1", OTHER, "../../x", DAMAGED, "0000")
    moved: list[tuple[int, int]] = []
    rows = list(
        export_all(
            archive, actor, way, asked, tmp_path / "out", progress=lambda *now: moved.append(now)
        )
    )
    results = [row.result for row in rows]
    assert results == ["exported", "not found", "exported", "not found", "exported", "not found"]
    assert "no photo of item, label" in rows[4].missing
    assert moved == sorted(moved)
    assert moved[-1] == (6000, 6000)
    for row in (rows[0], rows[2], rows[4]):
        assert verify(tmp_path / "out" / row.path) == []
    written = rows_of(tmp_path / "out")
    assert [each["result"] for each in written] == results
    assert written[1]["asked"] == "'=1+1"
    assert written[0]["digest"] == rows[0].digest
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        [SUMMARY, *(row.path for row in rows if row.path)]
    )


def test_a_damaged_one_does_not_hold_up_the_others(
    archive: Archive, actor: Actor, way: Way, tmp_path: Path
) -> None:
    (session,) = archive.find(NUMBER)
    path = archive.root / session.clips[0].path
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    rows = list(export_all(archive, actor, way, (NUMBER, OTHER), tmp_path / "out"))
    assert [row.result for row in rows] == ["failed", "exported"]
    assert "overhead-01.mp4" in rows[0].why


def test_the_same_list_goes_on_where_it_was_stopped(
    archive: Archive, actor: Actor, way: Way, tmp_path: Path
) -> None:
    asked, out = (NUMBER, OTHER, DAMAGED), tmp_path / "out"
    begun = export_all(archive, actor, way, asked, out)
    first = [next(begun), next(begun)]
    begun.close()
    with (out / SUMMARY).open("a", encoding="utf-8") as file:
        file.write(f"{DAMAGED},exported,torn by a cr")
    assert list(export_all(archive, actor, way, asked, out))[:2] == first
    told_of = archive.disclosures()
    assert len(told_of) == 3, "what was done was not done again"
    (out / first[0].path).unlink()
    again = list(export_all(archive, actor, way, asked, out))
    assert len(archive.disclosures()) == 4, "what is gone is made again"
    assert [row.result for row in again] == ["exported"] * 3
    assert len(rows_of(out)) == 3
    list(export_all(archive, actor, way, asked, out, again=True))
    assert len(archive.disclosures()) == 7


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "plain", "'quoted", "'=x", ""])
def test_no_cell_is_a_formula_and_numbers_come_back(text: str) -> None:
    assert not safe(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    if text.isprintable():
        assert told(safe(text)) in (text, text.removeprefix("'"))


def test_a_row_holds_no_line_of_its_own(tmp_path: Path) -> None:
    assert "\n" not in safe(Row("a\nb\x1b[31m", "failed").asked)
