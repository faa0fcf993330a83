"""A camera check is kept like a session: durable, complete, and never changed unseen."""

# ruff: noqa: S608 (the statements are made here, to do harm)
from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from storage import camera_checks, files, rows
from storage.archive import Archive
from storage.errors import ArchiveBusy, ArchiveCorrupt, Refused
from storage.evidence.verify import verify
from storage.records import CameraCheck, check_from_json
from tests.storage.desk import NOON, Desk, photo
from tests.storage.test_recover import LATER, ledger_events, power_cut, restarted
from tests.storage.test_verify import edit, flip, other


def test_a_check_is_filed_with_what_lies_there_and_read_back(desk: Desk, root: Path) -> None:
    good, blind = desk.check()
    assert (root / good.path).read_bytes() == photo(8)
    assert good.size_bytes == len(photo(8))
    assert good.sha256 == hashlib.sha256(photo(8)).hexdigest()
    assert (blind.path, blind.size_bytes, blind.sha256) == ("", 0, "")
    assert desk.archive.checks() == [blind, good]
    manifest = (root / good.path).with_name("check.json")
    assert check_from_json(json.loads(manifest.read_bytes())) == (good, blind)
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest()
    assert desk.archive.check_manifest_sha256(good.id) == digest
    told = [json.loads(entry.body) for _, entry in desk.archive.ledger_of(good.id)]
    assert [facts["event"] for facts in told] == ["check_begun", "cameras_checked"]
    assert told[1]["manifest_sha256"] == digest
    assert verify(root) == []


