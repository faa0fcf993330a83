"""What is done to a site's keys: shared, renewed, certified by a company, taken offline, told."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from storage import ledger, schema, site_changes
from storage.archive import Archive
from storage.errors import ArchiveNotWritable, NotAllowed, Refused, SigningFailed, SiteKeysUnusable
from storage.evidence.signing import cms
from storage.later import Actor, Role
from storage.ledger import LedgerEvent
from storage.problem import Problem
from storage.site_keys import fingerprint, grouped, site_signer
from tests.storage.authorities import Chain, openssl, openssl_signs
from tests.storage.desk import Desk

CONTENT = b"what a package says of itself"
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


def site(root: Path) -> Path:
    """Where the keys lie."""
    return root / "keys" / "site"


def names(folder: Path) -> set[str]:
    """What lies in a folder."""
    return {path.name for path in folder.iterdir()}


# ---------------------------------------------------------------------------- made and shared


@pytest.mark.parametrize("name", ["Seller GmbH", "卖家有限公司", "  Łódź   Express "])
def test_a_site_is_called_what_it_is_called(tmp_path: Path, name: str) -> None:
    site_changes.make(tmp_path, name)
    signer = site_signer(tmp_path)
    assert signer.name == " ".join(name.split())
    assert cms.fault(signer.sign(CONTENT), CONTENT, signer.root) == ""


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "a\x1b[31m", "‮evil"])
def test_what_is_no_name_makes_no_keys(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match="printable characters"):
        site_changes.make(tmp_path, name)
    assert not site(tmp_path).exists()


def test_new_keys_take_the_place_of_others_only_when_told(tmp_path: Path) -> None:
    before = site_signer(tmp_path)
    kept = {path.name: path.read_bytes() for path in site(tmp_path).iterdir()}
    with pytest.raises(Refused, match="keys renew"):
        site_changes.make(tmp_path, "Seller")
    assert site_signer(tmp_path).fingerprint == before.fingerprint
    site_changes.make(tmp_path, "Seller", replace=True)
    assert site_signer(tmp_path).name == "Seller"
    former = tmp_path / "keys" / f"site-{before.fingerprint[:12]}"
    assert {path.name: path.read_bytes() for path in former.iterdir()} == kept


def test_keys_that_cannot_be_used_are_kept_when_new_ones_are_made(tmp_path: Path) -> None:
    site_signer(tmp_path)
    (site(tmp_path) / "root.pem").write_text("spoilt")
    site_changes.make(tmp_path, "Seller", replace=True)
    assert (tmp_path / "keys" / "site-unusable" / "root.pem").read_text() == "spoilt"
    assert site_signer(tmp_path).name == "Seller"


@pytest.mark.parametrize("bundled", [True, False])
def test_many_benches_share_one_root(tmp_path: Path, bundled: bool) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    site_changes.make(one, "Seller")
    key_file = site(one) / "root.key"
    if bundled:
        key_file = tmp_path / "root offline"
        site_changes.take_root_offline(one, key_file)
    site_changes.make(other, root_file=key_file)
    first, second = site_signer(one), site_signer(other)
    assert first.fingerprint == second.fingerprint
    assert first.certificates[0].subject != second.certificates[0].subject
    assert cms.fault(second.sign(CONTENT), CONTENT, first.root) == ""
    assert names(site(other)) == {"root.pem", "signer.pem", "signer.key"}


def test_a_shared_root_needs_its_own_certificate(tmp_path: Path) -> None:
    site_signer(tmp_path / "one")
    key_file = tmp_path / "root.key"
    shutil.copy(site(tmp_path / "one") / "root.key", key_file)
    with pytest.raises(SiteKeysUnusable, match="missing"):
        site_changes.make(tmp_path / "two", root_file=key_file)
    site_signer(tmp_path / "three")
    shutil.copy(site(tmp_path / "three") / "root.pem", tmp_path / "root.pem")
    with pytest.raises(SiteKeysUnusable, match="another key"):
        site_changes.make(tmp_path / "two", root_file=key_file)
    assert not site(tmp_path / "two").exists()


# ---------------------------------------------------------------------------- renewed, offline


def test_a_new_signer_leaves_the_root_and_what_was_signed(tmp_path: Path) -> None:
    before = site_signer(tmp_path)
    signed = before.sign(CONTENT)
    site_changes.renew(tmp_path)
    after = site_signer(tmp_path)
    assert after.certificates[0] != before.certificates[0]
    assert after.fingerprint == before.fingerprint
    assert names(site(tmp_path)) == {"root.pem", "root.key", "signer.pem", "signer.key"}
    for each in (signed, after.sign(CONTENT)):
        assert cms.fault(each, CONTENT, after.root) == ""
    assert names(tmp_path / "keys") == {"site", "site.lock"}


def test_a_root_that_is_offline_is_needed_to_renew_and_for_nothing_else(tmp_path: Path) -> None:
    archive, stick = tmp_path / "archive", tmp_path / "stick.pem"
    before = site_signer(archive)
    secret = (site(archive) / "root.key").read_bytes()
    site_changes.take_root_offline(archive, stick)
    if os.name == "posix":
        assert stick.stat().st_mode & 0o777 == 0o600
    assert not any(secret in path.read_bytes() for path in archive.rglob("*") if path.is_file())
    assert site_signer(archive).sign(CONTENT) == before.sign(CONTENT)
    with pytest.raises(Refused, match="--root-key"):
        site_changes.renew(archive)
    with pytest.raises(Refused, match="not in this archive"):
        site_changes.take_root_offline(archive, tmp_path / "again.pem")
    site_changes.renew(archive, stick)
    assert site_signer(archive).fingerprint == before.fingerprint
    assert site_signer(archive).certificates[0] != before.certificates[0]
    assert not (site(archive) / "root.key").exists()
    site_changes.make(tmp_path / "other", "Another")
    with pytest.raises(SiteKeysUnusable, match="not the key of the root"):
        site_changes.renew(archive, site(tmp_path / "other") / "root.key")


def test_a_root_is_taken_to_a_new_file_elsewhere_only(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    site_signer(archive)
    (tmp_path / "there").write_text("something")
    for target, why in (
        (tmp_path / "there", "there already"),
        (archive / "root.pem", "within the archive"),
        (tmp_path / "no folder" / "root.pem", "not written"),
    ):
        with pytest.raises(Refused, match=why):
            site_changes.take_root_offline(archive, target)
    assert (tmp_path / "there").read_text() == "something"
    assert (site(archive) / "root.key").exists()


# ---------------------------------------------------------------------------- a company's authority


class Company:
    """A company's authority, made of `openssl`, with one between its root and the signers."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        settings = "[req]\ndistinguished_name=n\n[n]\n[ca]\nbasicConstraints=critical,CA:TRUE\n"
        settings += "keyUsage=critical,keyCertSign\n[leaf]\nkeyUsage=critical,digitalSignature\n"
        settings += "extendedKeyUsage=emailProtection\n"
        (folder / "cnf").write_text(settings)
        openssl("req", "-x509", "-config", self.at("cnf"), "-extensions", "ca", "-newkey",
                "rsa:2048", "-nodes", "-keyout", self.at("root.key"), "-out",
                self.at("root.pem"), "-subj", "/CN=Company root", "-days", "30")  # fmt: skip
        openssl("req", "-config", self.at("cnf"), "-newkey", "rsa:2048", "-nodes", "-keyout",
                self.at("between.key"), "-out", self.at("between.csr"),
                "-subj", "/CN=Company people")  # fmt: skip
        self.issue("between.csr", "root", "ca", "between.pem")

    def at(self, name: str) -> str:
        """A file of the authority."""
        return str(self.folder / name)

    def issue(self, request: str, by: str, kind: str, to: str) -> None:
        """Certify."""
        openssl("x509", "-req", "-in", self.at(request), "-CA", self.at(f"{by}.pem"), "-CAkey",
                self.at(f"{by}.key"), "-CAcreateserial", "-days", "20", "-extfile",
                self.at("cnf"), "-extensions", kind, "-out", self.at(to))  # fmt: skip

    def certify(self, request: bytes, order: tuple[str, ...]) -> Path:
        """What it sends back: these certificates in one file."""
        (self.folder / "signer.csr").write_bytes(request)
        self.issue("signer.csr", "between", "leaf", "signer.pem")
        sent = self.folder / "sent.pem"
        sent.write_bytes(b"".join((self.folder / f"{each}.pem").read_bytes() for each in order))
        return sent


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """An authority that takes requests."""
    return Company(tmp_path_factory.mktemp("company") / "ca")


