"""What may be done to the keys of a site: make, renew, have them certified, take the root away.

Each is a function of the archive's folder that returns what lies there afterwards, for
`Archive.change_site_keys`, which asks for the right and tells the ledger.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from cryptography import x509

from storage import files, keys, site_certificates, site_folder
from storage.errors import Refused, SiteKeysUnusable
from storage.evidence.signing import chain as chains
from storage.evidence.signing.cms import PrivateKey
from storage.site_folder import SiteFiles
from storage.site_keys import TIMEOUT_S, SiteSigner, fingerprint

REQUEST = "site-request"
TRIAL = b"PackWitness tries the program that signs\n"
KEPT_CHARS = 12


def make(
    archive_root: Path, name: str = "", root_file: Path | None = None, *, replace: bool = False
) -> SiteFiles:
    """A root of this name and a signer; or a signer below the root of another bench, whose private
    key is in `root_file` (PEM), its certificate too or beside it as `.pem`.

    Keys that were there stay beside, as `keys/site-<beginning of the root's fingerprint>/`.
    Raises Refused (there are some, and not `replace`; no name), SiteKeysUnusable, ArchiveBusy,
    ArchiveNotWritable.
    """
    with site_folder.locked(archive_root):
        if site_folder.folder_of(archive_root).exists() and not replace:
            raise Refused(
                "this archive has keys of the site already: `packwitness keys renew` makes a new "
                "signer under the same root; --replace makes a new root, whose fingerprint has to "
                "be published again"
            )
        now, signer_key = _now(), site_certificates.new_key()
        secrets = {site_folder.SIGNER_KEY: site_certificates.secret_pem(signer_key)}
        if root_file is None:
            root_key: PrivateKey = site_certificates.new_key()
            root = site_certificates.new_root(name, root_key, now)
            secrets[site_folder.ROOT_KEY] = site_certificates.secret_pem(root_key)
        else:
            root_key, root = root_in(root_file)
        signer = site_certificates.new_signer(signer_key, root, root_key, now)
        _expect((signer, root), now)
        site_folder.replace(archive_root, (signer, root), secrets, _kept_as(archive_root))
        return site_folder.expected(archive_root)


def renew(archive_root: Path, root_file: Path | None = None) -> SiteFiles:
    """A new signer under the same root, whose private key is here or in `root_file`.

    Raises Refused, SiteKeysUnusable, ArchiveBusy, ArchiveNotWritable.
    """
    with site_folder.locked(archive_root):
        found = site_folder.expected(archive_root)
        secrets = {}
        if found.root_key is not None:
            secrets[site_folder.ROOT_KEY] = found.root_key.read_bytes()
        key_file = root_file or found.root_key
        if key_file is None:
            raise Refused(
                "the root's private key is not here: give the file that it was taken to with "
                "--root-key, or file what your authority certified with `packwitness keys accept`"
            )
        root_key = site_folder.private_key_in(key_file)
        if not site_certificates.same_key(found.root, root_key):
            raise SiteKeysUnusable(
                key_file, f"it is not the key of the root {chains.named(found.root)!r}", "Give that"
            )
        now, signer_key = _now(), site_certificates.new_key()
        secrets[site_folder.SIGNER_KEY] = site_certificates.secret_pem(signer_key)
        signer = site_certificates.new_signer(signer_key, found.root, root_key, now)
        _expect((signer, found.root), now)
        site_folder.replace(archive_root, (signer, found.root), secrets)
        return site_folder.expected(archive_root)


def request(archive_root: Path, name: str) -> bytes:
    """The request (PEM) to an authority to certify a new signer, whose private key waits in the
    archive for `accept`; the same key as long as it waits. Raises Refused, ArchiveBusy,
    ArchiveNotWritable."""
    with site_folder.locked(archive_root):
        folder = archive_root / keys.KEYS / REQUEST
        files.make_folders(folder)
        waiting = _waiting_key(archive_root)
        if waiting is None:
            waiting = site_certificates.new_key()
            part = folder / (site_folder.SIGNER_KEY + files.PART)
            part.unlink(missing_ok=True)
            site_folder.write_secret(part, site_certificates.secret_pem(waiting))
            part.rename(folder / site_folder.SIGNER_KEY)
            files.sync_folder(folder)
        return site_certificates.request(waiting, name)


def accept(
    archive_root: Path, given: Path, command: Sequence[str] = (), timeout_s: float = TIMEOUT_S
) -> SiteFiles:
    """What an authority certified: the signer's certificate, those between and the root, in one PEM
    file in any order. The signer's key is that of the `request`, the one that signs now, or that of
    the program outside (`command`), which has to sign a trial.

    Raises Refused, SiteKeysUnusable, SigningFailed, ArchiveBusy, ArchiveNotWritable.
    """
    certificates = site_folder.certificates_in(given)
    with site_folder.locked(archive_root):
        private = _key_of(archive_root, certificates)
        signers = [
            each
            for each in certificates
            if (site_certificates.same_key(each, private) if private else not _issues(each))
        ]
        roots = [each for each in certificates if chains.issued_by(each, each)]
        if len(signers) != 1 or len(roots) != 1 or not (private or command):
            raise Refused(
                f"{given} does not hold one signer and its root: put the signer's certificate, "
                "those between and the authority's root into it, and nothing else; the signer's "
                "key is that of `packwitness keys request`, or the one of `sign_command`"
            )
        others = [each for each in certificates if each not in (*signers, *roots)]
        try:
            chain = chains.ordered(signers[0], others, roots[0])
        except ValueError as error:
            raise Refused(f"{given} {error}") from error
        _expect(chain, _now())
        secrets = {}
        if private is not None:
            secrets[site_folder.SIGNER_KEY] = site_certificates.secret_pem(private)
        SiteSigner(chain, private, tuple(command), timeout_s).sign(TRIAL)
        site_folder.replace(archive_root, chain, secrets, _kept_as(archive_root))
        shutil.rmtree(archive_root / keys.KEYS / REQUEST, ignore_errors=True)
        return site_folder.expected(archive_root)


def take_root_offline(archive_root: Path, target: Path) -> SiteFiles:
    """The root's private key, with its certificate, is in the new file `target` and nowhere in the
    archive any more. It is not needed but to renew the signer.

    Raises Refused (it is not here; the file is there already, or within the archive, cannot be
    written), ArchiveBusy, ArchiveNotWritable.
    """
    with site_folder.locked(archive_root):
        found = site_folder.expected(archive_root)
        if found.root_key is None:
            raise Refused("the root's private key is not in this archive")
        if target.resolve().is_relative_to(archive_root.resolve()):
            raise Refused(f"{target} is within the archive: name a file on another medium")
        secret = found.root_key.read_bytes()
        try:
            site_folder.write_secret(target, secret + site_folder.pem(found.root))
            files.sync_folder(target.parent)
        except FileExistsError as error:
            raise Refused(f"{target} is there already: name a new file") from error
        except OSError as error:
            why = error.strerror or str(error)
            raise Refused(f"{target} was not written ({why}): name a file elsewhere") from error
        _, root = root_in(target)
        if root != found.root:
            raise SiteKeysUnusable(target, "it was not written as it was given", "Try another disk")
        secrets = {}
        if found.signer_key is not None:
            secrets[site_folder.SIGNER_KEY] = found.signer_key.read_bytes()
        site_folder.replace(archive_root, found.certificates, secrets)
        return site_folder.expected(archive_root)


def root_in(path: Path) -> tuple[PrivateKey, x509.Certificate]:
    """A root's private key and its certificate, which are in one PEM file or beside each other as
    `.key` and `.pem`. Raises SiteKeysUnusable."""
    private = site_folder.private_key_in(path)
    try:
        found = site_folder.certificates_in(path)
    except SiteKeysUnusable:
        found = site_folder.certificates_in(path.with_suffix(".pem"))
    for each in found:
        if site_certificates.same_key(each, private):
            return private, each
    raise SiteKeysUnusable(path, "the certificate with it is that of another key", "Give both")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _expect(chain: Sequence[x509.Certificate], now: dt.datetime) -> None:
    """Raises Refused for a chain that would not be believed."""
    why = chains.fault(chain, now)
    if why:
        raise Refused(f"the new signer {why}")


def _kept_as(archive_root: Path) -> str:
    """The name under which the keys that are there stay beside the new ones."""
    try:
        found = site_folder.read(archive_root)
    except SiteKeysUnusable:
        return f"{site_folder.FOLDER}-unusable"
    return f"{site_folder.FOLDER}-{fingerprint(found.root)[:KEPT_CHARS]}" if found else ""


def _waiting_key(archive_root: Path) -> PrivateKey | None:
    path = archive_root / keys.KEYS / REQUEST / site_folder.SIGNER_KEY
    return site_folder.private_key_in(path) if path.exists() else None


def _key_of(archive_root: Path, certificates: Iterable[x509.Certificate]) -> PrivateKey | None:
    """The private key here that one of these certificates is for: the one that waits, or the one
    that signs now; None for neither."""
    candidates = [_waiting_key(archive_root)]
    current = site_folder.folder_of(archive_root) / site_folder.SIGNER_KEY
    if current.exists():
        candidates.append(site_folder.private_key_in(current))
    for private in candidates:
        if private and any(site_certificates.same_key(each, private) for each in certificates):
            return private
    return None


def _issues(certificate: x509.Certificate) -> bool:
    """True for the certificate of an authority."""
    try:
        held = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, *chains.UNREADABLE):
        return False
    return held.value.ca
