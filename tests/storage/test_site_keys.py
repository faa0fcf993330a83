"""Who signs packages: made without being asked, kept together, or a program outside."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509

from storage import site_certificates, site_folder
from storage.errors import SigningFailed, SiteKeysUnusable, StorageFailed
from storage.evidence.signing import cms
from storage.site_keys import SiteSigner, fingerprint, grouped, site_signer
from tests.storage.authorities import SIGNING, WEB, Chain, openssl, openssl_verifies

HERE = Path(__file__).resolve()
CONTENT = b"what a package says of itself"
LONG_AGO = dt.datetime(2001, 2, 3, tzinfo=dt.UTC)
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
posix = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX system")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An archive's folder; nothing but keys matters here."""
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


def site(root: Path) -> Path:
    """Where the keys lie."""
    return root / "keys" / "site"


# ---------------------------------------------------------------------------- made by itself


def test_keys_are_made_once_and_only_their_owner_reads_them(root: Path) -> None:
    signer = site_signer(root)
    assert site_signer(root).certificates == signer.certificates
    names = {path.name for path in site(root).iterdir()}
    assert names == {"root.pem", "root.key", "signer.pem", "signer.key"}
    if os.name == "posix":
        assert {(site(root) / name).stat().st_mode & 0o777 for name in names} == {0o600, 0o644}
        assert (site(root) / "root.key").stat().st_mode & 0o777 == 0o600
        assert (site(root) / "signer.key").stat().st_mode & 0o777 == 0o600
    made = signer.sign(CONTENT)
    assert made == site_signer(root).sign(CONTENT)
    assert cms.fault(made, CONTENT, signer.root) == ""
    assert cms.signer_of(made) == signer.certificates[0]
    assert "private" not in repr(signer)


def test_what_a_site_publishes_is_the_hash_of_its_root(root: Path) -> None:
    signer = site_signer(root)
    pem = (site(root) / "root.pem").read_bytes()
    published = x509.load_pem_x509_certificate(pem)
    assert signer.fingerprint == fingerprint(published)
    groups = grouped(signer.fingerprint).split(" ")
    assert [len(group) for group in groups] == [4] * 16 and "".join(groups) == signer.fingerprint
    assert signer.name and signer.name in published.subject.rfc4514_string()


@needs_openssl
def test_openssl_believes_what_the_site_signs(root: Path) -> None:
    made = site_signer(root).sign(CONTENT)
    assert openssl_verifies(site(root), made, CONTENT)
    assert openssl_verifies(site(root), made, CONTENT, "-cades", "-purpose", "smimesign")
    assert not openssl_verifies(site(root), made, b"something else")
    openssl("verify", "-x509_strict", "-CAfile", str(site(root) / "root.pem"),
            str(site(root) / "signer.pem"))  # fmt: skip
    text = openssl("x509", "-in", str(site(root) / "signer.pem"), "-noout", "-text").decode()
    for said in ("CA:FALSE", "Digital Signature, Non Repudiation", "E-mail Protection"):
        assert said in text


def test_of_many_programs_at_once_one_makes_the_keys(root: Path) -> None:
    code = "import sys; from pathlib import Path; from storage.site_keys import site_signer\n"
    code += "print('ready', flush=True); sys.stdin.read()\n"
    code += "print(site_signer(Path(sys.argv[1])).fingerprint)"
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[2])}
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", code, root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        for _ in range(6)
    ]
    for program in programs:
        assert program.stdout is not None and program.stdout.readline() == "ready\n"
    for program in programs:
        assert program.stdin is not None
        program.stdin.close()
        program.stdin = None
    told = {program.communicate(timeout=60)[0].strip() for program in programs}
    assert told == {site_signer(root).fingerprint}


def test_where_nobody_may_write_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("a file where a folder belongs")
    with pytest.raises(StorageFailed, match="keys"):
        site_signer(tmp_path / "archive")


# ---------------------------------------------------------------------------- what goes wrong


