"""`packwitness archive` as it is used: a real terminal, real keys, archives in every state."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from storage.archive import Archive
from storage.later import Role
from tests.station.ui.archive.shelf import mixed
from tests.station.ui.pty_screen import ROOT, Screen

PROGRAM = [sys.executable, "-m", "station.cli", "archive"]
PIN = "482913"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    with Archive.open(tmp_path / "archive") as archive:
        mixed(archive)
    return tmp_path / "archive"


def screen(root: Path, *options: str) -> Screen:
    return Screen([*PROGRAM, "--archive", str(root), "--language", "en", *options], root.parent)


def test_it_finds_opens_and_quits(root: Path) -> None:
    with closing(screen(root)) as there:
        there.until("5 found")
        there.type(b"6784")
        there.until("1 found")
        there.type(b"\x11")
        assert there.ended() == 0


def test_people_must_sign_in(root: Path) -> None:
    with Archive.open(root) as archive:
        nobody = archive.nobody()
        assert nobody is not None
        archive.admit(nobody, "Eva", Role.SUPERVISOR, PIN).result()
    with closing(screen(root)) as there:
        there.until("Sign in to search")
        there.type(b"Eva\r" + PIN.encode() + b"\r")
        there.until("5 found")
        there.type(b"\x11")
        assert there.ended() == 0
        assert PIN not in there.text


@pytest.mark.parametrize("damage", ["gone", "bytes"])
def test_an_archive_that_cannot_be_opened_is_told_in_one_line(root: Path, damage: str) -> None:
    database = root / "archive.db"
    if damage == "gone":
        database.unlink()
    else:
        database.write_bytes(b"no database at all" * 100)
    told = subprocess.run(
        [*PROGRAM, "--archive", str(root)], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert told.returncode == 1
    assert "Traceback" not in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1


def test_no_archive_is_made_by_looking_for_one(tmp_path: Path) -> None:
    told = subprocess.run(
        [*PROGRAM, "--archive", str(tmp_path / "none")],
        capture_output=True, text=True, cwd=ROOT, timeout=60,
    )  # fmt: skip
    assert told.returncode == 1
    assert not (tmp_path / "none").exists()


def test_nothing_heavy_is_loaded_before_the_first_picture() -> None:
    code = (
        "import sys; import station.cli, storage.archive, station.ui.archive.search, "
        "station.ui.archive.terminal; "
        "print([m for m in ('cv2', 'av', 'PIL', 'xlsxwriter', 'pypdfium2', 'argon2') "
        "if m in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert told.stdout.strip() == "[]", told.stderr