def test_picture_and_manifest_are_on_the_disk_before_the_rows(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def told(module: object, name: str, what: Callable[..., str]) -> None:
        carried_out = getattr(module, name)

        def tell(*given: object) -> object:
            done.append(what(*given))
            return carried_out(*given)

        monkeypatch.setattr(module, name, tell)

    check_id, folder = desk.archive.begin_check().result()
    check = desk.look(check_id, folder)
    told(files, "sync_file", lambda path: path.name)
    told(files, "sync_folder", lambda path: "folder")
    told(files, "write_over", lambda path, _: path.name)
    told(rows, "add_check", lambda *_: "rows")
    desk.archive.file_checks(check_id, (check,)).result()
    steps = "overhead.jpg folder check.sig folder check.json folder rows"
    assert " ".join(done) == steps


def test_checks_are_found_by_time_and_bench(desk: Desk) -> None:
    first, second = desk.check(), desk.check()
    assert desk.archive.checks() == [*reversed(second), *reversed(first)]
    assert desk.archive.checks(limit=1) == [second[1]]
    assert desk.archive.checks(since=second[0].at) == [*reversed(second)]
    assert desk.archive.check_before("bench 1", desk.now) == second
    assert desk.archive.check_before("bench 1", first[1].at) == first
    assert desk.archive.check_before("bench 2", desk.now) == ()
    assert desk.archive.check_before("bench 1", desk.now + dt.timedelta(days=2)) == ()


def test_hostile_and_impossible_values_are_filed_as_they_can_be_kept(
    desk: Desk, root: Path
) -> None:
    check_id, folder = desk.archive.begin_check().result()
    odd = replace(
        desk.look(check_id, folder),
        camera="top\udc80",
        packer="\x1b[2J' --",
        sharpness=float("nan"),
        fps=float("inf"),
        at=NOON + dt.timedelta(microseconds=1_999),
    )
    (filed,) = desk.archive.file_checks(check_id, (odd,)).result()
    assert (filed.camera, filed.packer) == ("top\\udc80", "\x1b[2J' --")
    assert (filed.sharpness, filed.fps) == (0.0, 0.0)
    assert filed.at == NOON + dt.timedelta(milliseconds=1)
    assert desk.archive.checks() == [filed]
    assert verify(root) == []


def test_what_is_no_check_is_refused_and_can_be_filed_right_after(desk: Desk, root: Path) -> None:
    check_id, folder = desk.archive.begin_check().result()
    check = desk.look(check_id, folder)
    (folder / "link.jpg").symlink_to(root / check.path)
    (folder / "check.json").write_bytes(photo())
    elsewhere = root / "exports.jpg"
    elsewhere.write_bytes(photo())
    sealed = desk.pack()
    inside = str(Path(check.path).parent)
    wrong: list[tuple[CameraCheck, ...]] = [
        (),
        (check, replace(check, camera="side")),
        (replace(check, verdict="splendid"),),
        *(
            (replace(check, path=path),)
            for path in (
                "exports.jpg",
                sealed.shots[0].path,
                f"{inside}/none.jpg",
                f"{inside}/link.jpg",
                f"{inside}/check.json",
                f"{inside}/../{Path(inside).name}/overhead.jpg",
            )
        ),
    ]
    for checks in wrong:
        with pytest.raises(Refused):
            desk.archive.file_checks(check_id, checks).result()
    for unknown in ("01M81J19F8PXFR07JWW2X3HRAF", "../../etc", sealed.id):
        with pytest.raises(Refused):
            desk.archive.file_checks(unknown, (check,)).result()
    assert desk.archive.checks() == []
    assert desk.archive.file_checks(check_id, (check,)).result()
    with pytest.raises(Refused, match="filed before"):
        desk.archive.file_checks(check_id, (check,)).result()
    assert (root / "lost+found" / check_id / "link.jpg").is_symlink()
    assert verify(root) == []


def test_a_check_at_work_is_no_problem_and_left_alone(desk: Desk, root: Path) -> None:
    check_id, folder = desk.archive.begin_check().result()
    check = desk.look(check_id, folder)
    assert verify(root) == []
    assert desk.archive.recover() == []
    assert desk.archive.file_checks(check_id, (check,)).result()[0].path == check.path


def test_only_the_program_that_records_may_check(desk: Desk, root: Path) -> None:
    desk.archive.hold_bench_lock()
    with Archive.open(root) as other, pytest.raises(ArchiveBusy):
        other.begin_check().result()


def test_a_new_database_never_makes_strays_of_filed_checks(desk: Desk, root: Path) -> None:
    desk.check()
    desk.archive.close()
    (root / "archive.db").unlink()
    with pytest.raises(ArchiveCorrupt, match="packwitness rebuild"):
        Archive.open(root)


# ---------------------------------------------------------------------------- verify


@pytest.fixture
def filed(desk: Desk, root: Path) -> CameraCheck:
    """The good camera of a filed check, in a closed archive."""
    check = desk.check()[0]
    desk.archive.close()
    assert verify(root) == []
    return check


@pytest.mark.parametrize("name", ["overhead.jpg", "check.json"])
@pytest.mark.parametrize("how", ["first", "middle", "last", "longer", "missing", "link"])
def test_a_touched_file_is_named(filed: CameraCheck, root: Path, name: str, how: str) -> None:
    path = (root / filed.path).with_name(name)
    if how == "longer":
        path.write_bytes(path.read_bytes() + b"\n")
    elif how == "missing":
        path.unlink()
    elif how == "link":
        path.symlink_to(path.rename(root / "elsewhere"))
    else:
        flip(path, {"first": 0, "middle": None, "last": -1}[how])
    for given in (root, path.parent):
        problems = verify(given)
        assert [problem.path for problem in problems] == [path.relative_to(root).as_posix()]


def test_an_added_file_is_named(filed: CameraCheck, root: Path) -> None:
    extra = (root / filed.path).with_name("extra.jpg")
    extra.write_bytes(b"x")
    for given in (root, extra.parent):
        (problem,) = verify(given)
        assert problem.path == extra.relative_to(root).as_posix()
        assert "camera check" in problem.what


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE checks SET folder = '../../../etc'",
        f"UPDATE checks SET manifest_sha256 = {other('manifest_sha256')}",
        "DELETE FROM checks",
        *(
            f"UPDATE camera_checks SET {change} WHERE seq = 1"
            for change in (
                "bench = 'bench 2'",
                "packer = 'Eve'",
                "at = '2026-11-22T12:00:00.999Z'",
                "at = 'yesterday'",
                "camera = 'side'",
                "width = 3840",
                "fps = 30",
                "module_mm = NULL",
                "sharpness = 999",
                "brightness = 1",
                "clock_offset_ms = 0",
                "verdict = 'poor'",
                "advice = 'x'",
                "path = '../../../../../etc/passwd'",
                "path = '', sha256 = '', size_bytes = 0",
                "size_bytes = size_bytes + 1",
                f"sha256 = {other('sha256')}",
            )
        ),
        "DELETE FROM camera_checks WHERE seq = 2",
        "UPDATE camera_checks SET seq = 3 WHERE seq = 1",
        "UPDATE ledger SET body = replace(body, 'bench 1', 'bench 2') WHERE seq = 4",
        "DELETE FROM ledger WHERE seq = 4",
        "DELETE FROM ledger WHERE seq = 3",
    ],
)
def test_an_edited_row_is_found(filed: CameraCheck, root: Path, statement: str) -> None:
    edit(root, statement)
    assert verify(root)


