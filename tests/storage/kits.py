"""What lies in an exported folder, judged by other libraries than those that made it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pypdfium2
from PIL import Image

from storage.evidence.kit.kit import Kit
from storage.evidence.kit.profiles import Profile
from tests.storage.clips import probe


def told_by(kit: Kit) -> dict[str, Any]:
    """Its export.json."""
    told: dict[str, Any] = json.loads((kit.path / "export.json").read_bytes())
    return told


def assert_within(kit: Kit, profile: Profile) -> None:
    """Every file is listed with its size and hash, and keeps every limit of the profile."""
    files = sorted(path for path in kit.path.iterdir() if path.name != "export.json")
    assert [path.name for path in files] == sorted(each.name for each in kit.files)
    listed = {each["name"]: each for each in told_by(kit)["files"]}
    for file in kit.files:
        content = (kit.path / file.name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file.sha256 == listed[file.name]["sha256"]
        assert len(content) == file.size_bytes == listed[file.name]["size_bytes"]
    sizes = [path.stat().st_size for path in files]
    at_most(profile, "files", len(files))
    at_most(profile, "total_bytes", sum(sizes))
    at_most(profile, "file_bytes", max(sizes))
    pictures = [path for path in files if path.suffix == ".jpg"]
    at_most(profile, "pictures", len(pictures) - profile.wants("cover"))
    for path in files:
        assert profile.takes(path.suffix[1:]), path.name
        {".jpg": picture, ".mp4": video, ".pdf": pdf}[path.suffix](profile, path)


def at_most(profile: Profile, limit: str, found: float) -> None:
    """What was found is within that limit, where the profile has it."""
    most = profile.most(limit)
    assert most is None or found <= most, f"{limit}: {found} of {most}"


def picture(profile: Profile, path: Path) -> None:
    """A JPEG that tells nothing beside its picture."""
    at_most(profile, "picture_bytes", path.stat().st_size)
    with Image.open(path) as image:
        image.load()
        assert image.format == "JPEG"
        assert not {"exif", "comment", "xmp", "photoshop"} & image.info.keys()
        at_most(profile, "picture_edge_px", max(image.size))


def video(profile: Profile, path: Path) -> None:
    """One silent stream of H.264 that plays everywhere."""
    told = probe(path)
    (stream,) = told["streams"]
    assert (stream["codec_name"], stream["pix_fmt"]) == ("h264", "yuv420p")
    assert stream["profile"] in {"Constrained Baseline", "Main", "High"}
    at_most(profile, "video_ms", 1000 * float(told["format"]["duration"]))
    at_most(profile, "video_bytes", path.stat().st_size)
    at_most(profile, "video_height_px", min(stream["width"], stream["height"]))
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def pdf(profile: Profile, path: Path) -> None:
    """A PDF, without colours and greys where that is asked for."""
    at_most(profile, "pdf_bytes", path.stat().st_size)
    document = pypdfium2.PdfDocument(path)
    try:
        at_most(profile, "pages", len(document))
        for page in document if profile.wants("black_and_white") else ():
            image = page.render(scale=1).to_pil().convert("RGB")
            red, green, blue = image.split()
            assert red.tobytes() == green.tobytes() == blue.tobytes(), "no colours"
    finally:
        document.close()
