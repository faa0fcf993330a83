"""`packwitness disclosures`: who got what, for people, scripts and spreadsheets."""

from __future__ import annotations

import csv
import datetime as dt
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from station.cli import main
from storage.archive import Archive
from storage.disclosures import DisclosedFile, Disclosure, disclosure_to_json
from storage.evidence.package import export
from storage.later import Role
from storage.records import Waybill
from tests.storage.arrivals import ANN
from tests.storage.desk import NUMBER, Desk
from tests.storage.later_clock import SetClock

HOSTILE = "=cmd|'x'!A1\x1b[2J\u202e"
FOURTH = Path(__file__).parents[1] / "storage" / "fourth_archive" / "archive.zip"


@pytest.fixture
def told(tmp_path: Path) -> list[Disclosure]:
    """What left an archive in `archive`: three times, oldest first, a day apart."""
    clock = SetClock()
    with Archive.open(tmp_path / "archive", clock=clock) as archive:
        desk = Desk(archive)
        packed, other = desk.pack(), desk.pack("OTHER0001")
        archive.rebind(ANN, other.id, Waybill("RIGHT0001", ""), "label").result()
        found = []
        for number, sessions in enumerate(((packed,), (packed, other), (other,))):
            clock.pass_(days=1)
            path = tmp_path / f"clip-{number}.mp4"
            path.write_bytes(b"clip %d" % number)
            file = DisclosedFile(path.name, 6, sha256(path))
            found.append(
                archive.disclose(
                    ANN,
                    sessions=[session.id for session in sessions],
                    profile="stills-3",
                    package=f"out-{number}",
                    digest=f"{number}" * 64,
                    files=[file],
                    recipient=HOSTILE if number == 1 else "Allianz",
                    reason="claim 7",
                ).result()
            )
    return found


def sha256(path: Path) -> str:
    from storage import files

    return files.measure(path).sha256


def ask(tmp_path: Path, *words: str) -> int:
    return main(["disclosures", *words, "--archive", str(tmp_path / "archive")])


def asked(tmp_path: Path, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """The packages that are told of."""
    assert ask(tmp_path, *words, "--json") == 0
    return [each["package"] for each in json.loads(capsys.readouterr().out)]


def test_it_tells_who_got_what_newest_first(
    tmp_path: Path, told: list[Disclosure], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(tmp_path) == 0
    newest, both, oldest = capsys.readouterr().out.splitlines()
    day = told[0].at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    assert oldest == f"{day}  Ann (supervisor)  stills-3  out-0  {NUMBER}  for Allianz: claim 7"
    assert f"  out-1  {NUMBER}, RIGHT0001  for =cmd|'x'!A1?[2J?: claim 7" in both
    assert "out-2  RIGHT0001" in newest
    assert asked(tmp_path, capsys, NUMBER[-6:]) == ["out-1", "out-0"]
    for number in ("OTHER0001", "RIGHT0001"):
        assert asked(tmp_path, capsys, number) == ["out-2", "out-1"]
    assert ask(tmp_path, "--json", "--limit", "1") == 0
    printed = capsys.readouterr()
    (spoken,) = json.loads(printed.out)
    assert spoken == {**disclosure_to_json(told[2]), "tracking_numbers": ["RIGHT0001"]}
    assert "only the newest 1" in printed.err


def test_since_and_the_very_file(
    tmp_path: Path, told: list[Disclosure], capsys: pytest.CaptureFixture[str]
) -> None:
    day = told[1].at.astimezone().date().isoformat()
    assert asked(tmp_path, capsys, "--since", day) == ["out-2", "out-1"]
    assert ask(tmp_path, "--since", "some day") == 2
    assert "some day" in capsys.readouterr().err
    copy = Path(shutil.copy(tmp_path / "clip-1.mp4", tmp_path / "found on the web.mp4"))
    assert asked(tmp_path, capsys, "--file", str(copy)) == ["out-1"]
    assert asked(tmp_path, capsys, NUMBER, "--file", str(copy)) == ["out-1"]
    copy.write_bytes(b"something else")
    assert ask(tmp_path, "--file", str(copy)) == 1
    assert "nothing that was asked for" in capsys.readouterr().err
    folder = tmp_path / "kit"
    folder.mkdir()
    (folder / "export.json").write_bytes(b"{}")
    assert ask(tmp_path, "--file", str(folder)) == 1
    with Archive.open(tmp_path / "archive") as archive:
        archive.disclose(
            ANN,
            sessions=told[0].sessions,
            profile="stills-3",
            package="kit",
            digest=sha256(folder / "export.json"),
            files=(),
        ).result()
    assert asked(tmp_path, capsys, "--file", str(folder)) == ["kit"]
    assert ask(tmp_path, "--file", str(tmp_path / "none")) == 2


def test_a_package_tells_whom_it_was_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Archive.open(tmp_path / "archive") as archive:
        packed = Desk(archive).pack()
        path = export(archive, [packed], tmp_path / "out", actor=ANN, recipient="Allianz").path
    renamed = shutil.copy(path, tmp_path / "renamed.zip")
    with zipfile.ZipFile(path) as package:
        package.extractall(tmp_path / "unpacked")
    for given in (renamed, tmp_path / "unpacked" / path.stem):
        assert asked(tmp_path, capsys, "--file", str(given)) == [path.name]


def test_a_package_of_a_former_version_is_known_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(FOURTH) as made:
        made.extractall(tmp_path / "archive")
    package = tmp_path / "archive" / "exports" / "fourth.zip"
    assert asked(tmp_path, capsys, "--file", str(package)) == ["fourth.zip"]
    assert ask(tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 7
    assert "  -  -  evidence.zip  " in lines[4]


def test_a_spreadsheet_obeys_nothing_in_it(
    tmp_path: Path, told: list[Disclosure], capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "sheet.csv"
    assert ask(tmp_path, "--csv", str(sheet)) == 0
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["package"] for row in rows] == ["out-2", "out-1", "out-0"]
    assert rows[1]["recipient"] == "'=cmd|'x'!A1?[2J?"
    assert rows[1]["tracking_numbers"] == f"{NUMBER} RIGHT0001"
    assert (rows[1]["files"], rows[1]["bytes"], rows[1]["digest"]) == ("1", "6", "1" * 64)
    assert dt.datetime.fromisoformat(rows[1]["at"]) == told[1].at


def test_what_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(tmp_path) == 1
    assert "no archive" in capsys.readouterr().err
    with Archive.open(tmp_path / "archive") as archive:
        Desk(archive).pack()
        Desk(archive).pack("JD1000006784")
    assert ask(tmp_path) == 0
    assert "nothing that was asked for has left" in capsys.readouterr().err
    assert ask(tmp_path, "UNKNOWN9") == 1
    assert "no session of 'UNKNOWN9'" in capsys.readouterr().err
    assert ask(tmp_path, "6784") == 2
    assert "means 2 waybills" in capsys.readouterr().err


def test_whoever_may_find_may_ask(
    tmp_path: Path,
    told: list[Disclosure],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Archive.open(tmp_path / "archive") as archive:
        nobody = archive.nobody()
        assert nobody is not None
        archive.admit(nobody, "Sue", Role.SUPERVISOR, "482913").result()
        sue = archive.sign_in("Sue", "482913")
        archive.admit(sue, "Pat", Role.PACKER, "482914").result()
    assert ask(tmp_path) == 2
    assert "say who you are" in capsys.readouterr().err
    monkeypatch.setenv("PACKWITNESS_PIN", "482914")
    assert asked(tmp_path, capsys, "--as", "Pat") == ["out-2", "out-1", "out-0"]
