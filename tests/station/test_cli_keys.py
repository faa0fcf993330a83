"""`packwitness keys`: what it shows, what it changes, and who may."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from station.cli import main
from storage.archive import Archive
from storage.evidence.signing import cms
from storage.site_keys import fingerprint, grouped, site_signer
from tests.storage.authorities import Chain
from tests.storage.desk import Desk

CONTENT = b"what a package says of itself"
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An archive with one parcel."""
    root = tmp_path / "archive"
    with Archive.open(root) as archive:
        Desk(archive).pack()
    return root


class Spoken:
    """Runs `packwitness keys` on an archive, and says what it printed."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self.capsys = capsys

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """What it printed, on stdout and on stderr."""
        found = main(["keys", *arguments, "--archive", str(self.root)])
        printed = self.capsys.readouterr()
        assert found == code, printed
        return printed.out + printed.err

    def json(self, *arguments: str) -> Any:
        """What it printed as JSON."""
        return json.loads(self(*arguments, "--json"))


@pytest.fixture
def keys(root: Path, capsys: pytest.CaptureFixture[str]) -> Spoken:
    """The command."""
    return Spoken(root, capsys)


def test_it_shows_what_others_compare_and_where_the_keys_are(keys: Spoken) -> None:
    assert "no keys yet" in keys() and keys.json()["site"] is None
    assert "keys make" in keys("root", code=1)
    signer = site_signer(keys.root)
    shown = keys()
    assert grouped(signer.fingerprint) in " ".join(shown.split())
    assert signer.name in shown and "bench key" in shown
    for name in ("root.key", "signer.key"):
        assert str(keys.root / "keys" / "site" / name) in shown
    assert keys("show") == shown
    spoken = keys.json()
    assert spoken["site"]["root_sha256"] == signer.fingerprint
    assert [each["sha256"] for each in spoken["site"]["certificates"]] == [
        fingerprint(each) for each in signer.certificates
    ]
    (bench,) = spoken["bench_keys"]
    assert bench["current"] and len(bench["key"]) == 16
    assert "PRIVATE" not in shown + json.dumps(spoken)


def test_the_root_is_printed_to_be_published(keys: Spoken, tmp_path: Path) -> None:
    keys("make", "--name", "Seller GmbH")
    printed = x509.load_pem_x509_certificate(keys("root").encode())
    assert fingerprint(printed) == site_signer(keys.root).fingerprint
    assert keys("root", "--out", str(tmp_path / "root.pem")).strip() == str(tmp_path / "root.pem")
    assert x509.load_pem_x509_certificate((tmp_path / "root.pem").read_bytes()) == printed


def test_a_root_goes_from_one_bench_to_another_and_into_a_safe(
    keys: Spoken, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Seller GmbH 卖家" in keys("make", "--name", "Seller GmbH 卖家")
    assert "keys renew" in keys("make", "--name", "Another", code=1)
    published = site_signer(keys.root).fingerprint
    stick = str(tmp_path / "root offline.pem")
    assert stick in keys("take-root-offline", stick)
    assert "private key kept elsewhere" in keys()
    assert "--root-key" in keys("renew", code=1)
    assert keys.json("renew", "--root-key", stick)["root_sha256"] == published
    other = Spoken(tmp_path / "other", capsys)
    assert other.json("make", "--root-key", stick)["root_sha256"] == published
    assert keys.json("make", "--name", "Another", "--replace")["root_sha256"] != published
    assert keys.json()["site"]["name"] == "Another"


def test_making_keys_takes_a_name_or_a_root(keys: Spoken) -> None:
    assert "--root-key FILE" in keys("make", code=2)
    assert "--root-key FILE" in keys("make", "--name", "A", "--root-key", "b.pem", code=2)
    assert "printable" in keys("make", "--name", "a\x1bb", code=1)
    assert "no such command" in keys("mend", code=2).lower()


@needs_openssl
def test_a_program_outside_signs_once_its_certificates_are_accepted(
    keys: Spoken, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain, card = Chain(), tmp_path / "card"
    chain.write(card)
    sent = tmp_path / "sent.pem"
    names = ("signer", "between", "root")
    sent.write_bytes(b"".join((card / f"{each}.pem").read_bytes() for each in names))
    command = ["openssl", "cms", "-sign", "-binary", "-outform", "DER", "-signer",
               (card / "signer.pem").as_posix(), "-inkey",
               (card / "signer.key").as_posix()]  # fmt: skip
    settings = tmp_path / "config.toml"
    settings.write_text(f"[evidence]\nsign_command = {json.dumps(command)}\n")
    assert "sign_command" in keys("accept", str(sent), code=1)
    site = keys.json("accept", str(sent), "--config", str(settings))
    assert site["name"] == "Root" and site["signer_key"] is None
    assert site["sign_command"] == command
    assert "openssl cms -sign" in keys("--config", str(settings))
    assert "nothing can be signed" in keys()
    signed = site_signer(keys.root, command).sign(CONTENT)
    assert cms.fault(signed, CONTENT, chain.root) == ""


def test_a_request_is_for_the_key_that_waits(keys: Spoken, tmp_path: Path) -> None:
    first = keys("request", "--name", "Seller GmbH")
    keys("request", "--name", "Seller GmbH", "--out", str(tmp_path / "seller.csr"))
    asked = x509.load_pem_x509_csr(first.encode())
    written = x509.load_pem_x509_csr((tmp_path / "seller.csr").read_bytes())
    assert asked.public_key() == written.public_key()
    assert keys.json()["site"] is None


def test_hostile_names_are_shown_harmless(keys: Spoken) -> None:
    from storage import site_folder

    chain = Chain()
    with site_folder.locked(keys.root):
        site_folder.replace(keys.root, (*chain.certificates, chain.root), {})
    assert "\x1b" not in keys("accept", "no\x1b[31mfile", code=1)
    assert "between     Between" in keys()


@pytest.mark.parametrize("command", ['[""]', '["openssl", "a\\u0000b"]', '"openssl"'])
def test_a_program_that_cannot_be_one_is_told_before_anything_is_opened(
    keys: Spoken, tmp_path: Path, command: str
) -> None:
    settings = tmp_path / "config.toml"
    settings.write_text(f"[evidence]\nsign_command = {command}\n")
    assert "evidence.sign_command" in keys("--config", str(settings), code=2)
