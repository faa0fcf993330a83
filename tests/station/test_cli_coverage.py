"""`packwitness coverage`: what left without evidence, for people, scripts and spreadsheets."""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from station.cli import main
from storage.archive import Archive
from tests.storage.desk import Desk
from tests.storage.leaving_parcels import HOUR, packed, shipped

HOSTILE = "=cmd|'x'!A1\x1b[2J"


@pytest.fixture
def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@pytest.fixture
def left(tmp_path: Path, now: dt.datetime) -> None:
    """Parcels that left within the last days: one well packed, one badly, two not at all."""
    with Archive.open(tmp_path / "archive") as archive:
        desk = Desk(archive, now - 5 * HOUR)
        packed(desk, "GOOD0001")
        packed(desk, "POOR0001", video=False)
        shipped(archive, "1", "GOOD0001", at=now - 4 * HOUR)
        shipped(archive, "2", "POOR0001", at=now - 4 * HOUR)
        shipped(archive, HOSTILE, "NONE0001", at=now - 4.5 * HOUR)
        shipped(archive, "4", "OLD00001", at=now - 50 * HOUR)
        shipped(archive, "5", "JUSTNOW1", at=now - HOUR)


def ask(tmp_path: Path, *words: str) -> int:
    return main(["coverage", *words, "--archive", str(tmp_path / "archive")])


def asked(tmp_path: Path, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    capsys.readouterr()
    ask(tmp_path, *words, "--json")
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("left")
def test_parcels_without_evidence_are_listed_and_make_it_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(tmp_path) == 1
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0].split() == ["PARCELS", "GOOD", "POOR", "NONE", "COVERED"]
    assert [line.split() for line in lines if line.startswith("all")] == [
        ["all", "4", "1", "1", "2", "25.0", "%"]
    ]
    poor, none, old = lines[-3:]
    assert poor.startswith("POOR0001  shipped ")
    assert "no video  at bench 1 (Ann)  order 2  CAN STILL BE MENDED" in poor
    assert "no session  (about then packed: bench 1)  order =cmd|'x'!A1?[2J  CAN STILL" in none
    assert old.startswith("OLD00001")
    assert "MENDED" not in old
    assert "2 of them can still be mended" in said.err
    assert "JUSTNOW1" not in said.out  # its session may still be sealed


@pytest.mark.usefixtures("left")
def test_where_all_is_covered_it_succeeds(
    tmp_path: Path, now: dt.datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    before = f"{(now - 60 * HOUR).astimezone():%Y-%m-%dT%H:%M}"
    until = f"{(now - 55 * HOUR).astimezone():%Y-%m-%dT%H:%M}"
    assert ask(tmp_path, "--since", before, "--until", until) == 0
    assert "no imported order was shipped in that time" in capsys.readouterr().err


@pytest.mark.usefixtures("left")
def test_which_days_are_asked_for_is_up_to_the_asker(
    tmp_path: Path, now: dt.datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    since = f"{(now - 5 * HOUR).astimezone():%Y-%m-%dT%H:%M}"
    assert asked(tmp_path, capsys, "--days", "2")["total"]["parcels"] == 3
    assert asked(tmp_path, capsys, "--since", since)["total"]["parcels"] == 3
    assert asked(tmp_path, capsys, "--days", "7")["total"]["parcels"] == 4
    config = tmp_path / "config.toml"
    config.write_text("[coverage]\ndays = 1\ngrace_h = 0.5\n")
    told = asked(tmp_path, capsys, "--config", str(config))
    assert [each["tracking_number"] for each in told["uncovered"]] == [
        "JUSTNOW1", "POOR0001", "NONE0001",
    ]  # fmt: skip
    for words in (["--days", "2", "--since", since], ["--since", "some day"],
                  ["--since", "2026-11-22", "--until", "2026-11-20"]):  # fmt: skip
        assert ask(tmp_path, *words) == 2


@pytest.mark.usefixtures("left")
def test_a_spreadsheet_gets_them_as_text(tmp_path: Path) -> None:
    path = tmp_path / "gaps.csv"
    assert ask(tmp_path, "--csv", str(path)) == 1
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["tracking_number"] for row in rows] == ["POOR0001", "NONE0001", "OLD00001"]
    assert rows[1]["orders"] == "'=cmd|'x'!A1?[2J"
    assert [row["can_be_mended"] for row in rows] == ["yes", "yes", "no"]


@pytest.mark.usefixtures("left")
def test_json_has_the_figures_of_days_and_benches(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = asked(tmp_path, capsys)
    assert told["total"] == {
        "parcels": 4, "good": 1, "poor": 1, "none": 2, "covered_permille": 250,
    }  # fmt: skip
    assert sum(day["parcels"] for day in told["days"]) == 4
    assert {each["bench"]: each["parcels"] for each in told["benches"]} == {"": 2, "bench 1": 2}
    assert told["uncovered_not_listed"] == 0
