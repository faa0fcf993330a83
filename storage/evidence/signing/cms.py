"""Detached CMS signatures (RFC 5652): made, brought into one form, and judged bit by bit.

There is one way to write each signature here, and one that is written otherwise is refused: DER,
one signer with its chain and without the root, SHA-256, RSA (PKCS #1 v1.5) or ECDSA on P-256 with
the lower of its two values, signed attributes, no others. So no bit can change unseen, and the same
content signed again gives the same bytes. Knows neither a file nor where a key is kept.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from storage.evidence.signing import chain as chains
from storage.evidence.signing import der

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

LIMIT_BYTES = 64 << 10
"""No signature with its chain is longer; a forged one is not read further."""
ENDING = ".p7s"

_DATA = der.oid("1.2.840.113549.1.7.1")
_SIGNED_DATA = der.oid("1.2.840.113549.1.7.2")
_CONTENT_TYPE = der.oid("1.2.840.113549.1.9.3")
_MESSAGE_DIGEST = der.oid("1.2.840.113549.1.9.4")
_SIGNING_CERTIFICATE = der.oid("1.2.840.113549.1.9.16.2.47")
"""RFC 5035: the hash of the signer's certificate, so that no other one can take its place."""
_OTHERS_SIGNED = frozenset(
    map(
        der.oid,
        (
            "1.2.840.113549.1.9.5",  # signingTime, which `openssl cms` cannot leave out
            "1.2.840.113549.1.9.15",  # sMIMECapabilities
            "1.2.840.113549.1.9.52",  # CMSAlgorithmProtection
        ),
    )
)
"""What programs outside sign besides. It is bound like all the rest, and means nothing here."""
_SHA256 = der.tlv(der.SEQUENCE, der.oid("2.16.840.1.101.3.4.2.1"))
_RSA = der.tlv(der.SEQUENCE, der.oid("1.2.840.113549.1.1.1"), der.tlv(der.NULL))
_ECDSA = der.tlv(der.SEQUENCE, der.oid("1.2.840.10045.4.3.2"))
_ONE = der.tlv(der.INTEGER, b"\1")
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SIGNER_PARTS = 6
"""Version, signer, digest algorithm, signed attributes, algorithm, value; then what is unsigned."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What a signature consists of; `certificates` and `attributes` in the order they stand in."""

    certificates: tuple[x509.Certificate, ...]
    signer: bytes
    attributes: tuple[bytes, ...]
    value: bytes


def sign(content: bytes, private: PrivateKey, certificates: Sequence[x509.Certificate]) -> bytes:
    """The signature (DER) of `content`, the same for the same content: it tells no time.

    `certificates` are the signer's, then those between it and the root, which is left out.
    """
    attributes = (
        _attribute(_CONTENT_TYPE, _DATA),
        _attribute(_MESSAGE_DIGEST, der.tlv(der.OCTET_STRING, hashlib.sha256(content).digest())),
        _attribute(_SIGNING_CERTIFICATE, _hashes_of(certificates)),
    )
    signed = der.set_of(der.SET, attributes)
    if isinstance(private, rsa.RSAPrivateKey):
        value = private.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    else:
        value = private.sign(signed, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    return _assembled(certificates, attributes, value)


def in_one_form(signature: bytes, certificates: Sequence[x509.Certificate]) -> bytes:
    """A signature that another program made, as `sign` would have written it.

    What no signature covers is replaced: the certificates by these (signer first, no root), and
    unsigned attributes by none. Raises ValueError for what is no CMS signature with signed
    attributes. Whether it holds is for `fault` to say.
    """
    found = _read(signature)
    return _assembled(certificates, found.attributes, found.value)


def signer_of(signature: bytes) -> x509.Certificate:
    """The certificate of the signer, believed by nobody yet. Raises ValueError."""
    return _signer(_read(signature))


def fault(
    signature: bytes, content: bytes, root: x509.Certificate, at: dt.datetime | None = None
) -> str:
    """Why this is not the signature of `content` by somebody for whom `root` vouches; '' if it is.

    Certificates' dates are judged at the moment `at`, or not at all: see `chain.fault`.
    """
    try:
        found = _read(signature)
        signer = _signer(found)
        others = [each for each in found.certificates if each != signer]
        chain = chains.ordered(signer, others, root)
        why = chains.fault(chain, at)
        if why:
            return why
        if _assembled(chain[:-1], found.attributes, found.value) != signature:
            return "is not written in the one form that it may have"
        why = _attributes_fault(found.attributes, content, chain)
        return why or _value_fault(found, signer)
    except chains.UNREADABLE as error:
        return str(error)


# ---------------------------------------------------------------------------- writing


def _attribute(kind: bytes, value: bytes) -> bytes:
    return der.tlv(der.SEQUENCE, kind, der.tlv(der.SET, value))


def _hashes_of(certificates: Iterable[x509.Certificate]) -> bytes:
    """SigningCertificateV2: what names the hash is left out for SHA-256, its default."""
    digests = (hashlib.sha256(chains.encoded(each)).digest() for each in certificates)
    ids = (der.tlv(der.SEQUENCE, der.tlv(der.OCTET_STRING, digest)) for digest in digests)
    return der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, *ids))


