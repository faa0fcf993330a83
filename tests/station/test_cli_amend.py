"""What is said later, and what goes by policy, from the command line."""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path

import pytest

from station.cli import main
from storage import files
from storage.archive import Archive
from storage.evidence.verify import verify
from storage.records import Kind
from tests.storage.desk import NUMBER, Desk

OTHER = "1ZAAAAAA0123456784"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Archive.open(tmp_path / "archive").close()
    return tmp_path / "archive"


def run(
    capsys: pytest.CaptureFixture[str], root: Path, *arguments: str | Path
) -> tuple[int, str, str]:
    """Exit code, stdout and stderr."""
    code = main([*map(str, arguments), "--archive", str(root)])
    told = capsys.readouterr()
    return code, told.out, told.err


def packed(root: Path, days_ago: float = 1, number: str = NUMBER, **how: Kind | int) -> str:
    """The id of a parcel that was packed so long ago."""
    at = dt.datetime.now(dt.UTC) - dt.timedelta(days=days_ago)
    with Archive.open(root) as archive:
        desk = Desk(archive, at)
        return desk.pack(number, **how).id  # type: ignore[arg-type]


def test_hold_and_release_count_for_all_sessions_of_a_number(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = {packed(root, 2), packed(root, 1, pass_no=2)}
    code, out, _ = run(capsys, root, "hold", NUMBER[-6:], "--reason", "claim 77", "--json")
    assert code == 0 and {each["subject"] for each in json.loads(out)} == ids
    assert "is held" in run(capsys, root, "find", NUMBER)[1]
    code, out, _ = run(capsys, root, "release", NUMBER, "--reason", "paid")
    assert code == 0 and len(out.splitlines()) == 2
    code, _, err = run(capsys, root, "release", NUMBER, "--reason", "paid")
    assert code == 2 and "nothing holds" in err
    code, out, _ = run(capsys, root, "history", NUMBER)
    assert [line.split("  ")[3].split(":")[0].split()[0] for line in out.splitlines()] == [
        "held", "held", "undone", "undone",
    ]  # fmt: skip
    assert "claim 77" in out


def test_one_session_of_several_is_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = packed(root, 2), packed(root, 1, pass_no=2)
    code, _, err = run(capsys, root, "rebind", NUMBER, OTHER, "--reason", "x")
    assert code == 2 and first in err and second in err
    code, out, _ = run(capsys, root, "rebind", second, OTHER, "--reason", "late label", "--json")
    assert code == 0
    (said,) = json.loads(out)
    assert (said["subject"], said["number"], said["carrier"]) == (second, OTHER, "ups")
    (found,) = json.loads(run(capsys, root, "find", OTHER, "--json")[1])
    assert (found["session"], found["effective_number"]) == (second, OTHER)
    assert f"rebound to {OTHER}: late label" in run(capsys, root, "history", OTHER)[1]


def test_a_rebound_session_is_exported_by_either_number(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = packed(root)
    assert run(capsys, root, "rebind", session, OTHER, "--reason", "late")[0] == 0
    packed(root, number=OTHER)
    code, out, err = run(capsys, root, "export", OTHER)
    assert code == 0, err
    assert verify(Path(out.strip())) == []


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("note", "NOTHERE12345", "x"), 1, "no session of"),
        (("note", NUMBER, " "), 1, "reason"),
        (("rebind", NUMBER, "x" * 500, "--reason", "x"), 2, "no tracking number"),
        (("rebind", NUMBER, NUMBER, "--reason", "x"), 1, "already"),
        (("mark-test", NUMBER), 2, "--reason"),
        (("retain", "--gone", "--run"), 2, "ask for one"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    root: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    told: str,
) -> None:
    packed(root)
    found, out, err = run(capsys, root, *arguments)
    assert (found, out) == (code, "")
    assert told in err and len(err.splitlines()) == 1


def test_hostile_words_stay_words(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed(root)
    code, out, _ = run(capsys, root, "note", NUMBER, "\x1b[2J=1+1 \udcff ../..")
    assert code == 0 and "\x1b" not in out
    assert "\x1b" not in run(capsys, root, "history", NUMBER)[1]


def test_retain_is_dry_until_told_to_run(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed(root, 200, "PW0000000001")
    packed(root, 20, "PW0000000002")
    before = sorted((root / files.MEDIA).rglob("*"))
    code, out, _ = run(capsys, root, "retain")
    assert code == 0 and "PW0000000001" in out and "PW0000000002" not in out
    assert "nothing was touched" in out and sorted((root / files.MEDIA).rglob("*")) == before
    code, out, _ = run(capsys, root, "retain", "--run", "--json", "--csv", "gone.csv")
    answer = json.loads(out)
    assert code == 0 and [each["tracking_number"] for each in answer["deleted"]] == ["PW0000000001"]
    with Path("gone.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["tracking_number"], row["why"]) == ("PW0000000001", "over its time")
    assert len(sorted((root / files.MEDIA).rglob("*"))) == len(before) - 3
    report = json.loads(run(capsys, root, "retain", "--gone", "--json")[1])
    assert report["deleted"] == answer["deleted"] and report["bytes"] == answer["bytes"]
    assert verify(root) == []
    assert run(capsys, root, "check")[0] == 0


def test_a_damaged_session_stays_and_is_told(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed(root, 200, "PW0000000001")
    packed(root, 20, "PW0000000002")
    clip = next(path for path in sorted((root / files.MEDIA).rglob("*.mp4")))
    clip.write_bytes(clip.read_bytes()[:-1])
    code, out, err = run(capsys, root, "retain", "--run", "--json")
    answer = json.loads(out)
    assert code == 1 and answer["deleted"] == [] and len(answer["failed"]) == 1
    assert "stays" in err and clip.exists()


def test_a_clock_that_looks_wrong_deletes_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed(root, 400)
    code, _, err = run(capsys, root, "retain", "--run")
    assert code == 1 and "is its clock right?" in err and "nothing was deleted" in err
    assert list((root / files.MEDIA).rglob("*.mp4"))
    code, out, _ = run(capsys, root, "retain", "--run", "--clock-is-right")
    assert code == 0 and "1 sessions deleted" in out
    assert not list((root / files.MEDIA).rglob("*.mp4"))
