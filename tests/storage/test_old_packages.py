"""A package that was made by an earlier version verifies as ever, and its forgeries are found.

`old_packages/format-4.zip` was made by the version before there were certificates. Those of formats
1 to 3 are made by the tests of the archives of their time.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from storage.evidence.heads import head_of
from storage.evidence.signed_by import root_problems, signed_by
from storage.evidence.verify import verify
from tests.storage.packages import facts_of, remanifest, unpacked_at

FORMAT_4 = Path(__file__).with_name("old_packages") / "format-4.zip"


def taken_apart(tmp_path: Path) -> Path:
    shutil.copy(FORMAT_4, tmp_path / "evidence.zip")
    unpacked_at(FORMAT_4, tmp_path)
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    return folder


def test_it_verifies_and_says_that_it_has_no_certificate(tmp_path: Path) -> None:
    folder = taken_apart(tmp_path)
    for path in (FORMAT_4, folder):
        assert verify(path) == []
        signed = signed_by(path)
        assert signed is not None
        assert (signed.site, signed.root_sha256) == ("", "")
        assert signed.format == "packwitness-evidence-4"
        assert root_problems(signed, "0" * 64)
        assert head_of(str(path)).seq == facts_of(folder)["head"]["seq"]


def test_every_file_of_it_is_watched(tmp_path: Path) -> None:
    folder = taken_apart(tmp_path)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        assert verify(folder), path.name
        path.unlink()
        assert verify(folder), path.name
        path.write_bytes(whole)
    assert verify(folder) == []


def test_lists_made_anew_do_not_hold_without_the_key(tmp_path: Path) -> None:
    folder = taken_apart(tmp_path)
    (folder / "index.html").write_text("all is well")
    remanifest(folder)
    assert verify(folder)


def test_a_new_package_that_says_it_is_an_old_one_is_found(unpacked: Path) -> None:
    for format_ in range(1, 5):
        facts = facts_of(unpacked)
        facts["format"] = f"packwitness-evidence-{format_}"
        (unpacked / "manifest.json").write_text(json.dumps(facts))
        remanifest(unpacked)
        assert verify(unpacked), format_
