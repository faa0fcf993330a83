"""Folders of packages as a browser sees them, signed, and a browser to look at them with."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import Page, sync_playwright

from storage.archive import Archive
from storage.evidence import bag
from storage.evidence.contents import Contents, contents_of
from storage.evidence.page.page import page
from storage.evidence.stated import Stated
from storage.records import Session
from storage.site_keys import SiteSigner, site_signer
from tests.storage.packages import remanifest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def stated(contents: Contents, signer: SiteSigner, manifest: str) -> Stated:
    """What the page is told of a package with this manifest.json."""
    digest = hashlib.sha256(manifest.encode()).hexdigest()
    return Stated(manifest, digest, contents.as_of, signer.name, signer.fingerprint)


def folder_of(
    archive: Archive,
    sessions: Iterable[Session],
    folder: Path,
    signer: SiteSigner | None = None,
) -> Path:
    """An unpacked package of these sessions, with as much of manifest.json as the page looks at."""
    contents, signer = contents_of(archive, sessions), signer or site_signer(archive.root)
    facts: dict[str, Any] = {
        "format": bag.FORMAT,
        "site": {"name": signer.name, "root_sha256": signer.fingerprint},
        "files": [
            {"path": item.name, "size_bytes": item.size_bytes, "sha256": item.sha256}
            for item in contents.payload
        ],
    }
    manifest = json.dumps(facts, indent=1) + "\n"
    *chain, root = [each.public_bytes(Encoding.PEM) for each in signer.certificates]
    tags = {
        bag.BAGIT: bag.DECLARATION.encode(),
        bag.BAG_INFO: bag.bag_info("X", contents.payload, contents.as_of).encode(),
        bag.FACTS: manifest.encode(),
        bag.PAGE: page(contents, stated(contents, signer, manifest)).encode(),
        bag.HOW_TO: b"how\n",
        bag.REPORT: b"%PDF-1.4\n",
        bag.ROOT_CERTIFICATE: root,
        bag.SIGNER_CERTIFICATES: b"".join(chain),
    }
    for name, content in tags.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    for item in contents.payload:
        (folder / item.name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(archive.root / item.source, folder / item.name)
    remanifest(folder, signer)
    return folder


class Browser:
    """A real Chromium, as a context manager."""

    def __enter__(self) -> Browser:
        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._chromium.close()
        self._playwright.stop()

    @contextmanager
    def window(self, **options: Any) -> Iterator[Page]:
        """A fresh window. What its script throws, what its policy forbids and a box that opens end
        the test."""
        context = self._chromium.new_context(**options)
        context.set_default_timeout(20_000)
        window, wrong = context.new_page(), list[str]()
        window.on("pageerror", lambda error: wrong.append(str(error)))
        window.on("dialog", lambda box: wrong.append(box.message))
        window.on(
            "console",
            lambda said: wrong.append(said.text) if "Security Policy" in said.text else None,
        )
        try:
            yield window
            assert wrong == []
        finally:
            context.close()