def test_a_check_that_was_removed_whole_is_missed_by_the_ledger(
    filed: CameraCheck, root: Path
) -> None:
    edit(root, "DELETE FROM camera_checks", "DELETE FROM checks")
    shutil.rmtree((root / filed.path).parent)
    assert [problem.what for problem in verify(root)] == [
        f"camera check {filed.id} is in the ledger, its row is gone"
    ]


def test_a_manifest_and_row_changed_together_are_found_by_the_ledger(
    filed: CameraCheck, root: Path
) -> None:
    path = (root / filed.path).with_name("check.json")
    path.write_bytes(path.read_bytes().replace(b"29.97", b"30.0"))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    edit(
        root,
        "UPDATE camera_checks SET fps = 30.0 WHERE seq = 1",
        f"UPDATE checks SET manifest_sha256 = '{digest}'",
    )
    assert any("different manifests" in problem.what for problem in verify(root))


def test_a_check_folder_alone_verifies_and_tells(
    filed: CameraCheck, root: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone"
    shutil.copytree((root / filed.path).parent, alone)
    assert verify(alone) == []
    flip(alone / "overhead.jpg")
    (alone / "extra").touch()
    assert [problem.path for problem in verify(alone)] == ["overhead.jpg", "extra"]
    data = json.loads((alone / "check.json").read_bytes())
    harms: tuple[object, ...] = ("5", None, [], 1.5)
    for harm in harms:
        data["cameras"][0]["size_bytes"] = harm
        (alone / "check.json").write_text(json.dumps(data))
        assert [problem.path for problem in verify(alone)] == ["check.json"]


# ---------------------------------------------------------------------------- recovery


def test_an_unfinished_check_goes_to_lost_and_found_and_is_told(desk: Desk) -> None:
    check_id, folder = desk.archive.begin_check().result()
    desk.look(check_id, folder)
    (folder / "check.json.part").write_text("{")
    root = power_cut(desk)
    assert restarted(root) == []
    lost = root / "lost+found" / folder.parent.name
    assert (lost / check_id / "overhead.jpg").read_bytes() == photo(8)
    assert not folder.exists()
    assert ledger_events(root) == ["created", "key_changed", "check_begun", "set_aside"]
    with Archive.open(root) as archive:
        assert archive.checks() == []
    (lost / check_id).rename(folder)  # what was set aside is not at work any more
    assert [problem.path for problem in verify(root)] == [
        path.relative_to(root).as_posix() for path in sorted(folder.iterdir())
    ]


def test_an_empty_check_is_removed(desk: Desk) -> None:
    _, folder = desk.archive.begin_check().result()
    root = power_cut(desk)
    restarted(root)
    assert not folder.exists()
    assert not (root / "lost+found").exists()


def crashed_before_its_commit(desk: Desk) -> tuple[Path, Path, CameraCheck]:
    """An archive whose last transaction never came, the check's folder in it, and the check."""
    check_id, folder = desk.archive.begin_check().result()
    check = desk.look(check_id, folder)
    before = desk.archive.root.with_name("before")
    root = desk.archive.root
    desk.archive.close()
    shutil.copytree(root, before)
    with Archive.open(root) as archive:
        (filed,) = archive.file_checks(check_id, (check,)).result()
    inside = folder.relative_to(root)
    shutil.copy(folder / "check.json", before / inside / "check.json")
    return before, before / inside, filed


def test_a_check_that_crashed_before_its_commit_is_filed_as_it_was_meant(desk: Desk) -> None:
    root, folder, filed = crashed_before_its_commit(desk)
    (folder / "late.jpg").write_bytes(photo())
    manifest = (folder / "check.json").read_bytes()
    restarted(root)
    with Archive.open(root) as archive:
        assert archive.checks() == [filed]
    assert (folder / "check.json").read_bytes() == manifest
    assert (root / "lost+found" / filed.id / "late.jpg").is_file()


@pytest.mark.parametrize("harm", ["picture", "manifest", "other id", "verdict", "number", "none"])
def test_a_manifest_that_does_not_fit_decides_nothing(desk: Desk, harm: str) -> None:
    root, folder, filed = crashed_before_its_commit(desk)
    path = folder / "check.json"
    text = path.read_text()
    if harm == "picture":
        flip(folder / "overhead.jpg")
    else:
        changed = {
            "manifest": text[:-9],
            "other id": text.replace(filed.id, "01M81J19F8PXFR07JWW2X3HRAF", 1),
            "verdict": text.replace('"good"', '["good"]'),
            "number": text.replace("29.97", '"29.97"'),
            "none": "[]",
        }
        path.write_text(changed[harm])
    restarted(root)
    with Archive.open(root) as archive:
        assert archive.checks() == []
    assert not folder.exists()


def test_a_check_that_was_moved_to_another_day_is_not_taken_in(desk: Desk) -> None:
    root, folder, filed = crashed_before_its_commit(desk)
    moved = root / "media/2020/01/01" / filed.id
    moved.parent.mkdir(parents=True)
    folder.rename(moved)
    manifest = moved / "check.json"
    day = folder.relative_to(root).parent.as_posix()
    manifest.write_text(manifest.read_text().replace(day, "media/2020/01/01"))
    restarted(root)
    assert not moved.exists()
    with Archive.open(root) as archive:
        assert archive.checks() == []


def test_a_check_of_another_archive_is_not_taken_in(desk: Desk, tmp_path: Path) -> None:
    with Archive.open(tmp_path / "other", clock=lambda: LATER) as other:
        check = Desk(other).check()[0]
    root = power_cut(desk)
    source = (tmp_path / "other" / check.path).parent
    target = root / source.relative_to(tmp_path / "other")
    shutil.copytree(source, target)
    assert len(verify(root)) == len(list(target.iterdir())) == 3
    restarted(root)
    assert not target.exists()


def test_what_comes_late_to_a_filed_check_is_set_aside(desk: Desk) -> None:
    check = desk.check()[0]
    root = power_cut(desk)
    folder = (root / check.path).parent
    (folder / "late.jpg").write_bytes(photo())
    (folder / "check.json.part").write_bytes(b"{")
    restarted(root)
    assert [path.name for path in (root / "lost+found" / check.id).iterdir()] == ["late.jpg"]
    assert ledger_events(root)[-2:] == ["cameras_checked", "set_aside"]


def test_the_folder_of_a_check_is_computed_from_its_id() -> None:
    assert camera_checks.folder_of("01M81J19F8PXFR07JWW2X3HRAF").startswith("media/20")
    for wrong in ("", "x", "../../../../../../../../ab", "8" * 26, "01m81j19f8pxfr07jww2x3hraf"):
        with pytest.raises(Refused):
            camera_checks.folder_of(wrong)