def _assembled(
    certificates: Sequence[x509.Certificate], attributes: Iterable[bytes], value: bytes
) -> bytes:
    is_rsa = isinstance(certificates[0].public_key(), rsa.RSAPublicKey)
    signer = der.tlv(
        der.SEQUENCE,
        _ONE,
        _issuer_and_serial(certificates[0]),
        _SHA256,
        der.set_of(der.CONTEXT, attributes),
        _RSA if is_rsa else _ECDSA,
        der.tlv(der.OCTET_STRING, value if is_rsa else _lower(value)),
    )
    signed_data = der.tlv(
        der.SEQUENCE,
        _ONE,
        der.tlv(der.SET, _SHA256),
        der.tlv(der.SEQUENCE, _DATA),
        der.set_of(der.CONTEXT, map(chains.encoded, certificates)),
        der.tlv(der.SET, signer),
    )
    return der.tlv(der.SEQUENCE, _SIGNED_DATA, der.tlv(der.CONTEXT, signed_data))


def _issuer_and_serial(certificate: x509.Certificate) -> bytes:
    serial, issuer = chains.serial_and_issuer(chains.encoded(certificate))
    return der.tlv(der.SEQUENCE, issuer.encoded, serial.encoded)


def _lower(value: bytes) -> bytes:
    """ECDSA has two values for each signature; the lower one is ours. Raises ValueError."""
    try:
        r, s = decode_dss_signature(value)
    except ValueError as error:
        raise ValueError("holds a value that is no ECDSA signature") from error
    if not 0 < s < _P256_ORDER:
        raise ValueError("holds a value that is no ECDSA signature on P-256")
    return encode_dss_signature(r, min(s, _P256_ORDER - s))


# ---------------------------------------------------------------------------- reading


def _read(signature: bytes) -> _Read:
    """The parts of a signature with one signer. Raises ValueError, in words."""
    if len(signature) > LIMIT_BYTES:
        raise ValueError("is far too big for a signature")
    try:
        parts = _signed_data(der.one(signature))
        name, attributes, value = _signer_info(parts[-1])
        told = tuple(each.encoded for each in attributes.inside())
        held = [each.encoded for part in parts if part.tag == der.CONTEXT for each in part.inside()]
    except ValueError as error:
        raise ValueError(f"is no CMS signature of one signer that can be read: {error}") from error
    return _Read(tuple(map(chains.loaded, held)), name.encoded, told, value.content)


def _signed_data(message: der.Value) -> list[der.Value]:
    kind, body = message.inside(2)
    if kind.encoded != _SIGNED_DATA:
        raise ValueError("it is another kind of message")
    parts = der.one(body.content).inside()
    if not parts:
        raise ValueError("it is empty")
    return parts


def _signer_info(signers: der.Value) -> tuple[der.Value, der.Value, der.Value]:
    """Who the signer is, the signed attributes, the value."""
    (signer,) = signers.inside(1)
    parts = signer.inside()
    if len(parts) < _SIGNER_PARTS or parts[3].tag != der.CONTEXT:
        raise ValueError("it has no signed attributes")
    return parts[1], parts[3], parts[5]


def _signer(found: _Read) -> x509.Certificate:
    for each in found.certificates:
        if _issuer_and_serial(each) == found.signer:
            return each
    raise ValueError("does not hold its signer's certificate")


# ---------------------------------------------------------------------------- judging


def _attributes_fault(
    attributes: Iterable[bytes], content: bytes, chain: Sequence[x509.Certificate]
) -> str:
    try:
        pairs = [der.one(attribute).inside(2) for attribute in attributes]
        told = {kind.encoded: der.one(held.content).encoded for kind, held in pairs}
    except ValueError as error:
        raise ValueError(f"has signed attributes that cannot be read: {error}") from error
    if len(told) < len(pairs):
        return "says the same thing twice"
    if told.pop(_CONTENT_TYPE, b"") != _DATA:
        return "is not one of plain content"
    digest = der.tlv(der.OCTET_STRING, hashlib.sha256(content).digest())
    if told.pop(_MESSAGE_DIGEST, b"") != digest:
        return "is the signature of something else, or made with another hash than SHA-256"
    named = told.pop(_SIGNING_CERTIFICATE, None)
    if named is not None and not _names(named, chain):
        return "was made for another certificate than the one in it"
    return "" if _OTHERS_SIGNED.issuperset(told) else "says something that is not known here"


def _names(signing_certificate: bytes, chain: Sequence[x509.Certificate]) -> bool:
    """True when each hash in a SigningCertificateV2 is that of the certificate in this place."""
    try:
        lists = der.one(signing_certificate).inside()
        told = [each.inside() for each in (lists[0].inside() if lists else ())]
    except ValueError:
        return False
    digests = [
        der.tlv(der.OCTET_STRING, hashlib.sha256(chains.encoded(each)).digest()) for each in chain
    ]
    return 0 < len(told) <= len(chain) and all(
        digest in (part.encoded for part in parts)
        for parts, digest in zip(told, digests, strict=False)
    )


def _value_fault(found: _Read, signer: x509.Certificate) -> str:
    signed, key = der.set_of(der.SET, found.attributes), signer.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(found.value, signed, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(found.value, signed, ec.ECDSA(hashes.SHA256()))
        else:
            return "was made with a key of no known kind"
    except InvalidSignature:
        return "was not made by its signer's key, or was changed"
    return ""
