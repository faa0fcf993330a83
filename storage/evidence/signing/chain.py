"""Does a chain of X.509 certificates lead from a signer to a root, by the rules of RFC 5280?

The root is trusted because somebody compared its fingerprint, so nothing is asked of a list of
authorities, and no revocation is looked up: a package is checked years later, without a network.
What a certificate must obey and is not judged here makes it refused. Knows no signature of content.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, SignatureAlgorithmOID

from storage.evidence.signing import der

UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What reading a forged certificate may raise."""
RSA_BITS = 2048
CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
ALGORITHMS = frozenset(
    {
        SignatureAlgorithmOID.RSA_WITH_SHA256,
        SignatureAlgorithmOID.RSA_WITH_SHA384,
        SignatureAlgorithmOID.RSA_WITH_SHA512,
        SignatureAlgorithmOID.ECDSA_WITH_SHA256,
        SignatureAlgorithmOID.ECDSA_WITH_SHA384,
        SignatureAlgorithmOID.ECDSA_WITH_SHA512,
    }
)
OBEYED = frozenset(
    {ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE}
)
"""Critical extensions that are judged here."""
LENGTH_LIMIT = 8
_SIGNED_PARTS = 6
"""Of a certificate: serial number, algorithm, issuer, validity, subject, key; before them at times
the version."""
Extension = TypeVar("Extension", bound=x509.ExtensionType)


def encoded(certificate: x509.Certificate) -> bytes:
    """The certificate's DER."""
    return certificate.public_bytes(Encoding.DER)


def loaded(content: bytes) -> x509.Certificate:
    """The certificate with this DER. Raises ValueError, in words."""
    try:
        serial, _ = serial_and_issuer(content)
        if serial.content[0] & 0x80 or not any(serial.content):
            raise ValueError("its serial number is not positive")
        return x509.load_der_x509_certificate(content)
    except (*UNREADABLE, IndexError) as error:
        raise ValueError("holds a certificate that cannot be read") from error


def serial_and_issuer(content: bytes) -> tuple[der.Value, der.Value]:
    """The serial number and the issuer's name of the certificate with this DER, as they stand in
    it. Raises ValueError."""
    signed = der.one(content).inside(3)[0].inside()
    versioned = bool(signed) and signed[0].tag == der.CONTEXT
    if len(signed) < _SIGNED_PARTS:
        raise ValueError("it is no certificate")
    serial, _, issuer = signed[versioned : versioned + 3]
    return serial, issuer


def named(certificate: x509.Certificate) -> str:
    """Whom the certificate is for, as a person reads it: its common name, or all of its name."""
    try:
        common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return str(common[0].value) if common else certificate.subject.rfc4514_string()
    except UNREADABLE:
        return "a name that cannot be read"


def ordered(
    signer: x509.Certificate, others: Iterable[x509.Certificate], root: x509.Certificate
) -> tuple[x509.Certificate, ...]:
    """The chain of all these certificates: the signer, those between, the root.

    Raises ValueError, in words, when they are no such chain or one of them has no place in it.
    """
    chain, left = [signer], list(others)
    if len(left) >= LENGTH_LIMIT:
        raise ValueError("holds far too many certificates")
    while not issued_by(chain[-1], root):
        above = next((each for each in left if issued_by(chain[-1], each)), None)
        if above is None:
            raise ValueError(
                f"leads to {named(chain[-1])!r}, for whom neither {named(root)!r} nor a "
                "certificate in it vouches"
            )
        left.remove(above)
        chain.append(above)
    if left:
        raise ValueError(f"holds the certificate of {named(left[0])!r}, which has no place in it")
    return (*chain, root)


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """True when the issuer has this name and its key made this certificate's signature."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (*UNREADABLE, InvalidSignature):
        return False
    return True


def fault(chain: Sequence[x509.Certificate], at: dt.datetime | None = None) -> str:
    """Why this chain (signer first, root last) must not be believed, '' when it may.

    With `at` every certificate must be valid at that moment. Without, dates are not judged: a
    package is shown years after its signer's certificate ended, and when it was signed is proven
    by its time stamp, not by the certificate.
    """
    try:
        for place, certificate in enumerate(chain):
            why = _fault(certificate, place, at)
            if why:
                return f"relies on the certificate of {named(certificate)!r}, which {why}"
            if place and not issued_by(chain[place - 1], certificate):
                return f"relies on {named(chain[place - 1])!r}, for whom its issuer did not sign"
    except UNREADABLE as error:
        return f"relies on a certificate that cannot be read: {error}"
    return ""


def _fault(certificate: x509.Certificate, place: int, at: dt.datetime | None) -> str:
    extensions = {each.oid: each for each in certificate.extensions}
    if any(each.critical and each.oid not in OBEYED for each in extensions.values()):
        return "demands something that is not known here"
    if certificate.signature_algorithm_oid not in ALGORITHMS:
        return "is signed in a way that is not accepted"
    if not _exact(certificate):
        return "is not written as DER wants it"
    if at is not None and not (
        certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc
    ):
        return (
            f"is valid from {certificate.not_valid_before_utc:%Y-%m-%d} to "
            f"{certificate.not_valid_after_utc:%Y-%m-%d}, not on {at:%Y-%m-%d}"
        )
    return _issuer_fault(certificate, place) if place else _signer_fault(certificate)


def _extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _signer_fault(certificate: x509.Certificate) -> str:
    """What forbids to sign content with it; what it must be for is what `openssl cms` asks, too."""
    constraints = _extension(certificate, x509.BasicConstraints)
    usage = _extension(certificate, x509.KeyUsage)
    purposes = _extension(certificate, x509.ExtendedKeyUsage)
    if constraints is not None and constraints.ca:
        return "is that of an authority, not of a signer"
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        return "is not for signatures"
    if purposes is not None and ExtendedKeyUsageOID.EMAIL_PROTECTION not in purposes:
        return "is not for signed messages (emailProtection)"
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return ""
    return "" if _is_strong_rsa(key) else f"has another key than P-256 or RSA from {RSA_BITS} bits"


def _issuer_fault(certificate: x509.Certificate, place: int) -> str:
    constraints = _extension(certificate, x509.BasicConstraints)
    usage = _extension(certificate, x509.KeyUsage)
    if constraints is None or not constraints.ca:
        return "is not that of an authority"
    if usage is not None and not usage.key_cert_sign:
        return "must not issue certificates"
    if constraints.path_length is not None and constraints.path_length < place - 1:
        return "must not issue certificates of authorities"
    key = certificate.public_key()
    curve = key.curve if isinstance(key, ec.EllipticCurvePublicKey) else None
    return "" if isinstance(curve, CURVES) or _is_strong_rsa(key) else "has a key of no known kind"


def _is_strong_rsa(key: object) -> bool:
    return isinstance(key, rsa.RSAPublicKey) and key.key_size >= RSA_BITS


def _exact(certificate: x509.Certificate) -> bool:
    """True when no bit of it is left to choose: around what is signed, too."""
    signed, algorithm, _ = der.one(encoded(certificate)).inside(3)
    signature = der.tlv(der.BIT_STRING, b"\0", certificate.signature)
    whole = der.tlv(der.SEQUENCE, signed.encoded, algorithm.encoded, signature)
    return whole == encoded(certificate)