@needs_openssl
@pytest.mark.parametrize("order", [("signer", "between", "root"), ("root", "between", "signer")])
def test_a_company_certifies_the_signer(
    tmp_path: Path, company: Company, order: tuple[str, ...]
) -> None:
    before = site_signer(tmp_path)
    request = site_changes.request(tmp_path, "Seller GmbH")
    assert site_signer(tmp_path).fingerprint == before.fingerprint
    asked = x509.load_pem_x509_csr(request)
    assert asked.is_signature_valid and "O=Seller GmbH" in asked.subject.rfc4514_string()
    again = x509.load_pem_x509_csr(site_changes.request(tmp_path, "Seller GmbH"))
    assert again.public_key() == asked.public_key()
    site_changes.accept(tmp_path, company.certify(request, order))
    signer = site_signer(tmp_path)
    assert signer.name == "Company root" and len(signer.certificates) == 3
    signed = signer.sign(CONTENT)
    assert cms.fault(signed, CONTENT, signer.root) == ""
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "content.p7s").write_bytes(signed)
    openssl("cms", "-verify", "-binary", "-inform", "DER", "-in", str(tmp_path / "content.p7s"),
            "-content", str(tmp_path / "content"), "-CAfile", company.at("root.pem"),
            "-out", str(tmp_path / "out"))  # fmt: skip
    assert names(tmp_path / "keys") == {"site", "site.lock", f"site-{before.fingerprint[:12]}"}
    with pytest.raises(Refused, match="packwitness keys accept"):
        site_changes.renew(tmp_path)


