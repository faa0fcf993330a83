"""A package is signed, and tells all that was said and filed after the seal."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ulid import ULID

from storage import amending, keys
from storage.archive import Archive
from storage.errors import ChecksumMismatch, NoHead, NotAllowed, Refused
from storage.evidence.heads import head_of
from storage.evidence.package import export
from storage.evidence.verify import verify
from storage.keys import signer_of
from storage.later import Actor, Amendment, Change, EvidenceGroup, Role
from storage.problem import Problem
from storage.records import Session, Waybill
from storage.rows import media_of
from storage.site_keys import site_signer
from tests.storage.arrivals import ANN, PAT
from tests.storage.desk import NUMBER, Desk
from tests.storage.packages import facts_of, remanifest, reseal, unpacked_at

RIGHT = "1Z999AA10123456795"


@pytest.fixture
def packed(desk: Desk, tmp_path: Path) -> Session:
    """A parcel with all that can be said of it later: bound to the right number, noted, held, with
    a document of its own and one that was filed under another number first."""
    desk.check()
    session = desk.pack()
    archive = desk.archive
    archive.rebind(ANN, session.id, Waybill(RIGHT, RIGHT, "UPS"), "label printed late").result()
    archive.note(ANN, session.id, "the customer called <b>").result()
    hold = archive.hold(ANN, session.id, "claim 7").result()
    archive.undo(ANN, hold.id, "claim closed").result()
    invoice = tmp_path / "invoice & co.pdf"
    invoice.write_bytes(b"%PDF-1.4 the invoice")
    archive.file_document(ANN, invoice, RIGHT, EvidenceGroup.PROOF_OF_VALUE).result()
    trace = tmp_path / "trace.txt"
    trace.write_bytes(b"delivered\n")
    filed = archive.file_document(ANN, trace, "OTHER1234", EvidenceGroup.MEDIA).result()
    archive.refile(ANN, filed.id, RIGHT, EvidenceGroup.TRACKING_TRACE, "wrong folder").result()
    return session


@pytest.fixture
def unpacked(desk: Desk, packed: Session, tmp_path: Path) -> Path:
    """The folder of its unpacked package."""
    package = export(desk.archive, [packed], tmp_path / "out").path
    assert verify(package) == []
    return unpacked_at(package, tmp_path / "unpacked")


def test_all_that_was_said_and_filed_later_goes_along(
    desk: Desk, packed: Session, unpacked: Path
) -> None:
    assert unpacked.name.startswith(f"evidence-{RIGHT}-")
    facts = facts_of(unpacked)
    assert facts["format"] == "packwitness-evidence-5"
    assert facts["sessions"][0]["tracking_number"] == NUMBER
    assert facts["effective"][packed.id] == RIGHT
    changes = ["rebound", "noted", "held", "undone", "refiled"]
    assert [each["change"] for each in facts["amendments"]] == changes
    groups = {each["name"]: each["group"] for each in facts["documents"]}
    assert groups == {"invoice & co.pdf": "proof_of_value", "trace.txt": "media"}
    for document in facts["documents"]:
        folder = unpacked / "data" / document["document"]
        assert {path.name for path in folder.iterdir()} >= {"document.json", "document.sig"}
    contents = [path.read_bytes() for path in (unpacked / "data").rglob("document.*")]
    assert b"delivered\n" in contents
    assert b"%PDF-1.4 the invoice" in contents
    page = (unpacked / "index.html").read_text(encoding="utf-8")
    for shown in (
        f"<h1>{RIGHT}</h1>", NUMBER, "label printed late", "the customer called &lt;b&gt;",
        "claim 7", "claim closed", "invoice &amp; co.pdf", "tracking trace", "wrong folder",
        "Recorded as", "原记录运单号", str(facts["head"]["hash"]), facts["keys"][0]["key"],
    ):  # fmt: skip
        assert shown in page, shown


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_openssl_agrees_with_every_signature_in_a_package(unpacked: Path) -> None:
    (key,) = (unpacked / "keys").iterdir()
    pairs = [(path, path.with_suffix(".json")) for path in unpacked.rglob("*.sig")]
    assert len(pairs) == 9 + 1
    for signature, content in pairs:
        subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(key), "-rawin",
             "-in", str(content), "-sigfile", str(signature)],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip


def test_the_head_in_a_package_shows_a_ledger_that_was_cut(
    desk: Desk, root: Path, unpacked: Path, tmp_path: Path
) -> None:
    facts = facts_of(unpacked)
    noted = f"{facts['head']['seq']}:{facts['head']['hash']}"
    package = next((tmp_path / "out").glob("*.zip"))
    made = desk.archive.checkpoint().result()
    for given in (noted, package, unpacked, unpacked / "manifest.json"):
        assert str(head_of(str(given))) == noted
    path = root / "ledger" / f"{made.seq:012d}.json"
    assert head_of(str(path)) == made.head == desk.archive.head()
    for nothing in ("x", tmp_path, unpacked / "index.html", unpacked / "bagit.txt"):
        with pytest.raises(NoHead):
            head_of(str(nothing))


def test_a_package_that_lost_its_signatures_is_not_whole(desk: Desk, unpacked: Path) -> None:
    own = unpacked / "tagmanifest-sha256.txt.p7s"
    whole = own.read_bytes()
    own.unlink()
    assert {problem.path for problem in verify(unpacked)} == {own.name}
    own.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert {problem.path for problem in verify(unpacked)} == {own.name}
    own.write_bytes(whole)
    assert verify(unpacked) == []
    for signature in sorted((unpacked / "data").rglob("*.sig")):
        name, kept = signature.relative_to(unpacked).as_posix(), signature.read_bytes()
        reseal(unpacked, signature, bytes(64), site_signer(desk.archive.root))
        assert name in {problem.path for problem in verify(unpacked)}
        reseal(unpacked, signature, kept, site_signer(desk.archive.root))
    assert verify(unpacked) == []


def test_a_signature_that_was_taken_out_everywhere_is_missed(desk: Desk, unpacked: Path) -> None:
    for signature in sorted((unpacked / "data").rglob("*.sig")):
        name, facts, kept = (
            signature.relative_to(unpacked).as_posix(), facts_of(unpacked), signature.read_bytes()
        )  # fmt: skip
        signature.unlink()
        listed = [each for each in facts["files"] if each["path"] != name]
        (unpacked / "manifest.json").write_text(json.dumps({**facts, "files": listed}))
        remanifest(unpacked, site_signer(desk.archive.root))
        assert {problem.path for problem in verify(unpacked)} == {name, "bag-info.txt"}
        signature.write_bytes(kept)
        (unpacked / "manifest.json").write_text(json.dumps(facts))


def test_a_key_in_another_form_is_named(desk: Desk, unpacked: Path, tmp_path: Path) -> None:
    (path,) = (unpacked / "keys").iterdir()
    path.write_bytes(keys.pem(signer_of(tmp_path / "forger").public))
    remanifest(unpacked, site_signer(desk.archive.root))
    assert [problem.path for problem in verify(unpacked)] == [f"keys/{path.name}"]


def test_lists_made_anew_without_the_key_show(unpacked: Path, tmp_path: Path) -> None:
    (unpacked / "index.html").write_text("all is well")
    own = {"tagmanifest-sha256.txt.p7s"}
    remanifest(unpacked)
    assert {problem.path for problem in verify(unpacked)} == own
    remanifest(unpacked, site_signer(tmp_path / "forger"))
    assert {problem.path for problem in verify(unpacked)} == own | {"manifest.json.p7s"}


def dropped(kind: str, change: str = "") -> Callable[[dict[str, Any]], None]:
    def drop(facts: dict[str, Any]) -> None:
        facts[kind] = [each for each in facts[kind] if change and each["change"] != change]

    return drop


FORGERIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "amendments": dropped("amendments"),
    "rebound": dropped("amendments", "rebound"),
    "documents": dropped("documents"),
    "note": lambda facts: facts["amendments"][1].update(text="nobody called"),
    "by": lambda facts: facts["amendments"][0].update(by="Eve"),
    "name": lambda facts: facts["documents"][0].update(name="receipt.pdf"),
    "effective": lambda facts: facts["effective"].update(dict.fromkeys(facts["effective"], "X")),
    "no effective": lambda facts: facts.pop("effective"),
    "deleted": lambda facts: facts.update(deleted=[facts["sessions"][0]["session"]]),
    "site": lambda facts: facts["site"].update(root_sha256="0" * 64),
    "no site": lambda facts: facts.pop("site"),
    "head": lambda facts: facts["head"].update(hash="0" * 64),
    "no head": lambda facts: facts.pop("head"),
    "path": lambda facts: facts["ledger"][0]["path"].pop(),
    "no path": lambda facts: facts["ledger"][0].update(path=None),
    "other path": lambda facts: facts["ledger"][0].update(path=facts["ledger"][1]["path"]),
    "checkpoint": lambda facts: facts["ledger"][0].update(checkpoint=99),
    "archive": lambda facts: facts.update(archive="another"),
    "complete": lambda facts: facts["completeness"]["documents"].update(claim_form=1),
    "group": lambda facts: facts["groups"].update(dict.fromkeys(facts["groups"], "media")),
    "keys": lambda facts: facts.update(keys=[]),
    "public": lambda facts: facts["keys"][0].update(public="00" * 32),
    "short public": lambda facts: facts["keys"][0].update(public="00"),
    "no hex": lambda facts: facts["keys"][0].update(public="xy"),
    "older": lambda facts: facts.update(format="packwitness-evidence-3"),
    "subject": lambda facts: facts["amendments"][0].update(subject="nothing"),
    "change": lambda facts: facts["amendments"][0].update(change="blessed"),
    "id": lambda facts: facts["documents"][0].update(document="a/b"),
    "list": lambda facts: facts["amendments"].append([]),
}


@pytest.mark.parametrize("forgery", sorted(FORGERIES))
def test_whoever_holds_the_key_cannot_make_the_facts_contradict_the_evidence(
    desk: Desk, unpacked: Path, forgery: str
) -> None:
    facts = facts_of(unpacked)
    FORGERIES[forgery](facts)
    (unpacked / "manifest.json").write_text(json.dumps(facts))
    remanifest(unpacked, site_signer(desk.archive.root))
    assert verify(unpacked)


def test_an_amendment_of_what_is_not_there_is_named(desk: Desk, unpacked: Path) -> None:
    facts = facts_of(unpacked)
    dropped("documents")(facts)
    (unpacked / "manifest.json").write_text(json.dumps(facts))
    remanifest(unpacked, site_signer(desk.archive.root))
    refiled = next(each for each in facts["amendments"] if each["change"] == "refiled")
    name = f"data/{refiled['amendment']}/amendment.json"
    assert Problem(name, "amends nothing that is in the package") in verify(unpacked)


@pytest.mark.parametrize(
    "name", ["document.json", "amendment.json", "session.json", "document.pdf"]
)
def test_a_manifest_that_was_sealed_anew_is_not_the_ledgers(
    desk: Desk, unpacked: Path, name: str
) -> None:
    path = sorted((unpacked / "data").rglob(name))[0]
    changed = path.read_bytes().replace(b"Ann", b"Eve").replace(b"invoice", b"receipt")
    assert changed != path.read_bytes()
    reseal(unpacked, path, changed, site_signer(desk.archive.root))
    signature = path.with_suffix(".sig")
    reseal(unpacked, signature, desk.archive.signer.sign(changed), site_signer(desk.archive.root))
    assert verify(unpacked)


def test_a_key_that_does_not_belong_is_named(desk: Desk, unpacked: Path, tmp_path: Path) -> None:
    stranger = signer_of(tmp_path / "stranger")
    (unpacked / "keys" / f"{stranger.id}.pem").write_bytes(b"a key")
    remanifest(unpacked, site_signer(desk.archive.root))
    assert [problem.path for problem in verify(unpacked)] == [f"keys/{stranger.id}.pem"]


def deleted(desk: Desk, root: Path, session: Session) -> None:
    """Let policy delete the files of a session."""
    now = desk.tick()
    said = Amendment(
        str(ULID.from_datetime(now)), session.id, Change.DELETED, now, "policy",
        Role.SUPERVISOR, "class default, 180 days",
    )  # fmt: skip
    done = desk.archive._submit(
        lambda db: amending.file_amendment(db, root, desk.archive.signer, said), "deleting"
    )
    done.result()
    for item in media_of(session):
        (root / item.path).unlink()


def test_a_session_deleted_by_policy_is_exported_as_what_it_was(
    desk: Desk, root: Path, tmp_path: Path
) -> None:
    session = desk.pack()
    desk.pack(pass_no=2)
    deleted(desk, root, session)
    package = export(desk.archive, desk.archive.find(NUMBER), tmp_path / "out").path
    assert verify(package) == []
    folder = unpacked_at(package, tmp_path / "unpacked")
    assert facts_of(folder)["deleted"] == [session.id]
    inside = {path.name for path in (folder / "data" / session.id).iterdir()}
    assert inside == {"session.json", "session.sig"}
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "deleted by policy" in page
    assert "class default, 180 days" in page
    facts = facts_of(folder)
    facts["deleted"] = []
    (folder / "manifest.json").write_text(json.dumps(facts))
    remanifest(folder, site_signer(desk.archive.root))
    assert verify(folder)


def test_a_damaged_document_is_left_out_and_named(
    desk: Desk, root: Path, packed: Session, tmp_path: Path
) -> None:
    document, *_ = desk.archive.documents_of(RIGHT)[0]
    (root / document.path).write_bytes(b"%PDF-1.4 another one")
    package = export(desk.archive, [packed], tmp_path / "again").path
    assert verify(package) == []
    folder = unpacked_at(package, tmp_path / "unpacked")
    assert facts_of(folder)["left_out_damaged_documents"] == [document.id]
    assert document.id in (folder / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["session.sig", "amendment.sig", "amendment.json"])
@pytest.mark.parametrize("how", ["changed", "missing"])
def test_what_was_signed_and_is_not_any_more_is_not_exported(
    desk: Desk, root: Path, packed: Session, tmp_path: Path, name: str, how: str
) -> None:
    path = sorted(root.rglob(name))[0]
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    with pytest.raises((Refused, ChecksumMismatch)):
        export(desk.archive, [packed], tmp_path / "again")
    assert not (tmp_path / "again").exists() or not list((tmp_path / "again").iterdir())


def test_an_export_tells_who_made_it_and_asks_for_the_right(
    desk: Desk, packed: Session, tmp_path: Path
) -> None:
    archive: Archive = desk.archive
    export(archive, [packed], tmp_path / "out", actor=ANN)
    told = json.loads(archive.ledger_of(packed.id)[-1][1].body)
    assert (told["event"], told["by"], told["role"]) == ("exported", "Ann", "supervisor")
    with pytest.raises(NotAllowed):
        export(archive, [packed], tmp_path / "no", actor=PAT)
    with pytest.raises(NotAllowed):
        archive.disclose(
            PAT, sessions=[packed.id], profile="complete", package="x", digest="0" * 64, files=[]
        ).result()
    nobody = archive.nobody()
    assert nobody is not None
    archive.admit(nobody, "Sue", Role.SUPERVISOR, "482913").result()
    for actor in (None, ANN, Actor("Eve", Role.SUPERVISOR, verified=True)):
        with pytest.raises(NotAllowed):
            export(archive, [packed], tmp_path / "no", actor=actor)
    assert not (tmp_path / "no").exists()
    export(archive, [packed], tmp_path / "yes", actor=archive.sign_in("Sue", "482913"))
