"""Whatever a forger does to a package shows, even with all its lists made anew."""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storage.evidence.package import export
from storage.evidence.verify import verify
from storage.site_keys import site_signer
from tests.storage.desk import Desk
from tests.storage.packages import facts_of, remanifest, reseal, unpacked_at


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
    rng = random.Random(5)
    for _ in range(150):
        at = rng.randrange(len(whole))
        package.write_bytes(
            whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(8))]) + whole[at + 1 :]
        )
        assert verify(package), at


def test_lists_made_anew_do_not_hide_a_changed_clip(desk: Desk, unpacked: Path) -> None:
    remanifest(unpacked, site_signer(desk.archive.root))
    assert verify(unpacked) == []
    clip = next(unpacked.rglob("overhead-01.mp4"))
    clip.write_bytes(clip.read_bytes()[:-1] + b"x")
    remanifest(unpacked, site_signer(desk.archive.root))
    assert verify(unpacked)


def test_facts_that_contradict_the_evidence_are_found(desk: Desk, unpacked: Path) -> None:
    path = unpacked / "manifest.json"
    facts = json.loads(path.read_bytes())

    def forged(change: Callable[[dict[str, list[dict[str, Any]]]], object]) -> int:
        data = json.loads(json.dumps(facts))
        change(data)
        path.write_text(json.dumps(data))
        remanifest(unpacked, site_signer(desk.archive.root))
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
        remanifest(unpacked, site_signer(desk.archive.root))
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


@pytest.mark.parametrize("name", ["check.json", "overhead.jpg", "manifest.json", "extra"])
def test_a_check_in_a_package_cannot_be_changed_with_its_lists_made_anew(
    desk: Desk, tmp_path: Path, name: str
) -> None:
    good, _ = desk.check()
    package = export(desk.archive, [desk.pack()], tmp_path).path
    bag = unpacked_at(package, tmp_path / "forged")
    facts = facts_of(bag)
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
        content = path.read_bytes().replace(b"good", b"poor")[:-1] + b"\n"
        reseal(bag, path, content, site_signer(desk.archive.root))
        facts = facts_of(bag)
    (bag / "manifest.json").write_text(json.dumps(facts))
    remanifest(bag, site_signer(desk.archive.root))
    assert guilty in {problem.path for problem in verify(bag)}
