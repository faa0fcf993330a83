"""Manifests and their signatures: `NAME.json` beside `NAME.sig`, the 64 bytes of an Ed25519 one.

Knows neither what a manifest says nor where it belongs.
"""

from __future__ import annotations

from pathlib import Path

from storage import files
from storage.files import Written
from storage.keys import Signer

SIGNATURE_ENDING = ".sig"
SIGNATURE_BYTES = 64


def signature_path(manifest: Path) -> Path:
    """Where the signature of a manifest lies."""
    return manifest.with_suffix(SIGNATURE_ENDING)


def write(manifest: Path, content: bytes, signer: Signer) -> Written:
    """Put the manifest and its signature on the disk; writing the same again changes nothing.

    The signature comes first: a manifest that is there is signed. Raises OSError.
    """
    files.write_over(signature_path(manifest), signer.sign(content))
    return files.write_over(manifest, content)
