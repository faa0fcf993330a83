"""The bench's Ed25519 key: made at the first start, it signs what this archive says.

`keys/bench.key` is PKCS#8 PEM that only its owner may read, `keys/bench.pub` the public key for
`openssl`. A key is named by the first 16 hexadecimal digits of the SHA-256 of its 32 public bytes.
Knows no session; which keys an archive has had is told by its ledger.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from storage import files
from storage.errors import KeyUnusable

KEYS = "keys"
PRIVATE = "bench.key"
PUBLIC = "bench.pub"


def key_id(public: bytes) -> str:
    """The name of a key by its 32 public bytes."""
    return hashlib.sha256(public).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with the bench's key. `public` are its 32 public bytes."""

    public: bytes
    _private: Ed25519PrivateKey = field(repr=False)

    @property
    def id(self) -> str:
        """The key's name."""
        return key_id(self.public)

    def sign(self, content: bytes) -> bytes:
        """The 64 bytes of the signature of `content`; the same for the same content."""
        return self._private.sign(content)


def holds(public: bytes, content: bytes, signature: bytes) -> bool:
    """True when `signature` is that of `content` by the key with these public bytes."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def signer_of(root: Path) -> Signer:
    """The archive's key, which is made where there is none.

    Raises KeyUnusable for a file that is no such key, OSError.
    """
    path = root / KEYS / PRIVATE
    if not path.exists():
        _make(root)
    signer = _read(path)
    _finish(root, signer)
    return signer


def _read(path: Path) -> Signer:
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise KeyUnusable(path, "it is no unencrypted PEM key") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyUnusable(path, "it is no Ed25519 key")
    return Signer(_raw(private), private)


def others(root: Path, signer: Signer) -> Iterator[Signer]:
    """The archive's former keys that are still there to read, as any `keys/*.key`."""
    for path in sorted((root / KEYS).glob("*.key")):
        with contextlib.suppress(OSError, KeyUnusable):
            other = _read(path)
            if other.public != signer.public:
                yield other


def pem(public: bytes) -> bytes:
    """The key with these public bytes as `openssl` reads it. Raises ValueError for none."""
    key = Ed25519PublicKey.from_public_bytes(public)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _raw(private: Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _make(root: Path) -> None:
    """A new key on the disk, whole or not at all; of two programs at once the first one's stays."""
    folder = root / KEYS
    files.make_folders(folder)
    private = Ed25519PrivateKey.generate()
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    part = folder / f"{PRIVATE}.{os.getpid()}{files.PART}"
    part.unlink(missing_ok=True)
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(secret)
        file.flush()
        files.sync(file.fileno())
    try:
        # A link refuses where the name is taken; a system without links gets the same from rename.
        (folder / PRIVATE).hardlink_to(part)
    except FileExistsError:
        part.unlink()
        return
    except OSError:
        with contextlib.suppress(FileExistsError):
            part.rename(folder / PRIVATE)
    files.sync_folder(folder)


def _finish(root: Path, signer: Signer) -> None:
    """The key has one name and a public half beside it, also when a crash came between."""
    folder = root / KEYS
    for part in folder.glob(f"{PRIVATE}.*{files.PART}"):
        part.unlink(missing_ok=True)
    if not (folder / PUBLIC).exists():
        files.write_over(folder / PUBLIC, pem(signer.public))
