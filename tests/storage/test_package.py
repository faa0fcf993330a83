"""A package carries evidence unchanged, tells when anything was touched, and harms nobody."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from storage.archive import Archive
from storage.errors import ChecksumMismatch, ExportFailed, NothingToExport
from storage.evidence.bag import TAGS
from storage.evidence.package import export
from storage.evidence.verify import verify
from storage.records import EndReason, Session, Shot, Status
from storage.rows import media_of
from tests.storage.desk import NUMBER, Desk, photo


@pytest.fixture
def package(desk: Desk, tmp_path: Path) -> Path:
    """The package of one parcel that was packed twice."""
    desk.pack()
    desk.pack(pass_no=2)
    return export(desk.archive, desk.archive.find(NUMBER), tmp_path / "out")


@pytest.fixture
def unpacked(package: Path, tmp_path: Path) -> Path:
    """The folder of the unpacked package."""
    with zipfile.ZipFile(package) as opened:
        opened.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked" / package.stem


def test_a_package_holds_the_sealed_bytes_and_verifies(
    desk: Desk, root: Path, package: Path, unpacked: Path
) -> None:
    assert package.name.startswith(f"evidence-{NUMBER}-2")
    assert verify(package) == verify(unpacked) == []
    sessions = desk.archive.find(NUMBER)
    facts = json.loads((unpacked / "manifest.json").read_bytes())
    assert {session["session"] for session in facts["sessions"]} == {s.id for s in sessions}
    for session in sessions:
        for item in media_of(session):
            inside = unpacked / "data" / session.id / Path(item.path).name
            assert inside.read_bytes() == (root / item.path).read_bytes()
    assert {path.name for path in unpacked.iterdir() if path.is_file()} == {
        *TAGS,
        "tagmanifest-sha256.txt",
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
    digest = hashlib.sha256((unpacked / "tagmanifest-sha256.txt").read_bytes()).hexdigest()
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
    package = export(desk.archive, desk.archive.find(NUMBER), tmp_path)
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
    package = export(desk.archive, desk.archive.find(NUMBER), tmp_path / "mine.zip")
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
    first = export(desk.archive, [packed], tmp_path / "out")
    second = export(desk.archive, [packed], tmp_path / "out")
    assert first != second
    assert verify(first) == verify(second) == []
    with pytest.raises(ExportFailed, match="already"):
        export(desk.archive, [packed], first)
    (tmp_path / "file").touch()
    with pytest.raises(ExportFailed):
        export(desk.archive, [packed], tmp_path / "file" / "folder")


def test_every_kind_of_file_in_a_package_is_watched(unpacked: Path) -> None:
    for path in sorted(path for path in unpacked.rglob("*") if path.is_file()):
        name = path.relative_to(unpacked).as_posix()
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        assert name in {problem.path for problem in verify(unpacked)} or "manifest" in name
        assert verify(unpacked), name
        path.unlink()
        assert verify(unpacked), name
        path.write_bytes(whole)
    assert verify(unpacked) == []
    (unpacked / "data" / "extra.txt").touch()
    (unpacked / "note.txt").touch()
    (unpacked / "link").symlink_to(unpacked / "index.html")
    assert {problem.path for problem in verify(unpacked)} == {
        "data/extra.txt",
        "note.txt",
        "link",
    }


def test_no_byte_of_a_package_file_changes_unseen(package: Path) -> None:
    whole = package.read_bytes()
    with zipfile.ZipFile(package) as opened:
        contents = {entry.filename: opened.read(entry) for entry in opened.infolist()}
    rng = random.Random(5)
    for _ in range(150):
        at = rng.randrange(len(whole))
        package.write_bytes(
            whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(8))]) + whole[at + 1 :]
        )
        if verify(package) == []:
            # A flag or date of the ZIP itself: every name and content is as it was.
            with zipfile.ZipFile(package) as opened:
                read = {entry.filename: opened.read(entry) for entry in opened.infolist()}
            assert read == contents, at


def remanifest(folder: Path) -> None:
    """Make the lists anew, as a forger would."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
        for path in sorted((folder / "data").rglob("*"))
        if path.is_file()
    ]
    (folder / "manifest-sha256.txt").write_text("".join(lines))
    tags = [
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n"
        for name in sorted(TAGS)
    ]
    (folder / "tagmanifest-sha256.txt").write_text("".join(tags))


