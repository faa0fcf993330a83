"""Many claims in one table: numbers and amounts stay what they are, and no cell is a formula."""

from __future__ import annotations

import csv
import datetime as dt
import zipfile
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from storage.claims.batch import CENTS, HEADINGS, write_csv, write_xlsx
from storage.claims.claim import Claim, ClaimStatus, ClaimType

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
LONG = "9400111206206406260787"
HOSTILE = (
    '=HYPERLINK("http://x","y")', "+1+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1", "\n=1+1",
    "  =1+1", "a\x00b\x1b[2J", "http://example.com", "{=1+1}", "x" * 1_000_000, "\u202eabc",
    "_x0041_",
)  # fmt: skip


def claims() -> list[Claim]:
    """One for each hostile text, with amounts that a float gets wrong."""
    claim = Claim(
        "0" * 26, "C-2026-0001", LONG, ClaimType.LOSS, NOON, NOON, NOON, ClaimStatus.PAID,
        currency="USD", requested_cents=1_01, approved_cents=10**15, paid_cents=0,
        deadline_at=NOON, complete=True,
    )  # fmt: skip
    return [
        replace(claim, reference=f"C-2026-{place:04}", description=text, recipient_name=text)
        for place, text in enumerate(HOSTILE)
    ]


def test_a_workbook_holds_texts_and_whole_cents(tmp_path: Path) -> None:
    path = tmp_path / "claims.xlsx"
    assert write_xlsx(claims(), path, ZoneInfo("Asia/Shanghai")) == len(HOSTILE)
    sheet = openpyxl.load_workbook(path)["claims"]
    head, *lines = sheet.iter_rows()
    names = [cell.value for cell in head]
    assert names == [*HEADINGS, *CENTS]
    assert len(lines) == len(HOSTILE)
    for cells in lines:
        row = dict(zip(names, cells, strict=True))
        assert all(cell.data_type in ("s", "n") for cell in cells)
        assert row["tracking_number"].data_type == "s"
        assert row["tracking_number"].value == LONG
        assert row["requested"].value == "1.01"
        assert row["approved"].value == "10000000000000.00"
        assert (row["requested_cents"].value, row["approved_cents"].value) == (101, 10**15)
        assert isinstance(row["approved_cents"].value, int)
        assert row["deadline_at"].value == "2026-11-22 20:00"
        assert len(str(row["description"].value or "")) <= 32_767
    assert "x" * 32_000 in {row[HEADINGS.index("description")].value for row in lines}
    with zipfile.ZipFile(path) as opened:
        inside = b"".join(opened.read(name) for name in opened.namelist())
    for forbidden in (b"<f>", b"<hyperlink", b"externalLink", b"\x1b", b"\x00"):
        assert forbidden not in inside


def test_a_csv_file_holds_no_formula(tmp_path: Path) -> None:
    path = tmp_path / "claims.csv"
    assert write_csv(claims(), path, dt.UTC) == len(HOSTILE)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["reference"] for row in rows] == [claim.reference for claim in claims()]
    for row in rows:
        assert (row["tracking_number"], row["requested"], row["paid"]) == (LONG, "1.01", "0.00")
        assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in row.values())
        assert all(cell.isprintable() for cell in row.values())


def test_a_table_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    for write in (write_csv, write_xlsx):
        with pytest.raises(OSError, match="nowhere"):
            write(claims()[:1], tmp_path / "nowhere" / "claims.x", dt.UTC)