def spoil(path: Path) -> None:
    """Put something else there."""
    path.write_bytes(b"nothing of the kind")


def swap(path: Path) -> None:
    """Put another site's file there."""
    other = path.parents[3] / "other"
    site_signer(other)
    shutil.copy(site(other) / path.name, path)


@pytest.mark.parametrize("how", [spoil, swap, Path.unlink])
@pytest.mark.parametrize("name", ["root.pem", "signer.pem", "signer.key"])
def test_keys_that_do_not_fit_are_not_used(root: Path, name: str, how: object) -> None:
    site_signer(root)
    assert callable(how)
    how(site(root) / name)
    with pytest.raises(SiteKeysUnusable, match=r"packwitness keys|put that folder back") as told:
        site_signer(root)
    assert "keys/site" in str(told.value).replace(os.sep, "/")


def test_certificates_that_nobody_would_believe_are_not_used(root: Path) -> None:
    filed(root, Chain(signer=((SIGNING, True), (WEB, False))))
    with pytest.raises(SiteKeysUnusable, match="emailProtection"):
        site_signer(root, ["openssl"])


def test_the_roots_private_key_is_not_needed_to_sign(root: Path) -> None:
    site_signer(root)
    (site(root) / "root.key").unlink()
    assert site_signer(root).sign(CONTENT)


def test_a_signer_whose_time_is_over_signs_no_more(root: Path) -> None:
    root_key, signer_key = site_certificates.new_key(), site_certificates.new_key()
    above = site_certificates.new_root("Seller", root_key, LONG_AGO)
    signer = site_certificates.new_signer(signer_key, above, root_key, LONG_AGO)
    with site_folder.locked(root):
        secrets = {"signer.key": site_certificates.secret_pem(signer_key)}
        site_folder.replace(root, (signer, above), secrets)
    with pytest.raises(SigningFailed, match=r"to 2011-.*keys renew"):
        site_signer(root).sign(CONTENT)


def test_no_signer_outlives_the_root_that_vouches_for_it() -> None:
    root_key, signer_key = site_certificates.new_key(), site_certificates.new_key()
    above = site_certificates.new_root("Seller", root_key, LONG_AGO)
    late = above.not_valid_after_utc - dt.timedelta(days=100)
    signer = site_certificates.new_signer(signer_key, above, root_key, late)
    assert signer.not_valid_after_utc == above.not_valid_after_utc


# ---------------------------------------------------------------------------- a program outside


@pytest.fixture
def outside(tmp_path: Path) -> Chain:
    """A signer whose key is not in the archive."""
    chain = Chain()
    chain.write(tmp_path / "card")
    return chain


def filed(root: Path, chain: Chain) -> None:
    """File a chain's certificates, and no key."""
    with site_folder.locked(root):
        site_folder.replace(root, (*chain.certificates, chain.root), {})


def card(tmp_path: Path, *options: str) -> list[str]:
    """The command that signs with the key in the folder `card`."""
    folder = tmp_path / "card"
    return [
        "openssl", "cms", "-sign", "-binary", "-outform", "DER", "-signer",
        str(folder / "signer.pem"), "-inkey", str(folder / "signer.key"), *options,
    ]  # fmt: skip


@needs_openssl
@pytest.mark.parametrize("options", [(), ("-cades", "-nosmimecap"), ("-nocerts",)])
def test_a_program_outside_signs(
    root: Path, outside: Chain, tmp_path: Path, options: tuple[str, ...]
) -> None:
    filed(root, outside)
    signer = site_signer(root, card(tmp_path, *options))
    made = signer.sign(CONTENT)
    assert cms.fault(made, CONTENT, outside.root) == ""
    assert openssl_verifies(tmp_path / "card", made, CONTENT)
    assert {path.name for path in site(root).iterdir()} == {"root.pem", "signer.pem"}