def test_lists_made_anew_do_not_hide_a_changed_clip(unpacked: Path) -> None:
    remanifest(unpacked)
    assert verify(unpacked) == []
    clip = next(unpacked.rglob("overhead-01.mp4"))
    clip.write_bytes(clip.read_bytes()[:-1] + b"x")
    remanifest(unpacked)
    assert verify(unpacked)


def test_facts_that_contradict_the_evidence_are_found(unpacked: Path) -> None:
    path = unpacked / "manifest.json"
    facts = json.loads(path.read_bytes())

    def forged(change: Callable[[dict[str, list[dict[str, Any]]]], object]) -> int:
        data = json.loads(json.dumps(facts))
        change(data)
        path.write_text(json.dumps(data))
        remanifest(unpacked)
        return len(verify(unpacked))

    assert forged(lambda data: None) == 0
    assert forged(lambda data: data["sessions"][0].update(packer="Eve"))
    assert forged(lambda data: data["sessions"][0].update(complete=False))
    assert forged(lambda data: data["sessions"][0].update(raw_scan="other"))
    assert forged(lambda data: data["sessions"][0].update(raw_scan_hex="ff"))
    assert forged(lambda data: data["sessions"][0].update(insured=True))
    assert forged(lambda data: data["sessions"][0]["shots"][0].update(label_read="X"))
    assert forged(lambda data: data["files"].pop())
    assert forged(lambda data: data["files"][0].update(size_bytes=1))
    assert forged(lambda data: data["files"][0].update(session=[]))
    assert forged(lambda data: data["ledger"].clear())
    assert forged(lambda data: data["ledger"][0].update(body="{}"))
    assert forged(lambda data: data.update(format=[]))
    assert forged(lambda data: data.clear())
    for content in (b"", b"[]", b"\xff", b"[" * 100_000):
        path.write_bytes(content)
        remanifest(unpacked)
        assert verify(unpacked)


