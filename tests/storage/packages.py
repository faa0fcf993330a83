"""Unpacked evidence packages, and how a forger would make their lists anew."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

from storage.evidence import bag
from storage.site_keys import SiteSigner


def unpacked_at(package: Path, folder: Path) -> Path:
    """The folder of the package, unpacked below `folder`."""
    with zipfile.ZipFile(package) as opened:
        opened.extractall(folder)
    return folder / package.stem


def facts_of(folder: Path) -> dict[str, Any]:
    """What an unpacked package's manifest.json tells."""
    facts: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    return facts


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def remanifest(folder: Path, signer: SiteSigner | None = None) -> None:
    """Make the lists anew, as a forger would; signed, when the forger has the site's key."""
    evidence = [path for path in sorted((folder / "data").rglob("*")) if path.is_file()]
    lines = [f"{digest(path)}  {path.relative_to(folder).as_posix()}\n" for path in evidence]
    (folder / bag.PAYLOAD_MANIFEST).write_text("".join(lines))
    if signer is not None:
        signature = signer.sign((folder / bag.FACTS).read_bytes())
        (folder / bag.FACTS_SIGNATURE).write_bytes(signature)
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    own = sorted(name for name in names if bag.is_tag(name, bag.FORMAT))
    (folder / bag.TAG_MANIFEST).write_text(
        "".join(f"{digest(folder / name)}  {name}\n" for name in own)
    )
    if signer is not None:
        signature = signer.sign((folder / bag.TAG_MANIFEST).read_bytes())
        (folder / bag.PACKAGE_SIGNATURE).write_bytes(signature)


def reseal(folder: Path, path: Path, content: bytes, signer: SiteSigner) -> None:
    """Put other content into the package and make everything agree with it that lists it."""
    path.write_bytes(content)
    facts = facts_of(folder)
    for item in facts["files"]:
        if folder / item["path"] == path:
            item.update(sha256=digest(path), size_bytes=len(content))
    (folder / "manifest.json").write_text(json.dumps(facts))
    remanifest(folder, signer)