@needs_openssl
def test_what_does_not_lead_to_a_root_is_not_accepted(tmp_path: Path, company: Company) -> None:
    before = site_signer(tmp_path)
    request = site_changes.request(tmp_path, "Seller")
    for order, why in (
        (("signer", "between"), "one signer and its root"),
        (("signer", "root"), "vouches"),
        (("between", "root"), "one signer and its root"),
    ):
        with pytest.raises(Refused, match=why):
            site_changes.accept(tmp_path, company.certify(request, order))
    stranger = company.certify(site_changes.request(tmp_path / "other", "Seller"), ("signer",))
    with pytest.raises(Refused, match="keys request"):
        site_changes.accept(tmp_path, stranger)
    (tmp_path / "no certificate").write_text("dear customer")
    with pytest.raises(SiteKeysUnusable, match="no certificate"):
        site_changes.accept(tmp_path, tmp_path / "no certificate")
    assert site_signer(tmp_path).fingerprint == before.fingerprint


@needs_openssl
def test_a_card_is_accepted_once_its_program_has_signed(tmp_path: Path) -> None:
    chain = Chain()
    chain.write(tmp_path / "card")
    sent = tmp_path / "sent.pem"
    names_ = ("root", "signer", "between")
    sent.write_bytes(b"".join((tmp_path / "card" / f"{each}.pem").read_bytes() for each in names_))
    assert openssl_signs(tmp_path / "card", CONTENT)
    command = ["openssl", "cms", "-sign", "-binary", "-outform", "DER", "-signer",
               str(tmp_path / "card" / "signer.pem"), "-inkey",
               str(tmp_path / "card" / "signer.key")]  # fmt: skip
    with pytest.raises(SigningFailed, match="could not be run"):
        site_changes.accept(tmp_path, sent, ["no-such-program"])
    with pytest.raises(Refused, match="sign_command"):
        site_changes.accept(tmp_path, sent)
    assert not site(tmp_path).exists()
    found = site_changes.accept(tmp_path, sent, command)
    assert found.signer_key is None and found.root == chain.root
    assert cms.fault(site_signer(tmp_path, command).sign(CONTENT), CONTENT, chain.root) == ""


# ---------------------------------------------------------------------------- rights, ledger


def told_of(root: Path) -> list[dict[str, Any]]:
    """What the ledger tells of the site's keys."""
    db = schema.connect(root / schema.DATABASE, read_only=True)
    try:
        bodies = [json.loads(entry.body) for entry in ledger.entries(db)]
    finally:
        db.close()
    return [body for body in bodies if body["event"] == LedgerEvent.SITE_KEYS_CHANGED]


def user_of(archive: Archive) -> Actor:
    """The computer's user."""
    user = archive.nobody()
    assert user is not None
    return user


