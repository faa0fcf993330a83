"""Who got what is the same from the ledger alone, whoever wrote it, and whatever is lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ulid import ULID

from storage import checkpoints, ledger, schema
from storage.archive import Archive
from storage.disclosures import (
    DisclosedFile,
    Disclosure,
    Misread,
    Told,
    first_facts,
    further_facts,
    told_by,
)
from storage.evidence.verify import verify
from storage.later import Role
from storage.ledger import Entry, LedgerEvent
from storage.rebuild import rebuild
from storage.records import parse_utc
from storage.transaction import immediate
from tests.storage.desk import NOON, NUMBER, Desk
from tests.storage.everything import disclose
from tests.storage.later_clock import SetClock
from tests.storage.leaving import exports, leave


def put(root: Path, *told: Mapping[str, object]) -> None:
    """Append entries as a former version, or somebody with the PC, would."""
    db = schema.connect(root / schema.DATABASE)
    try:
        for facts in told:
            with immediate(db):
                session = str(facts["session"])
                rest = {key: value for key, value in facts.items() if key != "session"}
                ledger.append(db, LedgerEvent.EXPORTED, NOON, session, **rest)
    finally:
        db.close()


def test_former_versions_entries_become_one_disclosure_for_each_package(
    desk: Desk, root: Path
) -> None:
    one, two = desk.pack(), desk.pack(pass_no=2)
    old = {"package": "a.zip", "digest": "1" * 64, "by": "Ann", "role": "claims"}
    put(
        root,
        old | {"session": one.id},
        old | {"session": two.id},
        old | {"session": one.id},
        {"package": "b.zip", "digest": "2" * 64, "session": one.id},
        {"package": "b.zip", "digest": "2" * 64, "session": two.id},
        old | {"session": two.id, "role": "supervisor"},
    )
    desk.note(desk.open("OPEN1")[0])
    put(root, old | {"session": one.id, "role": "supervisor"})
    found = [each for each in told_by(exports(root)) if isinstance(each, Told)]
    assert [len(each.seqs) for each in found] == [2, 1, 2, 1, 1]
    assert [each.disclosure.role for each in found] == ["claims", "claims", None] + 2 * [
        "supervisor"
    ]
    assert [each.disclosure.by for each in found] == ["Ann", "Ann", "", "Ann", "Ann"]
    assert len({each.disclosure.id for each in found}) == 5
    assert parse_utc("2026-11-22T12:00:00.000Z") == found[0].disclosure.at


@pytest.mark.parametrize("parts", [1, 2])
def test_a_database_from_a_backup_gets_its_disclosures_back(
    desk: Desk, root: Path, tmp_path: Path, parts: int
) -> None:
    packed, other = desk.pack(), desk.pack(pass_no=2)
    first = leave(desk.archive, packed)
    desk.archive.checkpoint().result()
    shutil.copytree(root, tmp_path / "backup")
    second = leave(desk.archive, packed, other)
    if parts == 2:  # the segments come back one after the other, cut within the disclosure
        db = schema.connect(root / schema.DATABASE)
        cut = exports(root)[1]
        signer = desk.archive.signer
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(checkpoints, "SEGMENT_ENTRIES", 1)
            assert checkpoints.make(db, root, signer, NOON).seq == cut.seq  # type: ignore[union-attr]
        db.close()
        copied(root, tmp_path / "backup")
        with Archive.open(tmp_path / "backup") as archive:
            assert archive.disclosures()[0] == replace(second, sessions=(packed.id,))
            assert verify(archive.root) == []
        desk.archive.checkpoint().result()
    third = leave(desk.archive, other)
    desk.archive.checkpoint().result()
    copied(root, tmp_path / "backup")
    with Archive.open(tmp_path / "backup") as archive:
        assert archive.disclosures() == [third, second, first]
        assert archive.disclosures_of(other.id) == [second, third]
        assert verify(archive.root) == []


def copied(root: Path, backup: Path) -> None:
    """Put the newest segments beside the database of a backup."""
    shutil.copytree(root / "ledger", backup / "ledger", dirs_exist_ok=True)


def test_they_outlive_the_database_and_the_files_that_they_show(root: Path) -> None:
    clock = SetClock()
    with Archive.open(root, clock=clock) as archive:
        packed = Desk(archive).pack()
        told = disclose(archive, [packed.id])
        archive.checkpoint().result()
    (root / schema.DATABASE).unlink()
    shutil.rmtree(next(root.glob("media/*/*/*")))
    found = rebuild(root, clock())
    assert (found.sessions, found.disclosures) == (0, 1)
    with Archive.open(root) as archive:
        assert archive.disclosures() == archive.disclosures_of(packed.id) == [told]
        assert archive.disclosures(NUMBER) == []


def test_entries_that_mean_nothing_stop_nothing_and_are_named(desk: Desk, root: Path) -> None:
    packed = desk.pack()
    good = leave(desk.archive, packed)
    old = {"session": packed.id, "package": "x", "digest": "x"}
    bad: list[Mapping[str, object]] = [
        {"session": packed.id},
        old | {"role": "king"},
        old | {"package": 7},
        old | {"package": "\udc80"},
        first_of(good, packed.id) | {"disclosure": "short"},
        first_of(good, packed.id),
        first_of(good, packed.id) | {"disclosure": "0" * 26, "files": [["x", 1 << 63, "a" * 64]]},
        first_of(good, packed.id) | {"disclosure": "1" * 26, "files": {"x": 1}},
        further_facts(replace(good, id="2" * 26)) | {"session": packed.id},
    ]
    put(root, *bad)
    desk.archive.close()
    seqs = [entry.seq for entry in exports(root)][1:]
    misread = "tells of an export, and cannot be understood"
    twice = f"disclosure {good.id}: its row does not name the ledger entry {seqs[5]}, which tells"
    for seq, problem in zip(seqs, verify(root), strict=True):
        wanted = twice if seq == seqs[5] else f"ledger entry {seq}: {misread}"
        assert problem.what.startswith(wanted)
    with Archive.open(root) as archive:
        archive.checkpoint().result()
        assert archive.disclosures() == [good]
    (root / schema.DATABASE).unlink()
    assert rebuild(root, NOON).disclosures == 1
    with Archive.open(root) as archive:
        assert archive.disclosures() == [good]


def first_of(told: Disclosure, session: str) -> dict[str, object]:
    return {**first_facts(told), "session": session}


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
ids = st.integers(0, (1 << 128) - 1).map(lambda n: str(ULID.from_int(n)))
files = st.builds(
    DisclosedFile, texts, st.integers(0, 1 << 61), st.sampled_from(["a" * 64, "0" * 64])
)
made = st.builds(
    Disclosure,
    id=ids,
    at=st.just(NOON),
    by=texts,
    role=st.sampled_from(Role),
    recipient=texts,
    reason=texts,
    profile=texts.filter(bool),
    package=texts,
    digest=st.sampled_from(["a" * 64, "1" * 64]),
    sessions=st.lists(ids, min_size=1, max_size=3, unique=True).map(tuple),
    files=st.lists(files, max_size=2).map(tuple),
)


def entries_of(told: list[Disclosure]) -> list[Entry]:
    """The entries that are written of these, one after the other."""
    found: list[Entry] = []
    for each in told:
        for count, session in enumerate(each.sessions):
            facts = further_facts(each) if count else first_facts(each)
            body = {"at": "2026-11-22T12:00:00.000Z", "event": "exported", "session": session}
            found.append(Entry(len(found) + 1, session, json.dumps(body | facts), "0" * 64))
    return found


@given(st.lists(made, max_size=4))
def test_what_is_told_is_read_back_as_it_was(told: list[Disclosure]) -> None:
    found = list(told_by(entries_of(told)))
    assert [each.disclosure for each in found if isinstance(each, Told)] == told
    assert [seq for each in found if isinstance(each, Told) for seq in each.seqs] == list(
        range(1, sum(len(each.sessions) for each in told) + 1)
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
names = ("at", "session", "disclosure", "files", "by", "role", "package", "digest", "recipient")


@given(made, st.dictionaries(st.sampled_from(names), json_values), st.sets(st.sampled_from(names)))
def test_a_forged_entry_is_never_more_than_misread(
    told: Disclosure, forged: dict[str, object], dropped: set[str]
) -> None:
    for entry in entries_of([told]):
        facts = {k: v for k, v in json.loads(entry.body).items() if k not in dropped} | forged
        for each in told_by([replace(entry, body=json.dumps(facts))]):
            assert isinstance(each, Told | Misread)
