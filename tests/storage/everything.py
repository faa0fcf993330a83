"""An archive that holds one of everything that can be evidence, closed: to be meddled with."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from storage import retention
from storage.archive import Archive
from storage.disclosures import DisclosedFile, Disclosure
from storage.later import EvidenceGroup
from storage.records import Kind, Session, Status, Waybill
from tests.storage.arrivals import ANN
from tests.storage.desk import NOON, Desk
from tests.storage.later_clock import SetClock

REBOUND_TO = "JD014600006281230000"


def fill(root: Path, spare: Path) -> list[Session]:
    """Fill a new archive in `root`: sessions of every status (which are the answer), a camera
    check, documents, amendments of every change, disclosures, checkpoints. `spare` is an
    empty folder."""
    clock = SetClock(NOON)
    with Archive.open(root, clock=clock) as archive:
        old = Desk(archive).pack("1Z999AA10000000000")
        archive.checkpoint().result()
        clock.pass_(days=200)
        policy = retention.Policy(days=180, floor_days=90)
        (doomed,) = archive.retention_plan(policy, 1 << 50).deletes
        archive.delete(ANN, doomed, policy).result()
        desk = Desk(archive, clock())
        packed = desk.pack()
        wrong = desk.pack("1Z999AA10000000001", kind=Kind.RETURN)
        session, folder = desk.open("1Z999AA10000000002")
        desk.clip(session, folder, "copied")
        desk.gap(session)
        desk.note(session)
        sealed = desk.seal(session, Status.CANCELLED, reason="not wanted")
        desk.check()
        clock.pass_(hours=1)
        archive.note(ANN, packed.id, "a corner was dented").result()
        archive.hold(ANN, packed.id, "claim").result()
        test = archive.mark_test(ANN, sealed.id, "a try").result()
        clock.pass_(hours=1)
        archive.undo(ANN, test.id, "no").result()
        archive.rebind(ANN, wrong.id, Waybill(REBOUND_TO, "", "DHL"), "label").result()
        for number, group in ((1, EvidenceGroup.MEDIA), (2, EvidenceGroup.CORRESPONDENCE)):
            path = spare / f"mail-{number}.eml"
            path.write_bytes(b"From: a\r\nSubject: %d\r\n\r\nHello\r\n" % number)
            filed = archive.file_document(ANN, path, packed.waybill.number, group).result()
        archive.refile(ANN, filed.id, REBOUND_TO, EvidenceGroup.MEDIA, "of the other").result()
        disclose(archive, [packed.id, wrong.id])
        archive.checkpoint().result()
        clock.pass_(seconds=1)
        disclose(archive, [packed.id])
        archive.looked(ANN, packed.id, "photos").result()
    return [old, packed, wrong, sealed]


def disclose(archive: Archive, sessions: list[str]) -> Disclosure:
    """Tell that these sessions left, to somebody who is not to be trusted."""
    return archive.disclose(
        ANN,
        sessions=sessions,
        profile="complete",
        package="evidence.zip",
        digest="d" * 64,
        files=[DisclosedFile(f"data/{each}/session.json", 99, "f" * 64) for each in sessions],
        recipient="Carrier\x00\x1b[31m\u202e",
        reason="a claim",
    ).result()


def later(moment: dt.timedelta) -> dt.datetime:
    """A moment after everything that was filed."""
    return NOON + dt.timedelta(days=201) + moment
