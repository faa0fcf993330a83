"""What a file that was made really is, read back from the disk, and held against a profile.

Nothing that made the file is believed: it is opened again by the libraries that whoever gets it
would use. Knows no archive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import av
from PIL import Image

from storage.evidence.kit.profiles import LIMITS, Profile

Measured = dict[str, int | str]
"""By the names of limits where there are such, and beside them by plain ones."""
SUFFIXES: Final = {".mp4": "mp4", ".jpg": "jpg", ".pdf": "pdf"}
PICTURE_BLOCKS: Final = ("exif", "xmp", "comment", "photoshop", "mp")
"""Where Pillow keeps what a JPEG tells beside its picture."""


def measure(path: Path) -> Measured:
    """What the file is. Raises OSError, ValueError, av.FFmpegError for one that cannot be read."""
    size = path.stat().st_size
    match SUFFIXES[path.suffix]:
        case "mp4":
            return {**_video(path), "video_bytes": size}
        case "jpg":
            return {**_picture(path), "picture_bytes": size}
        case _:
            return {"pages": _pages(path), "pdf_bytes": size}


def faults(profile: Profile, files: Mapping[str, Measured], sizes: Iterable[int]) -> list[str]:
    """Each limit of the profile that files of these names (and bytes) do not keep, in words."""
    found = []
    counted = list(sizes)
    for name, measured in files.items():
        if not profile.takes(SUFFIXES[Path(name).suffix]):
            found.append(f"{name} is of a type that is not taken")
        found += [
            f"{name} has {measured[limit]} {LIMITS[limit][1]}, more than {most}"
            for limit in measured
            if (most := profile.most(limit)) is not None and int(measured[limit]) > most
        ]
        if measured.get("sound", 0) or measured.get("metadata", ""):
            found.append(f"{name} tells more than its pictures")
    most = profile.most("file_bytes")
    if most is not None and max(counted, default=0) > most:
        found.append(f"a file has {max(counted)} bytes, more than {most}")
    most = profile.most("total_bytes")
    if most is not None and sum(counted) > most:
        found.append(f"all files have {sum(counted)} bytes, more than {most}")
    most = profile.most("files")
    if most is not None and len(counted) > most:
        found.append(f"there are {len(counted)} files, more than {most}")
    pictures = sum("picture_bytes" in each for each in files.values())
    covers = int(profile.wants("cover"))
    most = profile.most("pictures")
    if most is not None and pictures > most + covers:
        found.append(f"there are {pictures} pictures, more than {most}")
    return found


def _video(path: Path) -> Measured:
    with av.open(str(path), "r", format="mp4") as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        return {
            "video_ms": -(-(container.duration or 0) // 1000),
            "video_height_px": min(stream.width, stream.height),
            "width": stream.width,
            "height": stream.height,
            "codec": context.codec.canonical_name,
            "codec_profile": str(context.profile),
            "pixels": str(context.pix_fmt),
            "frames": stream.frames,
            "sound": len(container.streams) - 1,
            "starts_at_once": int(_index_first(path)),
        }


def _index_first(path: Path) -> bool:
    """True when an MP4 has its index before its pictures, so that it plays while it arrives."""
    with path.open("rb") as file:
        while header := file.read(8):
            size, kind = int.from_bytes(header[:4]), header[4:]
            if kind in (b"moov", b"mdat"):
                return kind == b"moov"
            if size == 1:
                size = int.from_bytes(file.read(8)) - 8
            if size < 8:
                return False
            file.seek(size - 8, 1)
    return False


def _picture(path: Path) -> Measured:
    with Image.open(path, formats=["JPEG"]) as image:
        image.load()
        beside = sorted(key for key in PICTURE_BLOCKS if image.info.get(key))
        return {
            "picture_edge_px": max(image.size),
            "width": image.width,
            "height": image.height,
            "metadata": " ".join(beside),
        }


def _pages(path: Path) -> int:
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    try:
        return len(document)
    finally:
        document.close()
