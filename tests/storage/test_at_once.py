"""A bench, people who amend, an inbox and a check work on one archive at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from storage.archive import Archive
from storage.errors import ArchiveBusy
from storage.evidence.verify import verify
from storage.records import Status
from tests.storage.desk import Desk
from tests.storage.shift import AFTER
from tests.storage.test_crash import acknowledged

SECONDS = float(os.environ.get("PACKWITNESS_AT_ONCE_S", "4"))
"""How long; `make crash` sets it to a minute."""
HERE = Path(__file__).resolve()
STARTED = """
import sys, time
from pathlib import Path
from storage.archive import Archive
from storage.later import EvidenceGroup
from storage.records import Waybill
from tests.storage.desk import NUMBER, Desk, photo
from tests.storage.shift import ANN, said, say, sealed
root, until = Path(sys.argv[1]), time.monotonic() + float(sys.argv[2])
count = 0
with Archive.open(root) as archive:
    while time.monotonic() < until:
        count += 1
"""
BENCH = """
        archive.hold_bench_lock()
        archive.checkpoint_every = 10
        sealed(Desk(archive, archive._clock()).pack(f"PARCEL{count}"))
"""
PEOPLE = """
        number = f"SUBJECT{sys.argv[3]}"
        session = archive.find(number)[-1].id
        said(archive.note(ANN, session, f"note {count}").result())
        held = archive.hold(ANN, session, "a claim is open").result()
        said(held)
        said(archive.undo(ANN, held.id, "settled").result())
        archive.rebind(ANN, session, Waybill(f"OTHER{count}", ""), "wrong").result()
        archive.rebind(ANN, session, Waybill(number, ""), "right").result()
        say("head", archive.head())
"""
INBOX = """
        source = root.with_name(f"{sys.argv[3]}.jpg")
        source.write_bytes(photo(count % 20) + str(count).encode())
        document = archive.file_document(ANN, source, NUMBER, EvidenceGroup.MEDIA).result()
        say("document", document.id, document.sha256)
"""
WORK = (BENCH, PEOPLE, PEOPLE, INBOX, INBOX)


def test_all_programs_at_once_lose_nothing_and_leave_the_archive_whole(
    root: Path, tmp_path: Path
) -> None:
    with Archive.open(root) as archive:
        desk = Desk(archive)
        for number in range(len(WORK)):
            desk.pack(f"SUBJECT{number}")
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", STARTED + work, root, str(SECONDS), str(number)],
            stdout=(tmp_path / f"told{number}").open("wb"),
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(HERE.parents[2])},
        )
        for number, work in enumerate(WORK)
    ]
    checks = 0
    while any(program.poll() is None for program in programs):
        assert verify(root) == []
        checks += 1
        time.sleep(0.05)
    for program in programs:
        assert program.communicate()[1] == b""
        assert program.returncode == 0
    assert checks
    assert verify(root) == []
    with Archive.open(root, clock=lambda: AFTER) as archive:
        assert archive.recover() == []
        assert archive.counts()[Status.OPEN] == 0
        for number in range(len(programs)):
            told = (tmp_path / f"told{number}").read_text().splitlines()
            assert told
            for line in told:
                acknowledged(archive, line.split())
    assert verify(root) == []
    assert not (root / "lost+found").exists()


def test_two_benches_are_not_at_once(root: Path) -> None:
    with Archive.open(root) as archive:
        archive.hold_bench_lock()
        second = subprocess.run(
            [sys.executable, "-c", STARTED + BENCH, root, "1"],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(HERE.parents[2])},
            check=False,
        )
        assert ArchiveBusy.__name__ in second.stderr
        assert archive.recent(1) == []
