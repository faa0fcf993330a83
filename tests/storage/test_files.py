"""Files are made once, whole, and under names that stay where they belong."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import pytest

from storage import files
from storage.errors import Refused


def test_a_new_file_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    written = files.write_new(path, [b"one ", b"two"])
    assert written == files.Written(7, hashlib.sha256(b"one two").hexdigest())
    assert files.measure(path) == written
    with pytest.raises(FileExistsError):
        files.write_new(path, [b"three"])
    assert path.read_bytes() == b"one two"


def test_writing_over_leaves_no_half_file(tmp_path: Path) -> None:
    path = tmp_path / "session.json"
    files.write_over(path, b"old")
    (tmp_path / "session.json.part").write_bytes(b"left by a crash")

    with pytest.raises(TypeError):
        files.write_over(path, ["no bytes"])  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    files.write_over(path, b"new")
    assert [found.name for found in tmp_path.iterdir()] == ["session.json"]
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "a\\b", "C:x", ".hidden", "a\x00", "a\x1b", "x" * 300],
)
def test_names_that_lead_elsewhere_are_not_plain(name: str) -> None:
    assert not files.plain_name(name)


def test_plain_names_are_in_any_script() -> None:
    assert files.plain_name("overhead-01.mp4")
    assert files.plain_name("俯视-01.mp4")


def test_a_session_lies_under_its_utc_day() -> None:
    session = "01M81J19F8PXFR07JWW2X3HRAF"
    opened_at = dt.datetime(2026, 12, 31, 23, 30, tzinfo=dt.timezone(-dt.timedelta(hours=5)))
    assert files.session_folder(session, opened_at) == f"media/2027/01/01/{session}"
    for wrong in (session.lower(), session[1:], f"../{session[3:]}", f"{session}\n"):
        with pytest.raises(Refused):
            files.session_folder(wrong, opened_at)
