"""The X.509 certificates of a site: a root of its own, and signers that it vouches for.

Written so that `openssl cms -verify` and C2PA take them: the signer is no authority, may sign and
not deny it (digitalSignature, nonRepudiation), for messages and documents. Knows no file.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import unicodedata

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from storage.errors import Refused
from storage.evidence.signing.cms import PrivateKey

ROOT_YEARS, SIGNER_YEARS = 30, 10
YEAR = dt.timedelta(days=365.25)
NAME_CHARS = 64
"""The longest common name and organization that X.520 allows."""
DOCUMENT_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
"""RFC 9336."""


def new_key() -> ec.EllipticCurvePrivateKey:
    """A new private key, P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def plain_name(name: str) -> str:
    """The name as a certificate holds it. Raises Refused."""
    plain = " ".join(unicodedata.normalize("NFC", name[:1_000]).split())
    if not plain or len(plain) > NAME_CHARS or not plain.isprintable():
        raise Refused(f"the name of a site has 1 to {NAME_CHARS} printable characters")
    return plain


def new_root(name: str, private: PrivateKey, now: dt.datetime) -> x509.Certificate:
    """A root certificate of this name, which may vouch for signers and for nobody else.

    Raises Refused for what is no name.
    """
    plain = plain_name(name)
    subject = _name(plain, plain)
    builder = _lasting(x509.CertificateBuilder(), now, now + ROOT_YEARS * YEAR)
    return (
        builder.subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(vouches=True), critical=True)
        .add_extension(_identifier(private.public_key()), critical=False)
        .sign(private, hashes.SHA256())
    )


def new_signer(
    private: PrivateKey, root: x509.Certificate, root_private: PrivateKey, now: dt.datetime
) -> x509.Certificate:
    """The certificate of a signer with this key, for whom the root vouches."""
    public = private.public_key()
    until = min(now + SIGNER_YEARS * YEAR, root.not_valid_after_utc)
    builder = _lasting(x509.CertificateBuilder(), now, until)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
        _identifier(root_private.public_key())
    )
    return (
        builder.subject_name(signer_name(private, organization(root)))
        .issuer_name(root.subject)
        .public_key(public)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(vouches=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION, DOCUMENT_SIGNING]),
            critical=False,
        )
        .add_extension(_identifier(public), critical=False)
        .add_extension(issuer, critical=False)
        .sign(root_private, hashes.SHA256())
    )


def request(private: PrivateKey, name: str) -> bytes:
    """The request (PEM) to a company's authority for a signer's certificate. Raises Refused."""
    made = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(signer_name(private, plain_name(name)))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(vouches=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION, DOCUMENT_SIGNING]),
            critical=False,
        )
        .sign(private, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM)


def secret_pem(private: PrivateKey) -> bytes:
    """The private key as PKCS#8 PEM, unencrypted."""
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def organization(certificate: x509.Certificate) -> str:
    """Whose certificate it is: the organization of its name, or its common name, or ''."""
    for kind in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        for attribute in certificate.subject.get_attributes_for_oid(kind):
            return str(attribute.value)
    return ""


def same_key(certificate: x509.Certificate, private: PrivateKey) -> bool:
    """True when the certificate is for this key."""
    return _public_bytes(certificate.public_key()) == _public_bytes(private.public_key())


def signer_name(private: PrivateKey, of: str) -> x509.Name:
    """A name that differs from key to key, so that benches that share a root can be told apart."""
    mark = hashlib.sha256(_public_bytes(private.public_key())).hexdigest()[:8]
    return _name(f"Evidence signer {mark}", of[:NAME_CHARS])


def _name(common: str, organized: str) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if organized:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organized))
    return x509.Name(parts)


def _lasting(
    builder: x509.CertificateBuilder, now: dt.datetime, until: dt.datetime
) -> x509.CertificateBuilder:
    """Valid from the day before, for whoever's clock is behind."""
    since = (now - dt.timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (
        builder.serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until.replace(microsecond=0))
    )


def _usage(*, vouches: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not vouches,
        content_commitment=not vouches,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=vouches,
        crl_sign=vouches,
        encipher_only=False,
        decipher_only=False,
    )


def _identifier(
    public: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
) -> x509.SubjectKeyIdentifier:
    return x509.SubjectKeyIdentifier.from_public_key(public)


def _public_bytes(public: object) -> bytes:
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return bytes(public.public_bytes(*form))  # type: ignore[attr-defined]
