"""`packwitness find` and `packwitness shift` as a supervisor and a script meet them."""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path

import pytest
from openpyxl import load_workbook

from station.cli import main
from station.local_time import LOCAL
from station.shift_sheet import COLUMNS, write_csv, write_xlsx
from storage.archive import Archive
from storage.records import EndReason, Kind, Session, Status, Waybill
from storage.shift import Shift, Work

HOSTILE = "=1+1\x1b[31m"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Five parcels of today: two packers, one cancelled, one return."""
    root = tmp_path / "archive"
    now = dt.datetime.now(dt.UTC)
    with Archive.open(root) as archive:
        for n, packer in enumerate(("Ann", "Ann", "Bob", HOSTILE, "Bob")):
            session = Session(
                id=f"{n:026d}", waybill=Waybill(f"94001000{n}", "x", "USPS"),
                kind=Kind.RETURN if n == 4 else Kind.PACKING, pass_no=1, bench="bench 1",
                packer=packer, opened_at=now - dt.timedelta(milliseconds=10 - n),
            )  # fmt: skip
            archive.open_session(session).result()
            status = Status.CANCELLED if n == 2 else Status.SEALED
            archive.seal(session.id, status, EndReason.FINISH, now).result()
    return root


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    told = capsys.readouterr()
    return code, told.out, told.err


def numbers(out: str) -> list[str]:
    return [session["tracking_number"] for session in json.loads(out)]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["packer:ann"], ["940010001", "940010000"]),
        (["is:cancelled", "on:today"], ["940010002"]),
        (["is:novideo", "is:return"], ["940010004"]),
        (["94001"], [f"94001000{n}" for n in (4, 3, 2, 1, 0)]),
        (["4001000"], [f"94001000{n}" for n in (4, 3, 2, 1, 0)]),
        (["94001", "packer:bob", "kind:packing"], ["940010002"]),
    ],
)
def test_find_takes_words(
    capsys: pytest.CaptureFixture[str], root: Path, words: list[str], found: list[str]
) -> None:
    code, out, err = run(capsys, "find", *words, "--archive", root, "--json")
    assert (code, err) == (0, "")
    assert numbers(out) == found


def test_find_says_what_is_allowed_and_what_was_not_found(
    capsys: pytest.CaptureFixture[str], root: Path
) -> None:
    code, out, err = run(capsys, "find", "is:late", "--archive", root)
    assert (code, out) == (2, "")
    assert "known are incomplete" in err
    code, _, err = run(capsys, "find", "is:held", "--archive", root)
    assert code == 1
    assert "no session is is:held" in err


def test_find_shows_so_many_and_says_that_there_are_more(
    capsys: pytest.CaptureFixture[str], root: Path
) -> None:
    code, out, err = run(capsys, "find", "94001", "--limit", 2, "--archive", root)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["TRACKING", "940010004", "940010003"]
    assert "only the first 2" in err
    assert "\x1b" not in out


def test_filters_are_kept_used_and_forgotten(
    capsys: pytest.CaptureFixture[str], root: Path
) -> None:
    assert run(capsys, "find", "--save", "bobs", "packer:bob", "--archive", root)[0] == 0
    _, out, _ = run(capsys, "find", "--filters", "--archive", root)
    assert "bobs: packer:bob" in out
    assert "held: is:held" in out
    _, out, _ = run(capsys, "find", "--filter", "bobs", "is:return", "--archive", root, "--json")
    assert numbers(out) == ["940010004"]
    assert run(capsys, "find", "--forget", "bobs", "--archive", root)[0] == 0
    code, _, err = run(capsys, "find", "--filter", "bobs", "--archive", root)
    assert code == 1
    assert "no filter is called 'bobs'" in err
    code, _, err = run(capsys, "find", "--save", "bad", "is:late", "--archive", root)
    assert code != 0
    assert "is:late" in err


def test_the_middle_index_is_made_once_and_kept(
    capsys: pytest.CaptureFixture[str], root: Path
) -> None:
    for _ in range(2):
        assert run(capsys, "find", "--index-middle", "--archive", root) == (0, "", "")
    code, out, _ = run(capsys, "find", "4001000", "--archive", root, "--json")
    assert (code, len(numbers(out))) == (0, 5)
    with Archive.open(root) as archive:
        archive.index_middle()
        opened = dt.datetime.now(dt.UTC)
        late = Session("7" * 26, Waybill("ABCDEFGH", "x", None), Kind.PACKING, 1, "b", "p", opened)
        archive.open_session(late).result()
    code, out, _ = run(capsys, "find", "CDEF", "--archive", root, "--json")
    assert numbers(out) == ["ABCDEFGH"]


def test_shift_tells_a_day_and_the_ledgers_head(
    capsys: pytest.CaptureFixture[str], root: Path, tmp_path: Path
) -> None:
    table, book = tmp_path / "shift.csv", tmp_path / "shift.xlsx"
    code, out, err = run(capsys, "shift", "--archive", root, "--csv", table, "--xlsx", book)
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    total = next(line.split() for line in out.splitlines() if line.startswith("all"))
    assert total[2:4] == ["3", "1"]
    with Archive.open(root, read_only=True) as archive:
        head = str(archive.head())
    assert f"ledger head {head}" in out
    with table.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0] == list(COLUMNS)
    assert {line[1] for line in lines[1:4]} == {"Ann", "Bob", "'=1+1?[31m"}
    assert ["ledger head", head] in lines
    sheet = load_workbook(book).active
    assert sheet is not None
    cells = list(sheet.iter_rows(max_row=5))
    assert [cell.value for cell in cells[0]] == list(COLUMNS)
    (hostile,) = (row[1] for row in cells if str(row[1].value).startswith("=1+1"))
    assert hostile.data_type == "s"
    assert cells[4][2].value == 3

    code, out, _ = run(capsys, "shift", "--day", "yesterday", "--archive", root, "--json")
    told = json.loads(out)
    assert (code, told["total"]["parcels"], told["work"]) == (0, 0, [])
    code, out, _ = run(capsys, "shift", "--from", "yesterday", "--archive", root, "--json")
    assert json.loads(out)["total"]["cancelled"] == 1
    for wrong in (["--day", "x"], ["--day", "today", "--from", "today"], ["--to", "today"]):
        assert run(capsys, "shift", *wrong, "--archive", root)[0] == 2


def test_a_sheet_that_cannot_be_written_is_told(root: Path, tmp_path: Path) -> None:
    nothing = Work("", "", 0, 0, None, 0, 0, 0, 0, 0.0, 0.99999, 0, 0, 0, 0)
    moment = dt.datetime.now(dt.UTC)
    for write in (write_csv, write_xlsx):
        with pytest.raises(OSError, match="nowhere"):
            write(Shift(moment, moment, nothing, ()), tmp_path / "nowhere" / "x", "1:ab")
    write_csv(Shift(moment, moment, nothing, ()), tmp_path / "x.csv", "1:ab")
    assert "99.99" in (tmp_path / "x.csv").read_text(encoding="utf-8-sig")


def test_the_local_zone_knows_summer_from_winter() -> None:
    for month in (1, 7):
        moment = dt.datetime(2026, month, 15, 12, tzinfo=dt.UTC)
        assert moment.astimezone(LOCAL).utcoffset() == moment.astimezone().utcoffset()
        local = dt.datetime(2026, month, 15, 12, tzinfo=LOCAL)
        assert local.astimezone(dt.UTC) == dt.datetime(2026, month, 15, 12).astimezone(dt.UTC)
