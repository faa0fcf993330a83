"""Killed between any two steps, the archive comes back whole with all that it acknowledged."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import checkpoints, files, keys, schema
from storage.archive import Archive
from storage.evidence.verify import verify
from storage.ledger import Head
from storage.rebuild import rebuild
from storage.records import Status
from storage.rows import media_of
from tests.storage.desk import NUMBER
from tests.storage.shift import AFTER

HERE = Path(__file__).resolve()
KILLS = int(os.environ.get("PACKWITNESS_KILLS", "3"))
"""How many in each part of the code; `make crash` sets it to more."""

EVIDENCE = (files.MEDIA, files.DOCUMENTS, files.AMENDMENTS, files.CHECKPOINTS, keys.KEYS)

Told = list[list[str]]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="SIGKILL is how a POSIX process dies")


def run(folder: Path, what: str, code: str = ".py", kills: int = 0, seed: int = 1) -> None:
    """Do something once whole, in `folder`/0, and so often killed, in `folder`/<line>."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, HERE.with_name("shift.py"), folder, what, code, str(kills), str(seed)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[2])},
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def told_in(folder: Path) -> Told:
    """What the program told before it died, line by line, in words."""
    return [line.split() for line in (folder / "told").read_text().splitlines()]


def killed(folder: Path) -> Iterator[tuple[Path, Told]]:
    """Every archive that the program left, with what it told."""
    for each in sorted(folder.iterdir()):
        if each.name.isdigit():
            yield each / "archive", told_in(each)


def promises_hold(root: Path, told: Told) -> None:
    """After a repair: nothing is open, everything verifies, everything acknowledged is there."""
    with Archive.open(root, clock=lambda: AFTER) as archive:
        archive.recover()
        assert archive.recover() == []
        assert archive.counts()[Status.OPEN] == 0
        for words in told:
            acknowledged(archive, words)
        assert verify(root) == []
    assert verify(root) == []
    for package in root.glob("exports/*.zip"):
        assert verify(package) == []
    for name in EVIDENCE:
        assert not [*(root / name).rglob("*.part")]
    own = {path.name for path in (root / keys.KEYS).iterdir() if not path.name.startswith("site")}
    assert own == {keys.PRIVATE, keys.PUBLIC}


def acknowledged(archive: Archive, words: list[str]) -> None:
    """What the program was told is still so."""
    match words:
        case ["opened", session]:
            assert archive.get(session) is not None
        case ["media", session, path, sha256]:
            found = archive.get(session)
            assert found is not None
            assert {item.path: item.sha256 for item in media_of(found)}[path] == sha256
        case ["closed", session, status]:
            found = archive.get(session)
            assert found is not None
            assert found.status == status
        case ["checked", check_id, path, sha256]:
            assert [check_id, path, sha256] in [
                [check.id, check.path, check.sha256] for check in archive.checks()
            ]
        case ["document", document_id, sha256]:
            document = archive.document(document_id)
            assert document is not None
            assert files.measure(archive.root / document[0].path).sha256 == sha256
        case ["said", subject, amendment_id, change]:
            found_later = {each.id: each.change.value for each in archive.amendments_of(subject)}
            assert found_later[amendment_id] == change
        case ["disclosed", disclosure_id, *sessions]:
            for session in sessions:
                (told,) = [d for d in archive.disclosures_of(session) if d.id == disclosure_id]
                assert told.sessions == tuple(sessions)
                assert len(told.files) == 3
        case ["deleted", session]:
            found = archive.get(session)
            assert found is not None
            assert media_of(found)
            for item in media_of(found):
                assert not (archive.root / item.path).exists()
        case ["head", head]:
            db = schema.connect(archive.root / schema.DATABASE, read_only=True)
            try:
                assert checkpoints.against(db, Head.parse(head)) is None
            finally:
                db.close()
        case _:
            assert words[0] == "lines"


def made(folder: Path) -> Told:
    """Put an archive with sealed parcels at `folder`/before; what it acknowledged."""
    run(folder.with_name("made"), "before")
    folder.mkdir()
    shutil.move(folder.with_name("made") / "0" / "archive", folder / "before")
    return told_in(folder.with_name("made") / "0")


@pytest.mark.parametrize(
    "code", [".py", "sealing.py", "filing.py", "files.py", "package.py", "camera_checks.py"]
)
def test_a_shift_killed_anywhere_loses_nothing_acknowledged(tmp_path: Path, code: str) -> None:
    run(tmp_path / "shift", "shift", code, KILLS)
    for root, told in killed(tmp_path / "shift"):
        promises_hold(root, told)


@pytest.mark.parametrize("code", [".py", "recover.py", "sealing.py", "camera_checks.py"])
def test_a_repair_killed_anywhere_is_finished_by_the_next(tmp_path: Path, code: str) -> None:
    run(tmp_path / "shift", "shift")
    shutil.move(tmp_path / "shift" / "0" / "archive", tmp_path / "shift" / "before")
    before = told_in(tmp_path / "shift" / "0")
    shutil.rmtree(tmp_path / "shift" / "0")
    run(tmp_path / "shift", "recover", code, KILLS, seed=2)
    whole = told_in(tmp_path / "shift" / "0")
    assert [words[2] for words in whole if words[0] == "closed"] == ["interrupted"]
    for root, told in killed(tmp_path / "shift"):
        promises_hold(root, before + told)


