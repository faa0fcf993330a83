"""An entry of the ledger is proven to a signed checkpoint, and shows nothing of other parcels."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from storage import checkpoint_files, signed
from storage.archive import Archive
from storage.errors import LedgerBroken
from storage.evidence.package import export
from storage.evidence.verify import verify
from storage.ledger_proofs import Proof, holds
from storage.site_keys import site_signer
from tests.storage.desk import Desk
from tests.storage.packages import facts_of, remanifest, unpacked_at

OTHER = "1Z999AA10123456795"


def test_every_entry_is_proven_under_one_of_the_checkpoints(desk: Desk) -> None:
    archive = desk.archive
    sessions = []
    for pass_no in (1, 2, 3):
        sessions.append(desk.pack(pass_no=pass_no))
        if pass_no < 3:
            archive.checkpoint().result()
    entries = {
        entry.seq: entry for session in sessions for _, entry in archive.ledger_of(session.id)
    }
    witnesses, proofs = archive.proofs(entries)
    assert [witness.checkpoint.seq for witness in witnesses] == sorted(
        {proof.checkpoint for proof in proofs.values()}
    )
    assert len(witnesses) == 3, "what no checkpoint stood for was signed for the proof"
    by_seq = {witness.checkpoint.seq: witness.checkpoint for witness in witnesses}
    for seq, entry in entries.items():
        proof, checkpoint = proofs[seq], by_seq[proofs[seq].checkpoint]
        assert holds(entry, proof, checkpoint)
        assert not holds(replace(entry, body=f"{entry.body} "), proof, checkpoint)
        assert not holds(entry, Proof(proof.checkpoint, None), checkpoint)
        assert not holds(entry, proof, replace(checkpoint, tree=""))
        for other in witnesses:
            if other.checkpoint is not checkpoint:
                assert not holds(entry, proof, other.checkpoint)
    again, same = archive.proofs(entries)
    assert (again, same) == (witnesses, proofs)


def test_a_checkpoint_from_before_there_were_trees_proves_by_its_chain_alone(
    desk: Desk, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = desk.pack()
    whole = checkpoint_files.head_bytes
    monkeypatch.setattr(checkpoint_files, "head_bytes", lambda made: whole(replace(made, tree="")))
    made = desk.archive.checkpoint().result()
    monkeypatch.undo()
    assert b'"tree"' not in checkpoint_files.head_path(root, made.seq).read_bytes()
    package = export(desk.archive, [session], tmp_path / "out").path
    facts = facts_of(unpacked_at(package, tmp_path))
    assert {item["path"] for item in facts["ledger"]} == {None}
    assert verify(package) == []
    assert verify(root) == []


def test_a_proof_is_not_made_from_a_segment_that_was_changed(desk: Desk, root: Path) -> None:
    session = desk.pack()
    made = desk.archive.checkpoint().result()
    segment = checkpoint_files.segment_path(root, made.first_seq, made.seq)
    segment.write_bytes(segment.read_bytes().replace(b"Ann", b"Eve"))
    seqs = [entry.seq for _, entry in desk.archive.ledger_of(session.id)]
    if b"Eve" in segment.read_bytes():
        with pytest.raises(LedgerBroken):
            desk.archive.proofs(seqs)
    segment.write_bytes(b"")
    with pytest.raises(LedgerBroken):
        desk.archive.proofs(seqs)


def test_a_package_tells_nothing_of_other_parcels(desk: Desk, tmp_path: Path) -> None:
    other, session = desk.pack(OTHER), desk.pack()
    after = desk.pack(OTHER, pass_no=2)
    package = export(desk.archive, [session], tmp_path / "out").path
    folder = unpacked_at(package, tmp_path)
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for foreign in (OTHER, other.id, after.id):
                assert foreign.encode() not in content, path.name


def test_a_package_tells_nobody_who_else_got_one(desk: Desk, tmp_path: Path) -> None:
    session = desk.pack()
    export(desk.archive, [session], tmp_path / "one", recipient="Carrier Ltd", reason="claim 7")
    package = export(desk.archive, [session], tmp_path / "two").path
    folder = unpacked_at(package, tmp_path)
    told = (folder / "manifest.json").read_text()
    assert "Carrier" not in told
    assert "claim 7" not in told
    events = [json.loads(item["body"])["event"] for item in facts_of(folder)["ledger"]]
    assert "exported" not in events
    assert "sealed" in events


def test_the_same_state_gives_the_same_package_to_the_bit(desk: Desk, tmp_path: Path) -> None:
    desk.check()
    session = desk.pack()
    first = export(desk.archive, [session], tmp_path / "one", recipient="Carrier Ltd")
    desk.pack(OTHER)
    second = export(desk.archive, [session], tmp_path / "two", reason="again")
    assert first.digest == second.digest
    assert first.path.name == second.path.name
    assert first.path.read_bytes() == second.path.read_bytes()
    archive: Archive = desk.archive
    nobody = archive.nobody()
    assert nobody is not None
    archive.note(nobody, session.id, "the customer called").result()
    third = export(archive, [session], tmp_path / "three")
    assert third.digest != first.digest


def test_a_signed_tree_that_is_not_that_of_the_entries_is_found(desk: Desk, root: Path) -> None:
    desk.pack()
    made = desk.archive.checkpoint().result()
    lying = replace(made, tree="0" * 64)
    head = checkpoint_files.head_path(root, made.seq)
    signed.write(head, checkpoint_files.head_bytes(lying), desk.archive.signer)
    assert any("signed tree" in problem.what for problem in verify(root))


def test_a_checkpoint_that_nothing_is_under_does_not_belong(
    desk: Desk, root: Path, tmp_path: Path
) -> None:
    session = desk.pack()
    folder = unpacked_at(export(desk.archive, [session], tmp_path / "out").path, tmp_path)
    desk.pack(OTHER)
    newer = desk.archive.checkpoint().result().seq
    for ending in (".json", ".sig"):
        shutil.copy(root / "ledger" / f"{newer:012d}{ending}", folder / "ledger")
    remanifest(folder, site_signer(root))
    assert [problem.what for problem in verify(folder)] == [f"no entry is under checkpoint {newer}"]


def test_the_chain_beside_is_that_of_the_signatures(desk: Desk, root: Path, tmp_path: Path) -> None:
    session = desk.pack()
    folder = unpacked_at(export(desk.archive, [session], tmp_path / "out").path, tmp_path)
    own, stranger = site_signer(root), site_signer(tmp_path / "stranger")
    beside = folder / "certificates" / "signer.pem"
    for certificates in (stranger.certificates[:1], (own.certificates[0], *stranger.certificates)):
        pem = b"".join(each.public_bytes(Encoding.PEM) for each in certificates)
        beside.write_bytes(pem)
        remanifest(folder, own)
        assert {problem.path for problem in verify(folder)} == {"certificates/signer.pem"}