def test_the_ledger_knows_who_signs(desk: Desk, root: Path) -> None:
    archive = desk.archive
    user = user_of(archive)
    first = site_signer(root)
    assert archive.tell_site_keys(user, first.certificates).result()
    assert not archive.tell_site_keys(user, site_signer(root).certificates).result()
    archive.change_site_keys(user, "renewed", site_changes.renew)
    assert not archive.tell_site_keys(user, site_signer(root).certificates).result()
    archive.change_site_keys(user, "root taken offline", _offline)
    shutil.rmtree(site(root))
    second = site_signer(root)
    assert archive.tell_site_keys(user, second.certificates).result()
    told = told_of(root)
    assert [each["what"] for each in told] == ["found", "renewed", "root taken offline", "found"]
    found, renewed, offline, swapped = told
    assert (offline["root"], offline["signer"]) == (renewed["root"], renewed["signer"])
    assert (found["root"], found["site"]) == (first.fingerprint, first.name)
    assert found["root"] == renewed["root"] != swapped["root"] == second.fingerprint
    assert len({each["signer"] for each in (found, renewed, swapped)}) == 3
    assert swapped["signer"] == fingerprint(second.certificates[0])
    assert (found["by"], found["role"]) == (user.name, "supervisor")
    assert [change.key for change in archive.key_changes()] == [archive.signer.id]


def test_whoever_exports_signs_and_the_ledger_is_told(desk: Desk, root: Path) -> None:
    archive = desk.archive
    user = user_of(archive)
    first = archive.site_signer(user)
    assert archive.site_signer(user).certificates == first.certificates
    assert [told["root"] for told in told_of(root)] == [first.fingerprint]
    archive.admit(user, "Sue", Role.SUPERVISOR, "1111").result()
    sue = archive.sign_in("Sue", "1111")
    archive.admit(sue, "Pat", Role.PACKER, "2222").result()
    archive.change_site_keys(sue, "renewed", site_changes.renew)
    shutil.rmtree(site(root))
    site_signer(root)
    with pytest.raises(NotAllowed):
        archive.site_signer(archive.sign_in("Pat", "2222"))
    assert len(told_of(root)) == 2
    archive.site_signer(sue)
    assert len(told_of(root)) == 3


def test_keys_that_are_gone_are_not_silently_made_anew(desk: Desk, root: Path) -> None:
    user = user_of(desk.archive)
    before = desk.archive.site_signer(user)
    shutil.move(site(root), root / "backup")
    with pytest.raises(SiteKeysUnusable, match="from a backup") as told:
        desk.archive.site_signer(user)
    assert grouped(before.fingerprint) in str(told.value)
    assert not site(root).exists()
    shutil.move(root / "backup", site(root))
    assert desk.archive.site_signer(user).certificates == before.certificates
    shutil.rmtree(site(root))
    desk.archive.change_site_keys(user, "made", _seller)
    assert desk.archive.site_signer(user).name == "Seller"


def test_entries_of_the_sites_keys_leave_the_archive_whole(desk: Desk, root: Path) -> None:
    from storage.evidence.verify import verify

    desk.archive.change_site_keys(user_of(desk.archive), "made", _seller)
    desk.pack()
    desk.archive.checkpoint().result()
    assert list[Problem](verify(root)) == []


def _offline(root: Path) -> Any:
    return site_changes.take_root_offline(root, root.with_suffix(".offline"))


def _seller(root: Path) -> Any:
    return site_changes.make(root, "Seller")


@pytest.mark.parametrize("role", [Role.PACKER, Role.CLAIMS])
def test_only_a_supervisor_changes_them(desk: Desk, root: Path, role: Role) -> None:
    archive = desk.archive
    archive.admit(user_of(archive), "Sue", Role.SUPERVISOR, "1111").result()
    sue = archive.sign_in("Sue", "1111")
    archive.admit(sue, "Kim", role, "2222").result()
    kim = archive.sign_in("Kim", "2222")
    with pytest.raises(NotAllowed, match="rekey"):
        archive.change_site_keys(kim, "made", _seller)
    assert not site(root).exists() and told_of(root) == []
    archive.change_site_keys(sue, "made", _seller)
    (told,) = told_of(root)
    assert (told["by"], told["what"], told["site"]) == ("Sue", "made", "Seller")


def test_an_archive_that_is_only_read_changes_no_keys(desk: Desk, root: Path) -> None:
    user = user_of(desk.archive)
    desk.archive.close()
    with (
        Archive.open(root, read_only=True) as archive,
        pytest.raises(ArchiveNotWritable, match="told"),
    ):
        archive.change_site_keys(user, "made", _seller)
    assert not site(root).exists()


def test_a_change_that_fails_is_not_told(desk: Desk, root: Path) -> None:
    change: Callable[[Path], Any] = site_changes.renew
    with pytest.raises(Refused, match="no keys of the site yet"):
        desk.archive.change_site_keys(user_of(desk.archive), "renewed", change)
    assert told_of(root) == []