def failing(tmp_path: Path, code: str) -> list[str]:
    """A program of Python."""
    (tmp_path / "program.py").write_text(f"import sys, time\ncontent = sys.stdin.buffer\n{code}")
    return [sys.executable, str(tmp_path / "program.py")]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (
            "content.read(); sys.exit('no card\\nin \\x1b[31mreader 1')",
            r"1 and said: no card in \?",
        ),
        ("sys.exit(3)", "ended with 3 and said: nothing"),
        ("content.read(); print('hello')", "gave is no CMS signature"),
        ("content.read()", "gave is no CMS signature"),
        ("time.sleep(4)", "no signature in 0.5 s"),
    ],
)
def test_a_program_that_gives_no_signature_is_told_with_its_words(
    root: Path, outside: Chain, tmp_path: Path, code: str, why: str
) -> None:
    filed(root, outside)
    timeout_s = 0.5 if "sleep" in code else 20
    signer = site_signer(root, failing(tmp_path, code), timeout_s)
    with pytest.raises(SigningFailed, match=why) as told:
        signer.sign(CONTENT)
    assert "sign_command" in str(told.value) and str(told.value).isprintable()


def test_a_program_that_is_not_there_is_named(root: Path, outside: Chain) -> None:
    filed(root, outside)
    with pytest.raises(SigningFailed, match=r"no-such-program.*could not be run"):
        site_signer(root, ["no-such-program"]).sign(CONTENT)


@needs_openssl
def test_what_a_program_signs_with_another_key_is_not_given_out(
    root: Path, outside: Chain, tmp_path: Path
) -> None:
    filed(root, Chain())
    with pytest.raises(SigningFailed, match="was not made by its signer's key"):
        site_signer(root, card(tmp_path)).sign(CONTENT)
    other = failing(tmp_path, f"content.read()\nimport subprocess\nsubprocess.run("
                    f"{card(tmp_path)!r}, input=b'something else')")  # fmt: skip
    filed(root, outside)
    with pytest.raises(SigningFailed, match="signature of something else"):
        site_signer(root, other).sign(CONTENT)


def test_a_program_outside_needs_its_certificates_and_a_key_a_program(
    root: Path, outside: Chain
) -> None:
    with pytest.raises(SiteKeysUnusable, match="packwitness keys accept"):
        site_signer(root, ["openssl"])
    assert not site(root).exists()
    filed(root, outside)
    with pytest.raises(SiteKeysUnusable, match="sign_command"):
        site_signer(root)


# ---------------------------------------------------------------------------- killed


@posix
@pytest.mark.parametrize("what", ["make", "renew", "offline"])
def test_a_change_that_is_killed_leaves_the_old_keys_or_the_new(tmp_path: Path, what: str) -> None:
    before = site_signer(tmp_path / "archive")
    subprocess.run(
        [sys.executable, HERE.with_name("rekeying.py"), tmp_path, what],
        check=True, timeout=100, env={**os.environ, "PYTHONPATH": str(HERE.parents[2])},
    )  # fmt: skip
    copies = sorted((int(each.name), each) for each in tmp_path.iterdir() if each.name.isdigit())
    assert len(copies) > 30
    signers = [site_signer(copy) for _, copy in copies]
    changed = [_state(copy) != _state(tmp_path / "archive") for _, copy in copies]
    assert changed == sorted(changed) and changed[-1] and not changed[0]
    for signer, (_, copy) in zip(signers, copies, strict=True):
        assert signer.sign(CONTENT)
        left = {path.name for path in (copy / "keys").iterdir()} - {"site", "site.lock"}
        assert left <= {f"site-{before.fingerprint[:12]}"}
        assert what == "make" or signer.fingerprint == before.fingerprint
        offline = copy.with_suffix(".offline")
        assert (site(copy) / "root.key").exists() or offline.exists()


def _state(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in site(root).iterdir()}


def test_a_signer_is_what_it_shows(root: Path) -> None:
    signer = site_signer(root)
    same = SiteSigner(signer.certificates, signer.private)
    assert (same.name, same.fingerprint, same.sign(CONTENT)) == (
        signer.name, signer.fingerprint, signer.sign(CONTENT),
    )  # fmt: skip
