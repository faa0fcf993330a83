"""What C2PA's own reader says of the sidecars."""

from __future__ import annotations

import datetime as dt
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from storage import site_folder
from storage.errors import NoContentCredentials
from storage.evidence.signing import content_credentials
from storage.evidence.signing.content_credentials import sidecar, unable
from storage.site_keys import SiteSigner, site_signer
from tests.storage.desk import photo, video

c2pa = pytest.importorskip("c2pa", reason="needs the extra packwitness[c2pa]")
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
FILES = pytest.mark.parametrize(
    ("name", "media_type"), [("label-01.jpg", "image/jpeg"), ("overhead-01.mp4", "video/mp4")]
)


@pytest.fixture
def signer(tmp_path: Path) -> SiteSigner:
    """Who signs for the site."""
    return site_signer(tmp_path / "archive")


def filed(tmp_path: Path, name: str) -> Path:
    """A file of evidence."""
    path = tmp_path / name
    path.write_bytes(video() if name.endswith("mp4") else photo())
    return path


def made(path: Path, media_type: str, signer: SiteSigner) -> bytes:
    """Its sidecar."""
    found = sidecar(
        path, media_type, signer, title=path.name, captured_at=NOON, facts={"session": "01J"}
    )
    assert found is not None
    return found


def read(content: bytes, media_type: str, store: bytes, root: bytes = b"") -> dict[str, Any]:
    """What the reader says, trusting this root (PEM)."""
    trust = {"user_anchors": root.decode(), "trust_config": "1.3.6.1.5.5.7.3.4\n"}
    settings = {"version": 1, "verify": {"remote_manifest_fetch": False}}
    if root:
        settings["trust"] = trust
    with (
        c2pa.Context.from_dict(settings) as context,
        c2pa.Reader(media_type, BytesIO(content), store, context) as reader,
    ):
        told: dict[str, Any] = json.loads(reader.json())
    return told


@FILES
def test_the_reader_believes_it_by_the_sites_root(
    tmp_path: Path, signer: SiteSigner, name: str, media_type: str
) -> None:
    path = filed(tmp_path, name)
    content = path.read_bytes()
    store = made(path, media_type, signer)
    told = read(content, media_type, store, site_folder.pem(signer.root))
    assert told["validation_state"] == "Trusted"
    claim = told["manifests"][told["active_manifest"]]
    assert claim["title"] == name
    said = {each["label"]: each["data"] for each in claim["assertions"]}
    (action,) = said["c2pa.actions.v2"]["actions"]
    assert (action["action"], action["when"]) == ("c2pa.created", "2026-11-22T12:00:00.000Z")
    assert said["com.packwitness.evidence"] == {"session": "01J"}
    assert "time" not in claim["signature_info"]
    assert path.read_bytes() == content
    (status,) = read(content, media_type, store)["validation_status"]
    assert status["code"] == "signingCredential.untrusted"


@FILES
def test_the_reader_finds_a_changed_file_and_a_changed_sidecar(
    tmp_path: Path, signer: SiteSigner, name: str, media_type: str
) -> None:
    path = filed(tmp_path, name)
    store, root = made(path, media_type, signer), site_folder.pem(signer.root)
    changed = bytearray(path.read_bytes())
    changed[len(changed) // 2] ^= 1
    assert read(bytes(changed), media_type, store, root)["validation_state"] == "Invalid"
    forged = store.replace(b"01J", b"02J")
    assert forged != store
    assert read(path.read_bytes(), media_type, forged, root)["validation_state"] == "Invalid"


def test_a_file_that_c2pa_does_not_know_has_none(tmp_path: Path, signer: SiteSigner) -> None:
    path = filed(tmp_path, "label-01.jpg")
    assert sidecar(path, "text/plain", signer, title="letter", captured_at=NOON, facts={}) is None


def test_what_is_not_what_it_is_called_is_told(tmp_path: Path, signer: SiteSigner) -> None:
    path = tmp_path / "overhead-01.mp4"
    path.write_bytes(b"no video")
    with pytest.raises(NoContentCredentials, match=r"overhead-01\.mp4"):
        made(path, "video/mp4", signer)


def test_without_a_key_or_the_library_it_says_so(
    tmp_path: Path, signer: SiteSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = filed(tmp_path, "label-01.jpg")
    outside = SiteSigner(signer.certificates, None, ("openssl",))
    assert unable(signer) == ""
    with pytest.raises(NoContentCredentials, match="a program outside signs"):
        made(path, "image/jpeg", outside)
    monkeypatch.setattr(content_credentials, "LIBRARY", "c2pa_that_nobody_installed")
    with pytest.raises(NoContentCredentials, match=r"pip install 'packwitness\[c2pa\]'"):
        made(path, "image/jpeg", signer)
