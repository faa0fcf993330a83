"""C2PA sidecars: the same statement about a clip or photo in the form that C2PA's tools read.

What is claimed: this file was captured then, and this site signs for it. The file itself is not
touched. The library is an extra (`packwitness[c2pa]`) and is loaded when a sidecar is made; it asks
no network and no time-stamping authority. It salts what it writes, so that a sidecar made again
differs. Knows no package.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from storage import site_folder
from storage.errors import NoContentCredentials
from storage.records import utc_text
from storage.site_keys import SiteSigner

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

ENDING: Final = ".c2pa"
LIBRARY: Final = "c2pa"
ASSERTION: Final = "com.packwitness.evidence"
CAPTURED: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
FORMATS: Final = frozenset(
    {"image/jpeg", "image/png", "image/webp", "image/heic", "image/heif", "video/mp4"}
)
"""Media types of clips and photos that C2PA knows."""
P256_BYTES: Final = 32
OFFLINE: Final[Mapping[str, Any]] = {
    "version": 1,
    "core": {"allowed_network_hosts": [], "backing_store_memory_threshold_in_mb": 8},
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_after_sign": False},
}


def unable(signer: SiteSigner) -> str:
    """Why no sidecars can be made here with this signer, '' when they can."""
    if find_spec(LIBRARY) is None:
        return "its library is not installed: pip install 'packwitness[c2pa]'"
    if not isinstance(signer.private, ec.EllipticCurvePrivateKey):
        return "a program outside signs, which makes CMS signatures and no others"
    return ""


def sidecar(
    path: Path,
    media_type: str,
    signer: SiteSigner,
    *,
    title: str,
    captured_at: dt.datetime,
    facts: Mapping[str, str],
) -> bytes | None:
    """The C2PA manifest store for the file at `path`, as it is now; None for a kind of file that
    C2PA does not know. `facts` are what else is said of it, such as its SHA-256.

    Reads the file once, in pieces. Raises NoContentCredentials, OSError.
    """
    if media_type not in FORMATS:
        return None
    why = unable(signer)
    if why:
        raise NoContentCredentials(path, why)
    library = import_module(LIBRARY)
    claim = {
        "claim_generator_info": [{"name": "PackWitness"}],
        "title": title,
        "assertions": [
            {
                "label": "c2pa.actions",
                "data": {
                    "actions": [
                        {
                            "action": "c2pa.created",
                            "when": utc_text(captured_at),
                            "digitalSourceType": CAPTURED,
                        }
                    ]
                },
            },
            {"label": ASSERTION, "data": dict(facts)},
        ],
    }
    pem = b"".join(map(site_folder.pem, signer.certificates[:-1])).decode("ascii")
    with path.open("rb") as file:
        try:
            with (
                library.Context.from_dict(dict(OFFLINE)) as context,
                library.Signer.from_callback(
                    _Raw(signer), library.C2paSigningAlg.ES256, pem
                ) as hand,
                library.Builder(claim, context) as builder,
            ):
                builder.set_no_embed()
                return bytes(builder.sign(hand, media_type, file, _Nowhere()))
        except library.C2paError as error:
            raise NoContentCredentials(path, str(error)) from error


class _Raw:
    """Signs as COSE wants it: two numbers of 32 bytes, not DER."""

    def __init__(self, signer: SiteSigner) -> None:
        self._signer = signer

    def __call__(self, content: bytes) -> bytes:
        private = self._signer.private
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise TypeError("only a P-256 key signs for C2PA")
        value = private.sign(content, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        return b"".join(each.to_bytes(P256_BYTES, "big") for each in decode_dss_signature(value))


class _Nowhere(io.RawIOBase):
    """Where the copy of the file goes that the library insists on: it is not kept."""

    def __init__(self) -> None:
        self._at = self._end = 0

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        raise OSError("nothing is kept here to be read")

    def write(self, content: ReadableBuffer) -> int:
        size = memoryview(content).nbytes
        self._at += size
        self._end = max(self._end, self._at)
        return size

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._end}[whence]
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        return self._at