@pytest.mark.parametrize(
    "code",
    [
        ".py",
        "amending.py",
        "document_copy.py",
        "document_filing.py",
        "files.py",
        "signed.py",
        "checkpoints.py",
        "checkpoint_files.py",
    ],
)
def test_what_is_said_later_and_killed_anywhere_is_whole_or_never_was(
    tmp_path: Path, code: str
) -> None:
    before = made(tmp_path / "later")
    run(tmp_path / "later", "later", code, KILLS, seed=3)
    for root, told in killed(tmp_path / "later"):
        promises_hold(root, before + told)


@pytest.mark.parametrize("code", [".py", "deleting.py", "amending.py"])
def test_deletions_killed_anywhere_are_finished_or_never_began(tmp_path: Path, code: str) -> None:
    before = made(tmp_path / "policy")
    run(tmp_path / "policy", "policy", code, KILLS, seed=8)
    assert [words[0] for words in told_in(tmp_path / "policy" / "0")].count("deleted") == 2
    for root, told in killed(tmp_path / "policy"):
        promises_hold(root, before + told)
        with Archive.open(root) as archive:
            (held,) = archive.find("OTHER0001")
            assert all((root / item.path).is_file() for item in media_of(held))


@pytest.mark.parametrize("code", [".py", "disclosing.py", "disclosure_rows.py", "ledger.py"])
def test_what_leaves_and_is_killed_anywhere_was_told_whole_or_never(
    tmp_path: Path, code: str
) -> None:
    before = made(tmp_path / "leaves")
    run(tmp_path / "leaves", "disclosed", code, KILLS, seed=10)
    for root, told in killed(tmp_path / "leaves"):
        promises_hold(root, before + told)
        with Archive.open(root) as archive:
            whole = [len(each.sessions) for each in archive.disclosures()[::-1]]
            assert whole == [2, 1, 2][: len(whole)]
            acknowledged = [words for words in told if words[0] == "disclosed"]
            assert len(acknowledged) <= len(whole) <= len(acknowledged) + 1


@pytest.mark.parametrize("what", ["shift", "later", "policy", "disclosed"])
def test_between_two_transactions_nothing_is_half_told(tmp_path: Path, what: str) -> None:
    before = made(tmp_path / what)
    if what == "shift":
        shutil.rmtree(tmp_path / what / "before")
        before = []
    run(tmp_path / what, what, "transaction.py", 3 * KILLS, seed=9)
    for root, told in killed(tmp_path / what):
        promises_hold(root, before + told)


@pytest.mark.parametrize("version", ["second", "third", "fourth"])
@pytest.mark.parametrize("code", [".py", "sqlite_utils/db.py", "schema.py", "keys.py"])
def test_a_migration_killed_anywhere_is_done_by_the_next_start(
    tmp_path: Path, version: str, code: str
) -> None:
    old = HERE.with_name(f"{version}_archive") / "archive.zip"
    with zipfile.ZipFile(old) as opened:
        opened.extractall(tmp_path / "old" / "before")
    run(tmp_path / "old", "migrate", code, KILLS, seed=4)
    for root, told in killed(tmp_path / "old"):
        assert verify(root) == []
        promises_hold(root, told)


@pytest.mark.parametrize(("code", "kills"), [(".py", 2 * KILLS), ("rebuild.py", -9)])
def test_a_rebuild_killed_anywhere_is_done_by_the_next(
    tmp_path: Path, code: str, kills: int
) -> None:
    before = made(tmp_path / "anew")
    run(tmp_path / "anew", "anew", code, kills, seed=5)
    for root, _ in killed(tmp_path / "anew"):
        # Until the new one takes its place the old one is there.
        Archive.open(root).close()
        assert rebuild(root, AFTER).doubtful == ()
        promises_hold(root, before)
        with Archive.open(root) as archive:
            assert archive.orders_of(NUMBER) == ["ORDER-1"]
            assert archive.saved_filters() == {"week": "is:held"}


@pytest.mark.parametrize("what", ["later", "policy", "disclosed"])
def test_all_of_it_comes_back_from_the_files_alone(tmp_path: Path, what: str) -> None:
    before = made(tmp_path / what)
    run(tmp_path / what, what, ".py", KILLS, seed=6)
    for root, told in killed(tmp_path / what):
        promises_hold(root, before + told)
        if what == "disclosed":  # which no file but a segment of the ledger tells of
            with Archive.open(root) as archive:
                archive.checkpoint().result()
        (root / schema.DATABASE).unlink()
        assert rebuild(root, AFTER).doubtful == ()
        promises_hold(root, [words for words in before + told if words[0] != "head"])


def test_a_killed_program_leaves_no_lock_behind(tmp_path: Path) -> None:
    run(tmp_path / "shift", "shift", ".py", 2, seed=7)
    for root, _ in killed(tmp_path / "shift"):
        with Archive.open(root) as archive:
            archive.hold_bench_lock()
