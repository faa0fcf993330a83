"""A package carries evidence unchanged, tells when anything was touched, and harms nobody."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from storage.archive import Archive
from storage.errors import ChecksumMismatch, ExportFailed, NothingToExport
from storage.evidence import bag
from storage.evidence.package import export
from storage.evidence.verify import verify
from storage.records import EndReason, Session, Shot, Status
from storage.rows import media_of
from tests.storage.desk import NUMBER, Desk, photo


def test_a_package_holds_the_sealed_bytes_and_verifies(
    desk: Desk, root: Path, package: Path, unpacked: Path
) -> None:
    digest = hashlib.sha256((unpacked / "manifest.json").read_bytes()).hexdigest()
    assert package.name == f"evidence-{NUMBER}-{digest[:12]}.zip"
    assert verify(package) == verify(unpacked) == []
    sessions = desk.archive.find(NUMBER)
    facts = json.loads((unpacked / "manifest.json").read_bytes())
    assert {session["session"] for session in facts["sessions"]} == {s.id for s in sessions}
    for session in sessions:
        for item in media_of(session):
            inside = unpacked / "data" / session.id / Path(item.path).name
            assert inside.read_bytes() == (root / item.path).read_bytes()
    assert {path.name for path in unpacked.iterdir() if path.is_file()} == {
        *(name for name in bag.TAGS if "/" not in name),
        *bag.unlisted_of(bag.FORMAT),
    }
    with zipfile.ZipFile(package) as opened:
        assert {entry.compress_type for entry in opened.infolist()} == {zipfile.ZIP_STORED}


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum on this machine")
def test_public_tools_agree(unpacked: Path) -> None:
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        subprocess.run(
            ["sha256sum", "--check", "--strict", "--quiet", manifest], cwd=unpacked, check=True
        )


def test_an_export_is_told_in_the_ledger_with_the_digest(
    desk: Desk, root: Path, package: Path, unpacked: Path
) -> None:
    digest = hashlib.sha256((unpacked / "manifest.json").read_bytes()).hexdigest()
    for session in desk.archive.find(NUMBER):
        told = json.loads(desk.archive.ledger_of(session.id)[-1][1].body)
        assert (told["event"], told["digest"], told["package"]) == (
            "exported",
            digest,
            package.name,
        )
    assert verify(root) == []


def test_progress_tells_every_byte(desk: Desk, tmp_path: Path) -> None:
    packed = desk.pack()
    told: list[tuple[int, int]] = []
    export(desk.archive, [packed], tmp_path, progress=lambda *now: told.append(now))
    assert told[-1][0] == told[-1][1] > sum(shot.size_bytes for shot in packed.shots)


def test_open_sessions_are_left_out_and_named(desk: Desk, tmp_path: Path) -> None:
    session, _ = desk.open()
    with pytest.raises(NothingToExport):
        export(desk.archive, desk.archive.find(NUMBER), tmp_path)
    with pytest.raises(NothingToExport):
        export(desk.archive, [], tmp_path)
    desk.pack(pass_no=2)
    package = export(desk.archive, desk.archive.find(NUMBER), tmp_path).path
    with zipfile.ZipFile(package) as opened:
        facts = json.loads(opened.read(f"{package.stem}/manifest.json"))
    assert facts["left_out_open"] == [session]
    assert verify(package) == []


def test_interrupted_and_cancelled_sessions_are_evidence_too(desk: Desk, tmp_path: Path) -> None:
    session, folder = desk.open()
    desk.clip(session, folder)
    desk.seal(session, Status.CANCELLED, EndReason.CANCEL, "wrong box")
    session, folder = desk.open()
    desk.seal(session, Status.INTERRUPTED, EndReason.SHUTDOWN)
    package = export(desk.archive, desk.archive.find(NUMBER), tmp_path / "mine.zip").path
    assert package == tmp_path / "mine.zip"
    assert verify(package) == []


@pytest.mark.parametrize("how", ["changed", "missing"])
def test_evidence_that_is_not_what_was_sealed_is_not_exported(
    desk: Desk, root: Path, tmp_path: Path, how: str
) -> None:
    packed = desk.pack()
    path = root / packed.clips[0].path
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    out = tmp_path / "out"
    with pytest.raises(ChecksumMismatch, match=r"overhead-01\.mp4") as caught:
        export(desk.archive, [packed], out)
    assert caught.value.expected == packed.clips[0].sha256
    assert list(out.iterdir()) == []
    assert not any("exported" in entry.body for _, entry in desk.archive.ledger_of(packed.id))


def test_nothing_is_overwritten(desk: Desk, tmp_path: Path) -> None:
    packed = desk.pack()
    first = export(desk.archive, [packed], tmp_path / "out").path
    second = export(desk.archive, [packed], tmp_path / "out").path
    assert first != second
    assert verify(first) == verify(second) == []
    with pytest.raises(ExportFailed, match="already"):
        export(desk.archive, [packed], first)
    (tmp_path / "file").touch()
    with pytest.raises(ExportFailed):
        export(desk.archive, [packed], tmp_path / "file" / "folder")


HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>\x1b[31m\u202eevil\x00'


def test_hostile_text_is_only_text_in_the_package(desk: Desk, tmp_path: Path) -> None:
    draft = desk.draft("../../<B>\u202e'1Z'")
    draft = replace(draft, packer=HOSTILE, bench=HOSTILE)
    draft = replace(draft, waybill=replace(draft.waybill, raw=HOSTILE, carrier=HOSTILE))
    folder = desk.archive.open_session(draft).result()
    slot = 'x" onerror="y'
    shot = desk.shot(draft.id, folder)
    (folder / f"{slot}-02.jpg").write_bytes(photo(1))
    desk.note(draft.id, HOSTILE)
    sealed = desk.seal(draft.id, reason=HOSTILE)
    assert isinstance(shot, Shot)
    desk.archive.link_orders([(HOSTILE.replace("\x00", ""), sealed.waybill.number)]).result()
    package = export(desk.archive, [sealed], tmp_path / "out").path
    assert package.name.startswith("evidence-B-1Z-")
    assert verify(package) == []
    with zipfile.ZipFile(package) as opened:
        page = opened.read(f"{package.stem}/index.html").decode()
        names = opened.namelist()
    assert all(name.isascii() and set(name).isdisjoint('"<>\\: ') for name in names)
    for harmful in ("<script>", "<img src=x", 'onerror="', "\x1b", "\u202e", "\x00", "http:", "//"):
        assert harmful not in page, harmful
    assert "&lt;script&gt;alert(1)" in page
    assert "\\u{202E}evil" in page


def test_a_stranger_to_the_archive_is_not_exported(desk: Desk, tmp_path: Path) -> None:
    packed: Session = desk.pack()
    with Archive.open(tmp_path / "other") as other, pytest.raises(NothingToExport):
        export(other, [packed], tmp_path / "out")


# ---------------------------------------------------------------------------- camera checks


def test_the_benchs_last_camera_check_before_the_session_goes_along(
    desk: Desk, root: Path, tmp_path: Path
) -> None:
    desk.check()
    wanted = desk.check()
    session = desk.pack()
    desk.check()
    package = export(desk.archive, [session], tmp_path / "out").path
    assert verify(package) == []
    with zipfile.ZipFile(package) as opened:
        opened.extractall(tmp_path)
    inside = tmp_path / package.stem
    facts = json.loads((inside / "manifest.json").read_bytes())
    assert [check["check"] for check in facts["camera_checks"]] == [wanted[0].id]
    assert facts["format"] == bag.FORMAT
    folder = inside / "data" / wanted[0].id
    assert sorted(path.name for path in folder.iterdir()) == [
        "check.json",
        "check.sig",
        "overhead.jpg",
    ]
    assert (folder / "overhead.jpg").read_bytes() == (root / wanted[0].path).read_bytes()
    page = (inside / "index.html").read_text(encoding="utf-8")
    assert f"data/{wanted[0].id}/overhead.jpg" in page
    for shown in ("0.25 mm", "30.0", "160×120", "gives no picture: plug it in", "相机检查"):
        assert shown in page


def test_a_session_without_a_check_of_that_day_has_none(desk: Desk, tmp_path: Path) -> None:
    desk.check()
    desk.tick(24 * 3600)
    package = export(desk.archive, [desk.pack()], tmp_path).path
    assert verify(package) == []
    with zipfile.ZipFile(package) as opened:
        assert not [name for name in opened.namelist() if "check.json" in name]
        assert "相机检查" not in opened.read(f"{package.stem}/index.html").decode()


def test_a_damaged_check_is_left_out_and_named_and_does_not_hold_up_the_evidence(
    desk: Desk, root: Path, tmp_path: Path
) -> None:
    good, _ = desk.check()
    session = desk.pack()
    (root / good.path).write_bytes(photo(5))
    package = export(desk.archive, [session], tmp_path).path
    assert verify(package) == []
    with zipfile.ZipFile(package) as opened:
        facts = json.loads(opened.read(f"{package.stem}/manifest.json"))
        page = opened.read(f"{package.stem}/index.html").decode()
    assert (facts["camera_checks"], facts["left_out_damaged_checks"]) == ([], [good.id])
    assert good.id in page
    assert "left out" in page


def test_content_credentials_lie_beside_when_asked_for(desk: Desk, tmp_path: Path) -> None:
    pytest.importorskip("c2pa")
    session = desk.pack()
    package = export(desk.archive, [session], tmp_path, credentials=True).path
    assert verify(package) == []
    with zipfile.ZipFile(package) as opened:
        names = {name.partition("/")[2] for name in opened.namelist()}
    wanted = {"overhead-01.mp4", "item-01.jpg", "label-02.jpg"}
    assert {name for name in names if name.startswith("c2pa/")} == {
        f"c2pa/{session.id}/{name}.c2pa" for name in wanted
    }


def test_an_authority_out_of_reach_does_not_hold_up_an_export(desk: Desk, tmp_path: Path) -> None:
    made = export(desk.archive, [desk.pack()], tmp_path, tsa="http://127.0.0.1:9/tsr")
    assert made.unstamped.startswith("http://127.0.0.1:9/tsr gave none (")
    assert verify(made.path) == []


def test_a_disk_that_is_too_small_is_said_before_anything_is_written(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1 << 20))
    with pytest.raises(ExportFailed, match="it needs 33 MB, and the disk has 1 MB free"):
        export(desk.archive, [desk.pack()], tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
