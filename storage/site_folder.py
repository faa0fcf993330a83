"""The folder `keys/site/` of an archive: who signs its evidence packages, on the disk.

`root.pem` is what the site publishes, `signer.pem` the signer's certificate and those between it
and the root; `root.key` and `signer.key` are their private keys, each only where it is kept here.
The four change together: a new folder is written whole and takes the old one's place, so that a
crash leaves the one or the other, and two programs never mix theirs. Knows no signature.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from filelock import FileLock, Timeout

from storage import errors, files, keys
from storage.errors import ArchiveBusy, Refused, SiteKeysUnusable
from storage.evidence.signing import chain as chains
from storage.evidence.signing.cms import PrivateKey

FOLDER = "site"
ROOT, ROOT_KEY = "root.pem", "root.key"
SIGNER, SIGNER_KEY = "signer.pem", "signer.key"
NEXT, PREPARED, FORMER = "site.next", "site.part", "site.former"
LOCK = "site.lock"
LOCK_TIMEOUT_S = 20
LIMIT_BYTES = 256 << 10


@dataclass(frozen=True, slots=True)
class SiteFiles:
    """What lies there. `certificates` are the signer's, those between, the root last; the paths
    are None where that private key is kept elsewhere."""

    folder: Path
    certificates: tuple[x509.Certificate, ...]
    root_key: Path | None
    signer_key: Path | None

    @property
    def root(self) -> x509.Certificate:
        """What the site publishes."""
        return self.certificates[-1]


def folder_of(archive_root: Path) -> Path:
    """Where an archive keeps the site's keys."""
    return archive_root / keys.KEYS / FOLDER


@contextlib.contextmanager
def locked(archive_root: Path) -> Iterator[None]:
    """No other program changes the folder meanwhile, and what a crash left of a change is done.

    Raises ArchiveBusy, ArchiveNotWritable, ArchiveFull, StorageFailed.
    """
    above = archive_root / keys.KEYS
    try:
        files.make_folders(above)
        with FileLock(above / LOCK, timeout=LOCK_TIMEOUT_S):
            _finish(above)
            yield
    except Timeout as error:
        raise ArchiveBusy(archive_root, "another program that changes the site's keys") from error
    except OSError as error:
        raise errors.told(error, above, "using the site's keys") from error


def _finish(above: Path) -> None:
    if not (above / FOLDER).exists() and (above / NEXT).is_dir():
        (above / NEXT).rename(above / FOLDER)
        files.sync_folder(above)
    for name in (NEXT, PREPARED, FORMER):
        if (above / name).is_dir():
            shutil.rmtree(above / name)


def read(archive_root: Path) -> SiteFiles | None:
    """What lies in the folder; None for no folder. Raises SiteKeysUnusable."""
    folder = folder_of(archive_root)
    if not folder.is_dir():  # a crash may have come just before the new one took its name
        folder = folder.with_name(NEXT)
    if not folder.is_dir():
        return None
    roots = certificates_in(folder / ROOT)
    signer, *others = certificates_in(folder / SIGNER)
    try:
        (root,) = roots
        ordered = chains.ordered(signer, others, root)
    except ValueError as error:
        raise SiteKeysUnusable(folder, f"{SIGNER} {error}") from error
    why = chains.fault(ordered)
    if why:
        raise SiteKeysUnusable(folder, f"{SIGNER} {why}")
    root_key, signer_key = folder / ROOT_KEY, folder / SIGNER_KEY
    return SiteFiles(
        folder,
        ordered,
        root_key if root_key.exists() else None,
        signer_key if signer_key.exists() else None,
    )


def expected(archive_root: Path) -> SiteFiles:
    """As `read`, where there must be something. Raises Refused."""
    found = read(archive_root)
    if found is None:
        raise Refused("this archive has no keys of the site yet: `packwitness keys make`")
    return found


def replace(
    archive_root: Path,
    certificates: Sequence[x509.Certificate],
    secrets: Mapping[str, bytes],
    keep: str = "",
) -> None:
    """Put these certificates (signer first, root last) and private keys (PEM, by their file's name)
    in the place of what is there, which stays beside it as `keep` or goes.

    For the holder of the lock. Raises OSError.
    """
    above = archive_root / keys.KEYS
    prepared = above / PREPARED
    prepared.mkdir()
    for name, secret in secrets.items():
        write_secret(prepared / name, secret)
    files.write_new(prepared / SIGNER, map(pem, certificates[:-1]))
    files.write_new(prepared / ROOT, (pem(certificates[-1]),))
    files.sync_folder(prepared)
    prepared.rename(above / NEXT)
    files.sync_folder(above)
    if (above / FOLDER).exists():
        (above / FOLDER).rename(above / (_free(above, keep) if keep else FORMER))
    (above / NEXT).rename(above / FOLDER)
    files.sync_folder(above)
    _finish(above)


def _free(above: Path, name: str) -> str:
    count, free = 1, name
    while (above / free).exists():
        count += 1
        free = f"{name}-{count}"
    return free


def pem(certificate: x509.Certificate) -> bytes:
    """The certificate as text."""
    return certificate.public_bytes(Encoding.PEM)


def write_secret(path: Path, content: bytes) -> None:
    """Create a file that only its owner reads. Raises FileExistsError, OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
        file.flush()
        files.sync(file.fileno())


def certificates_in(path: Path) -> list[x509.Certificate]:
    """The certificates of a PEM file, at least one. Raises SiteKeysUnusable."""
    try:
        return x509.load_pem_x509_certificates(_content(path))
    except chains.UNREADABLE as error:
        raise SiteKeysUnusable(path, "it holds no certificate (PEM)") from error


def private_key_in(path: Path) -> PrivateKey:
    """The private key of a PEM file. Raises SiteKeysUnusable."""
    try:
        private = load_pem_private_key(_content(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SiteKeysUnusable(path, "it is no unencrypted PEM key") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise SiteKeysUnusable(path, "it is neither an EC nor an RSA key")
    return private


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LIMIT_BYTES)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        why = "it is missing" if missing else f"{error.strerror}, for this user"
        raise SiteKeysUnusable(path, why) from error
