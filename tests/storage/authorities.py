"""Certificates of every kind, good and bad, for signers and for those who vouch for them."""

from __future__ import annotations

import datetime as dt
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Digest = hashes.SHA256 | hashes.SHA384 | hashes.SHA3_256
AnyKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
SINCE: Final = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
UNTIL: Final = dt.datetime(2060, 1, 1, tzinfo=dt.UTC)
SIGNING: Final = x509.KeyUsage(True, True, False, False, False, False, False, False, False)
VOUCHING: Final = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
MAIL: Final = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
WEB: Final = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
LEAF: Final = x509.BasicConstraints(ca=False, path_length=None)
UNHEARD_OF: Final = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0")


def p256() -> ec.EllipticCurvePrivateKey:
    """A key of the usual kind."""
    return ec.generate_private_key(ec.SECP256R1())


@cache
def rsa_key(bits: int = 2048, number: int = 0) -> rsa.RSAPrivateKey:
    """One of the RSA keys of this size, which take long to make."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def authority(path_length: int | None = None) -> x509.BasicConstraints:
    """What says that a certificate is that of an authority."""
    return x509.BasicConstraints(ca=True, path_length=path_length)


def certificate(
    name: str,
    key: AnyKey,
    issuer: tuple[x509.Certificate, AnyKey] | None = None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    since: dt.datetime = SINCE,
    until: dt.datetime = UNTIL,
    digest: Digest | None = None,
) -> x509.Certificate:
    """A certificate by this issuer, or by itself."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    above, signing = issuer if issuer is not None else (None, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if above is None else above.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
    )
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    for extension, critical in (*extensions, (identifier, False)):
        builder = builder.add_extension(extension, critical)
    is_edwards = isinstance(signing, ed25519.Ed25519PrivateKey)
    return builder.sign(signing, None if is_edwards else digest or hashes.SHA256())


class Chain:
    """A root, an authority between, a signer. Each may be given extensions of its own."""

    def __init__(
        self,
        key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None,
        *,
        root: Sequence[tuple[x509.ExtensionType, bool]] = ((authority(), True), (VOUCHING, True)),
        between: Sequence[tuple[x509.ExtensionType, bool]] = (
            (authority(0), True),
            (VOUCHING, True),
        ),
        signer: Sequence[tuple[x509.ExtensionType, bool]] = ((SIGNING, True), (MAIL, False)),
        until: dt.datetime = UNTIL,
        digest: Digest | None = None,
    ) -> None:
        self.key = key or p256()
        self.root_key, self.between_key = p256(), p256()
        self.root = certificate("Root", self.root_key, None, root)
        above = (self.root, self.root_key)
        self.between = certificate("Between", self.between_key, above, between)
        self.signer = certificate(
            "Signer", self.key, (self.between, self.between_key), signer, SINCE, until, digest
        )

    @property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        """What a signature holds."""
        return (self.signer, self.between)

    def write(self, folder: Path) -> None:
        """Put it where `openssl` finds it."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "signer.key").write_bytes(
            self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        for name in ("signer", "between", "root"):
            held: x509.Certificate = getattr(self, name)
            (folder / f"{name}.pem").write_bytes(held.public_bytes(Encoding.PEM))


def openssl(*arguments: str, given: bytes | None = None) -> bytes:
    """What `openssl` prints. Raises CalledProcessError."""
    done = subprocess.run(
        ["openssl", *arguments], input=given, check=True, capture_output=True, timeout=60
    )
    return done.stdout


def openssl_signs(folder: Path, content: bytes, *options: str) -> bytes:
    """What `openssl` signs with what `Chain.write` put into this folder."""
    return openssl(
        "cms", "-sign", "-binary", "-outform", "DER", "-signer", str(folder / "signer.pem"),
        "-inkey", str(folder / "signer.key"), *options, given=content,
    )  # fmt: skip


def openssl_verifies(folder: Path, signature: bytes, content: bytes, *options: str) -> bool:
    """Whether `openssl` believes the signature by `root.pem` in this folder."""
    (folder / "content").write_bytes(content)
    (folder / "content.p7s").write_bytes(signature)
    done = subprocess.run(
        ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in",
         str(folder / "content.p7s"), "-content", str(folder / "content"), "-CAfile",
         str(folder / "root.pem"), "-out", str(folder / "verified"), *options],
        check=False, capture_output=True, timeout=60,
    )  # fmt: skip
    return done.returncode == 0 and (folder / "verified").read_bytes() == content
