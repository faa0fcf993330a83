"""The parts of a package's page that judge: hashes, DER, certificates and signatures in JavaScript.

What the archive's own judges refuse, these must refuse, too.
"""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import Page

from storage.evidence.page import page
from storage.evidence.signing import cms, der
from tests.storage.authorities import (
    LEAF,
    MAIL,
    SIGNING,
    UNHEARD_OF,
    VOUCHING,
    WEB,
    Chain,
    authority,
    rsa_key,
)
from tests.storage.viewing import CHROMIUM, Browser

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium: install it to test what a package's page does"
)
CONTENT = b"the lists\n" * 50
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
BYTES = "const bytes = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));"


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """An empty page on the disk, where a browser lets its script use its cryptography."""
    empty = tmp_path_factory.mktemp("empty") / "empty.txt"
    empty.touch()
    with Browser() as browser, browser.window() as window:
        window.goto(empty.as_uri())
        yield window


def called(window: Page, call: str, *values: Any) -> Any:
    """What a call into the judging parts of the page's script gives."""
    judges = page.script().partition("(() => {")[2].partition("/* Words in both languages")[0]
    return window.evaluate(f"async (given) => {{ {judges} {BYTES} {call} }}", values)


def text(content: bytes) -> str:
    """Bytes on their way into the browser."""
    return base64.b64encode(content).decode()


def faults(window: Page, signatures: Sequence[bytes], chain: Chain) -> list[str]:
    """What the page finds in signatures of CONTENT."""
    found: list[str] = called(
        window,
        """const root = new Certificate(bytes(given[1])), content = bytes(given[2]), faults = [];
        for (const each of given[0]) {
            faults.push((await signatureFault(bytes(each), content, root))[0]);
        }
        return faults;""",
        [text(each) for each in signatures],
        text(chain.root.public_bytes(Encoding.DER)),
        text(CONTENT),
    )
    return found


def test_hashing_in_pieces_gives_sha256(window: Page) -> None:
    noise = random.Random(7)
    contents = [noise.randbytes(size) for size in (*range(130), 1000, 65_537, 300_000)]
    found = called(
        window,
        """return given[0].map((text, at) => {
            const hash = new Sha256(), all = bytes(text), step = 1 + (at * 37) % 200;
            for (let i = 0; i < all.length; i += step) hash.update(all.subarray(i, i + step));
            return hex(hash.digest());
        });""",
        [text(content) for content in contents],
    )
    assert found == [hashlib.sha256(content).hexdigest() for content in contents]


def test_der_is_read_as_strictly_as_the_archive_reads_it(window: Page) -> None:
    noise = random.Random(9)
    given = [bytes.fromhex(each) for each in (
        "0400", "048100", "04810100", "04820080" + "00" * 128, "048180" + "00" * 128, "0480",
        "04840000000100", "0485000000000100", "1f0100", "0401", "040100", "0401000401", "04",
    )]  # fmt: skip
    given += [
        bytes(noise.choice(b"\x00\x01\x02\x04\x30\x80\x81") for _ in range(6)) for _ in range(3000)
    ]
    found = called(
        window,
        """return given[0].map((text) => {
            try { return Der.all(bytes(text)).map((value) => value.content.length); }
            catch (error) { if (error instanceof Malformed) return null; throw error; }
        });""",
        [text(each) for each in given],
    )
    assert found == [_lengths(each) for each in given]
    assert None in found
    assert [1, 1] in found


def _lengths(given: bytes) -> list[int] | None:
    try:
        return [len(value.content) for value in der.values(given)]
    except ValueError:
        return None


@pytest.mark.parametrize("key", [None, rsa_key()], ids=["P-256", "RSA"])
def test_every_byte_of_a_signature_counts(window: Page, key: Any) -> None:
    chain, noise = Chain(key), random.Random(8)
    signature = cms.sign(CONTENT, chain.key, chain.certificates)
    assert cms.fault(signature, CONTENT, chain.root) == ""
    forged = [signature, signature[:-1], signature + b"\0", b""]
    for at in range(len(signature)):
        changed = bytearray(signature)
        changed[at] ^= 1 << noise.randrange(8)
        forged.append(bytes(changed))
    found = faults(window, forged, chain)
    assert [at for at, fault in enumerate(found) if not fault] == [0]


CONSTRUCTED = 0x20


def _swapped(value: der.Value, old: bytes, new: bytes) -> bytes:
    """The value with other bytes in the place of these."""
    if value.content == old:
        return der.tlv(value.tag, new)
    if not value.tag & CONSTRUCTED:
        return value.encoded
    return der.tlv(value.tag, *(_swapped(each, old, new) for each in value.inside()))


def test_the_other_value_that_ecdsa_would_take_is_refused(window: Page) -> None:
    chain = Chain()
    signature = der.one(cms.sign(CONTENT, chain.key, chain.certificates))
    info = signature.inside()[1].inside()[0].inside()[-1].inside()[0]
    value = info.inside()[5].content
    r, s = decode_dss_signature(value)
    forged = _swapped(signature, value, encode_dss_signature(r, ORDER - s))
    assert cms.fault(forged, CONTENT, chain.root)
    assert faults(window, [signature.encoded, forged], chain) == ["", "cms_form"]


@pytest.mark.parametrize(
    ("chain", "fault"),
    [
        (Chain(signer=((authority(), True), (SIGNING, True))), "cms_purpose"),
        (Chain(signer=((VOUCHING, True),)), "cms_purpose"),
        (Chain(signer=((SIGNING, True), (WEB, False))), "cms_purpose"),
        (Chain(signer=((SIGNING, True), (UNHEARD_OF, True))), "cms_purpose"),
        (Chain(between=()), "cms_purpose"),
        (Chain(between=((LEAF, True),)), "cms_purpose"),
        (Chain(between=((authority(), True), (SIGNING, True))), "cms_purpose"),
        (Chain(root=((authority(0), True), (VOUCHING, True))), "cms_purpose"),
        (Chain(root=()), "cms_purpose"),
        (Chain(rsa_key(1024)), "cms_value"),
        (Chain(digest=hashes.SHA3_256()), "cms_chain"),
        (Chain(signer=((SIGNING, True),)), ""),
        (Chain(signer=((SIGNING, True), (UNHEARD_OF, False), (MAIL, True))), ""),
        (Chain(digest=hashes.SHA384()), ""),
    ],
)
def test_only_a_chain_that_may_is_believed(window: Page, chain: Chain, fault: str) -> None:
    signature = cms.sign(CONTENT, chain.key, chain.certificates)
    assert bool(cms.fault(signature, CONTENT, chain.root)) is bool(fault)
    assert faults(window, [signature], chain) == [fault]


def test_a_certificate_without_a_place_in_the_chain_is_refused(window: Page) -> None:
    chain = Chain()
    crowded = cms.sign(CONTENT, chain.key, (*chain.certificates, Chain().between))
    assert cms.fault(crowded, CONTENT, chain.root)
    assert faults(window, [crowded], chain) == ["cms_chain"]


def test_a_key_of_another_curve_is_refused(window: Page) -> None:
    chain = Chain(ec.generate_private_key(ec.SECP384R1()))
    signature = cms.sign(CONTENT, Chain().key, chain.certificates)
    assert faults(window, [signature], chain) == ["cms_key"]


def test_every_part_of_the_script_is_in_the_page() -> None:
    there = {path.name for path in Path(page.__file__).parent.joinpath("viewer").glob("*.js")}
    assert there == set(page.SCRIPTS)
