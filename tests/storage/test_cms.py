"""Signatures that others verify, and in which no bit can change unseen."""

from __future__ import annotations

import datetime as dt
import random
import shutil
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from storage.evidence.signing import cms, der
from storage.evidence.signing.cms import PrivateKey
from tests.storage.authorities import (
    LEAF,
    MAIL,
    SIGNING,
    UNHEARD_OF,
    VOUCHING,
    WEB,
    Chain,
    authority,
    certificate,
    openssl_signs,
    openssl_verifies,
    p256,
    rsa_key,
)

CONTENT = b"d41d8cd98f00b204e9800998ecf8427e  index.html\n" * 40
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
KEYS = pytest.mark.parametrize("key", [None, rsa_key()], ids=["P-256", "RSA"])


@pytest.fixture(scope="module")
def chain() -> Chain:
    """A signer for whom an authority vouches for whom the root does."""
    return Chain()


@pytest.fixture(scope="module")
def signature(chain: Chain) -> bytes:
    """The signature of CONTENT."""
    return cms.sign(CONTENT, chain.key, chain.certificates)


@KEYS
def test_a_signature_holds_and_is_the_same_each_time(key: PrivateKey | None) -> None:
    chain = Chain(key)
    made = cms.sign(CONTENT, chain.key, chain.certificates)
    assert made == cms.sign(CONTENT, chain.key, chain.certificates)
    assert cms.fault(made, CONTENT, chain.root) == ""
    assert cms.signer_of(made) == chain.signer
    assert "something else" in cms.fault(made, CONTENT + b"\n", chain.root)
    assert "vouches" in cms.fault(made, CONTENT, Chain().root)


@needs_openssl
@KEYS
def test_openssl_believes_it_and_finds_other_content(
    key: PrivateKey | None, tmp_path: Path
) -> None:
    chain = Chain(key)
    chain.write(tmp_path)
    made = cms.sign(CONTENT, chain.key, chain.certificates)
    assert openssl_verifies(tmp_path, made, CONTENT)
    assert openssl_verifies(tmp_path, made, CONTENT, "-cades")
    assert not openssl_verifies(tmp_path, made, CONTENT + b"\n")