def forge(path: Path, *entries: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as opened:
        for name, content in entries:
            opened.writestr(zipfile.ZipInfo(name), content, compression)
    return path


@pytest.mark.parametrize(
    "name",
    ["../out", "/etc/passwd", "a/../../b", "C:/x", "a\\..\\b", "a//b", "a/./b", "a/\x1b[31m", "a/"],
)
def test_names_that_climb_out_are_refused(tmp_path: Path, name: str) -> None:
    path = forge(tmp_path / "x.zip", ("a/bagit.txt", b""), (name, b"x"))
    assert any("no name" in problem.what for problem in verify(path))
    assert sorted(found.name for found in tmp_path.iterdir()) == ["x.zip"]


def test_bombs_duplicates_and_hidden_bytes_are_refused(package: Path, tmp_path: Path) -> None:
    bomb = forge(
        tmp_path / "bomb.zip", ("a/data/x", bytes(50_000_000)), compression=zipfile.ZIP_DEFLATED
    )
    assert "repacked" in verify(bomb)[0].what
    with pytest.warns(UserWarning, match="Duplicate"):
        double = forge(tmp_path / "double.zip", ("a/x", b"1"), ("a/X", b"2"), ("a/x", b"3"))
    assert [problem.what for problem in verify(double)].count("is there twice") == 2
    lying = bytearray(forge(tmp_path / "lying.zip", ("a/x", b"1")).read_bytes())
    directory = lying.rindex(b"PK\x01\x02")
    lying[directory + 20 : directory + 28] = b"\xff\xff\xff\x7f" * 2
    (tmp_path / "lying.zip").write_bytes(lying)
    assert "more than its own size" in verify(tmp_path / "lying.zip")[0].what
    whole = package.read_bytes()
    for content in (b"x" + whole, whole + b"x", whole[:-1], whole[: len(whole) // 2], b""):
        package.write_bytes(content)
        assert verify(package)
    package.write_bytes(whole)
    repacked = tmp_path / "repacked.zip"
    with zipfile.ZipFile(package) as opened:
        forge(
            repacked,
            *((entry.filename, opened.read(entry)) for entry in opened.infolist()),
            compression=zipfile.ZIP_DEFLATED,
        )
    assert any("repacked" in problem.what for problem in verify(repacked))


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
    package = export(desk.archive, [sealed], tmp_path / "out")
    assert package.name.startswith("evidence-B-1Z-2")
    assert verify(package) == []
    with zipfile.ZipFile(package) as opened:
        page = opened.read(f"{package.stem}/index.html").decode()
        names = opened.namelist()
    assert all(name.isascii() and set(name).isdisjoint('"<>\\: ') for name in names)
    for harmful in ("<script", "<img src=x", 'onerror="', "\x1b", "\u202e", "\x00", "http:", "//"):
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
    package = export(desk.archive, [session], tmp_path / "out")
    assert verify(package) == []
    with zipfile.ZipFile(package) as opened:
        opened.extractall(tmp_path)
    inside = tmp_path / package.stem
    facts = json.loads((inside / "manifest.json").read_bytes())
    assert [check["check"] for check in facts["camera_checks"]] == [wanted[0].id]
    assert facts["format"] == "packwitness-evidence-3"
    folder = inside / "data" / wanted[0].id
    assert sorted(path.name for path in folder.iterdir()) == ["check.json", "overhead.jpg"]
    assert (folder / "overhead.jpg").read_bytes() == (root / wanted[0].path).read_bytes()
    page = (inside / "index.html").read_text(encoding="utf-8")
    assert f"data/{wanted[0].id}/overhead.jpg" in page
    for shown in ("0.25 mm", "30.0", "160×120", "gives no picture: plug it in", "相机检查"):
        assert shown in page


def test_a_session_without_a_check_of_that_day_has_none(desk: Desk, tmp_path: Path) -> None:
    desk.check()
    desk.tick(24 * 3600)
    package = export(desk.archive, [desk.pack()], tmp_path)
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
    package = export(desk.archive, [session], tmp_path)
    assert verify(package) == []
    with zipfile.ZipFile(package) as opened:
        facts = json.loads(opened.read(f"{package.stem}/manifest.json"))
        page = opened.read(f"{package.stem}/index.html").decode()
    assert (facts["camera_checks"], facts["left_out_damaged_checks"]) == ([], [good.id])
    assert good.id in page
    assert "left out" in page


@pytest.mark.parametrize("name", ["check.json", "overhead.jpg", "manifest.json", "extra"])
def test_a_check_in_a_package_cannot_be_changed_with_its_lists_made_anew(
    desk: Desk, tmp_path: Path, name: str
) -> None:
    good, _ = desk.check()
    package = export(desk.archive, [desk.pack()], tmp_path)
    with zipfile.ZipFile(package) as opened:
        opened.extractall(tmp_path / "forged")
    bag = tmp_path / "forged" / package.stem
    facts = json.loads((bag / "manifest.json").read_bytes())
    lists = bag / "manifest-sha256.txt"
    guilty = f"data/{good.id}/check.json"
    if name == "manifest.json":
        facts["camera_checks"][0]["cameras"][0]["verdict"] = "poor"
        guilty = name
    elif name == "extra":  # a check that nobody made
        kept = [item for item in facts["files"] if good.id not in item["path"]]
        facts.update(files=kept, camera_checks=[])
        guilty = f"data/{good.id}/overhead.jpg"
        facts["files"].append(
            {
                "path": guilty,
                "session": good.id,
                "source": good.path,
                "size_bytes": good.size_bytes,
                "sha256": good.sha256,
            }
        )
    else:
        path = bag / "data" / good.id / name
        old = hashlib.sha256(path.read_bytes()).hexdigest()
        path.write_bytes(path.read_bytes().replace(b"good", b"poor")[:-1] + b"\n")
        new = hashlib.sha256(path.read_bytes()).hexdigest()
        for item in facts["files"]:
            if item["path"].endswith(name):
                item["sha256"], item["size_bytes"] = new, path.stat().st_size
        lists.write_text(lists.read_text().replace(old, new))
    (bag / "manifest.json").write_text(json.dumps(facts))
    tags = sorted(TAGS)
    (bag / "tagmanifest-sha256.txt").write_text(
        "".join(f"{hashlib.sha256((bag / tag).read_bytes()).hexdigest()}  {tag}\n" for tag in tags)
    )
    assert guilty in {problem.path for problem in verify(bag)}