@KEYS
@pytest.mark.filterwarnings("error")
def test_no_bit_of_a_signature_can_change_unseen(key: PrivateKey | None) -> None:
    chain = Chain(key)
    made = cms.sign(CONTENT, chain.key, chain.certificates)
    for bit in range(0, 8 * len(made), 1 if key is None else 3):
        changed = bytearray(made)
        changed[bit // 8] ^= 1 << bit % 8
        assert cms.fault(bytes(changed), CONTENT, chain.root), f"bit {bit}"


def test_no_byte_can_go_come_or_move_unseen(chain: Chain, signature: bytes) -> None:
    for at in range(len(signature)):
        cut = signature[:at] + signature[at + 1 :]
        assert cms.fault(cut, CONTENT, chain.root)
        assert cms.fault(signature[:at], CONTENT, chain.root)
    for more in (b"\0", b"\5\0", signature):
        assert cms.fault(signature + more, CONTENT, chain.root)
        assert cms.fault(more + signature, CONTENT, chain.root)


@given(seed=st.integers(0, 2**32), count=st.integers(1, 4))
def test_whatever_is_changed_is_told_in_words(seed: int, count: int) -> None:
    chain, made = _shared()
    chosen = random.Random(seed)
    changed = bytearray(made)
    for _ in range(count):
        changed[chosen.randrange(len(changed))] = chosen.randrange(256)
    if bytes(changed) != made:
        why = cms.fault(bytes(changed), CONTENT, chain.root)
        assert why and "Traceback" not in why and "ParseError" not in why


@given(st.binary(max_size=300))
def test_what_is_no_signature_is_told_so(given: bytes) -> None:
    chain, _ = _shared()
    assert cms.fault(given, CONTENT, chain.root)
    with pytest.raises(ValueError, match="is "):
        cms.signer_of(given)


_SHARED: list[tuple[Chain, bytes]] = []


def _shared() -> tuple[Chain, bytes]:
    if not _SHARED:
        chain = Chain()
        _SHARED.append((chain, cms.sign(CONTENT, chain.key, chain.certificates)))
    return _SHARED[0]


# ---------------------------------------------------------------------------- another form


@pytest.mark.parametrize(
    "given",
    [
        b"\x30",
        b"\x30\x01",
        b"\x30\x80\0\0",
        b"\x04\x81\x05hello",
        b"\x04\x82\0\x81" + bytes(129),
        b"\x04\x85\0\0\0\0\1x",
        b"\x04\x82\1",
        b"\x1f\x1f\0",
    ],
)
def test_der_is_read_in_one_way_only(given: bytes) -> None:
    with pytest.raises(ValueError, match="a "):
        der.values(given)


@given(st.binary(max_size=400), st.integers(0, 30))
def test_der_is_read_as_it_is_written(content: bytes, tag: int) -> None:
    value = der.one(der.tlv(tag, content))
    assert (value.tag, value.content, value.encoded) == (tag, content, der.tlv(tag, content))
    assert der.values(value.encoded * 2) == [value, value]


def rewritten(signature: bytes, **changes: bytes) -> bytes:
    """The signature with other parts: `certificates`, `signers`, `value`, `more` (unsigned
    attributes), `attributes` (b"" for none), `version`."""
    kind, body = der.one(signature).inside()
    version, digests, content, certificates, signers = der.one(body.content).inside()
    parts = [each.encoded for each in signers.inside()[0].inside()]
    if "value" in changes:
        parts[5] = der.tlv(der.OCTET_STRING, changes["value"])
    if "attributes" in changes:
        parts[3:4] = [der.tlv(der.CONTEXT, changes["attributes"])] if changes["attributes"] else []
    if "version" in changes:
        parts[0] = der.tlv(der.INTEGER, changes["version"])
    parts.append(changes.get("more", b""))
    signer = der.tlv(der.SEQUENCE, *parts)
    signed = der.tlv(
        der.SEQUENCE,
        version.encoded,
        digests.encoded,
        content.encoded,
        der.tlv(der.CONTEXT, changes.get("certificates", certificates.content)),
        der.tlv(der.SET, changes.get("signers", signer)),
    )
    return der.tlv(der.SEQUENCE, kind.encoded, der.tlv(der.CONTEXT, signed))


def signer_info(signature: bytes) -> der.Value:
    """What is said of the signer."""
    body = der.one(signature).inside()[1]
    return der.one(body.content).inside()[-1].inside()[0]


def held(*certificates: x509.Certificate) -> bytes:
    """These certificates as a signature holds them."""
    return b"".join(sorted(each.public_bytes(Encoding.DER) for each in certificates))


def test_a_signature_that_says_more_or_less_is_refused(chain: Chain, signature: bytes) -> None:
    info = signer_info(signature)
    parts = info.inside()
    unsigned = der.tlv(0xA1, parts[3].inside()[0].encoded)
    extra = certificate("Extra", p256())
    changed = {
        "an unsigned attribute": rewritten(signature, more=unsigned),
        "no signed attributes": rewritten(signature, attributes=b""),
        "attributes in another order": rewritten(
            signature, attributes=b"".join(each.encoded for each in parts[3].inside()[::-1])
        ),
        "an attribute twice": rewritten(
            signature, attributes=parts[3].content + parts[3].inside()[-1].encoded
        ),
        "two signers": rewritten(signature, signers=info.encoded * 2),
        "no signer": rewritten(signature, signers=b""),
        "another version": rewritten(signature, version=b"\3"),
        "certificates in another order": rewritten(
            signature,
            certificates=b"".join(
                sorted(each.public_bytes(Encoding.DER) for each in chain.certificates)[::-1]
            ),
        ),
        "a certificate that nobody needs": rewritten(
            signature, certificates=held(*chain.certificates, extra)
        ),
        "the root": rewritten(signature, certificates=held(*chain.certificates, chain.root)),
        "the signer twice": rewritten(
            signature, certificates=held(*chain.certificates, chain.signer)
        ),
        "no certificate between": rewritten(signature, certificates=held(chain.signer)),
        "no signer's certificate": rewritten(signature, certificates=held(chain.between)),
        "no certificates": rewritten(signature, certificates=b""),
        "far too much": rewritten(signature, more=der.tlv(0xA1, bytes(cms.LIMIT_BYTES))),
    }
    assert rewritten(signature) == signature
    told = {what: cms.fault(each, CONTENT, chain.root) for what, each in changed.items()}
    assert "far too big" in told["far too much"]
    assert "'Extra', which has no place" in told["a certificate that nobody needs"]
    assert [what for what, why in told.items() if not why] == []


def test_the_other_value_that_ecdsa_would_take_is_refused(chain: Chain, signature: bytes) -> None:
    parts = signer_info(signature).inside()
    r, s = decode_dss_signature(parts[5].content)
    assert s <= ORDER // 2
    other = encode_dss_signature(r, ORDER - s)
    public = chain.signer.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(other, der.tlv(der.SET, parts[3].content), ec.ECDSA(hashes.SHA256()))
    assert "one form" in cms.fault(rewritten(signature, value=other), CONTENT, chain.root)


def attribute(kind: str, *values: bytes) -> bytes:
    """An attribute with these values."""
    return der.tlv(der.SEQUENCE, der.oid(kind), der.tlv(der.SET, *values))


def test_what_a_signer_signs_besides_must_be_understood(chain: Chain, signature: bytes) -> None:
    kind, digest, certificate_ = (
        each.encoded for each in signer_info(signature).inside()[3].inside()
    )
    time = attribute("1.2.840.113549.1.9.5", der.tlv(0x17, b"261122120000Z"))
    for attributes, why in (
        ((kind, digest), ""),
        ((kind, digest, certificate_, time), ""),
        ((kind, digest, time, attribute("1.2.840.113549.1.9.5", b"\5\0")), "twice"),
        ((kind, digest, attribute("1.2.3.4", b"\5\0")), "not known here"),
        ((kind, digest, attribute("1.2.840.113549.1.9.5", b"\5\0", b"\5\0")), "cannot be read"),
        ((kind, digest, attribute("1.2.840.113549.1.9.16.2.47", b"\5\0")), "another certificate"),
        ((kind, digest, b"\5\0"), "cannot be read"),
        ((digest,), "not one of plain content"),
        ((attribute("1.2.840.113549.1.9.3", der.oid("1.2.3")), digest), "plain content"),
        ((kind,), "something else"),
    ):
        signed = der.set_of(der.SET, attributes)
        value = chain.key.sign(signed, ec.ECDSA(hashes.SHA256()))  # type: ignore[call-arg, arg-type]
        forged = rewritten(signature, attributes=der.one(signed).content, value=value)
        found = cms.fault(cms.in_one_form(forged, chain.certificates), CONTENT, chain.root)
        assert why in found and bool(found) is bool(why), (why, found)


def test_no_certificate_takes_the_place_of_the_one_it_was_made_for(chain: Chain) -> None:
    other = certificate(
        "Signer", chain.key, (chain.between, chain.between_key), ((SIGNING, True), (MAIL, False))
    )
    swapped = cms.in_one_form(
        cms.sign(CONTENT, chain.key, chain.certificates), (other, chain.between)
    )
    assert "another certificate" in cms.fault(swapped, CONTENT, chain.root)


# ---------------------------------------------------------------------------- whom to believe


def fault_of(chain: Chain, at: dt.datetime | None = None) -> str:
    """Why a signature by this chain is not believed."""
    made = cms.sign(CONTENT, chain.key, chain.certificates)
    return cms.fault(made, CONTENT, chain.root, at)


@pytest.mark.parametrize(
    ("chain", "why"),
    [
        (Chain(signer=((authority(), True), (SIGNING, True))), "authority, not of a signer"),
        (Chain(signer=((VOUCHING, True),)), "not for signatures"),
        (Chain(signer=((SIGNING, True), (WEB, False))), "emailProtection"),
        (Chain(signer=((SIGNING, True), (UNHEARD_OF, True))), "demands something"),
        (Chain(between=()), "not that of an authority"),
        (Chain(between=((LEAF, True),)), "not that of an authority"),
        (Chain(between=((authority(), True), (SIGNING, True))), "must not issue certificates"),
        (Chain(root=((authority(0), True), (VOUCHING, True))), "certificates of authorities"),
        (Chain(root=()), "not that of an authority"),
        (Chain(rsa_key(1024)), "another key"),
        (Chain(digest=hashes.SHA3_256()), "not accepted"),
        (Chain(signer=((SIGNING, True),)), ""),
        (Chain(signer=((SIGNING, True), (UNHEARD_OF, False))), ""),
        (Chain(digest=hashes.SHA384()), ""),
    ],
)
def test_only_a_chain_that_may_is_believed(chain: Chain, why: str) -> None:
    found = fault_of(chain)
    assert why in found and bool(found) is bool(why)


def test_a_key_of_another_curve_is_refused() -> None:
    chain = Chain(ec.generate_private_key(ec.SECP384R1()))
    made = cms.sign(CONTENT, Chain().key, chain.certificates)
    assert "another key than P-256" in cms.fault(made, CONTENT, chain.root)


def test_dates_count_at_the_moment_that_is_asked_about() -> None:
    chain = Chain(until=dt.datetime(2025, 1, 1, tzinfo=dt.UTC))
    assert fault_of(chain) == ""
    assert fault_of(chain, dt.datetime(2024, 6, 1, tzinfo=dt.UTC)) == ""
    assert "not on 2026-06-01" in fault_of(chain, dt.datetime(2026, 6, 1, tzinfo=dt.UTC))
    assert "not on 2019-06-01" in fault_of(chain, dt.datetime(2019, 6, 1, tzinfo=dt.UTC))


# ---------------------------------------------------------------------------- programs outside


@needs_openssl
@KEYS
@pytest.mark.parametrize(
    "options",
    [(), ("-cades",), ("-nosmimecap",), ("-keyid",), ("-nocerts",), ("-md", "sha256")],
    ids=lambda options: "".join(options) or "plain",
)
def test_what_openssl_signs_is_brought_into_the_one_form(
    options: tuple[str, ...], key: PrivateKey | None, tmp_path: Path
) -> None:
    chain = Chain(key)
    chain.write(tmp_path)
    made = openssl_signs(tmp_path, CONTENT, *options)
    ours = cms.in_one_form(made, chain.certificates)
    assert cms.fault(ours, CONTENT, chain.root) == ""
    assert cms.in_one_form(ours, chain.certificates) == ours
    assert openssl_verifies(tmp_path, ours, CONTENT)


@needs_openssl
def test_no_bit_of_what_openssl_signed_can_change_unseen(tmp_path: Path) -> None:
    # It names no certificate by its hash, and of a signature that ends with a 0 the last bit could
    # as well be said not to be there.
    chain = Chain()
    while any(each.signature[-1] & 1 for each in chain.certificates):
        chain = Chain()
    chain.write(tmp_path)
    made = cms.in_one_form(openssl_signs(tmp_path, CONTENT), chain.certificates)
    for bit in range(8 * len(made)):
        changed = bytearray(made)
        changed[bit // 8] ^= 1 << bit % 8
        assert cms.fault(bytes(changed), CONTENT, chain.root), f"bit {bit}"


@needs_openssl
@pytest.mark.parametrize(
    ("options", "why"),
    [(("-noattr",), "no signed attributes"), (("-md", "sha512"), "another hash than SHA-256")],
)
def test_what_openssl_signs_in_another_way_is_refused(
    options: tuple[str, ...], why: str, chain: Chain, tmp_path: Path
) -> None:
    chain.write(tmp_path)
    made = openssl_signs(tmp_path, CONTENT, *options)
    try:
        found = cms.fault(cms.in_one_form(made, chain.certificates), CONTENT, chain.root)
    except ValueError as error:
        found = str(error)
    assert why in found
