"""The pictures of a report: photos, pictures of documents and of the video, scaled to what paper
shows, covered where they must be, as small JPEGs or in black and white.

A photo is compared with its seal before it is shown, a clip by its size only: whoever gives a
report out compares the clips, as a package does while it copies them. What cannot be shown is a
Fault and stops nothing. Changes nothing in the archive but its thumbnails.
"""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from PIL import Image, ImageChops, ImageFilter, ImageOps

from storage.evidence.contents import Contents, Item
from storage.evidence.film import FilmUnreadable
from storage.evidence.kit.redact import Box, cover, on
from storage.evidence.report.sheet import Cell, cameras_of, cells_of, pictures
from storage.intake import thumbnails
from storage.later import Document
from storage.records import Clip, Session, Shot

PHOTO_PX: Final = 1_000
LABEL_PX: Final = 1_600
FRAME_PX: Final = 480
"""Longest edges: some 290 dots an inch where a photo, a label, a picture of the video stand."""
QUALITY: Final = 82
CELLS, CELLS_BESIDE = 16, 8
"""Pictures of the video of the camera that has most of it, and of each other one."""
MOST_PIXELS: Final = 120_000_000
MOST_BYTES: Final = 256 << 20
"""Of a photo. One that claims more is not read."""
FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP")
UNREADABLE: Final = (OSError, ValueError, SyntaxError, EOFError)
"""What Pillow raises for files that are no pictures."""
LINE_DEPTH: Final = 12
"""Levels of grey by which a line is darker than what is around it."""
WORKERS: Final = 2
"""A bench may be recording beside."""


class Fault(StrEnum):
    """Why something is not shown."""

    MISSING = "missing"
    CHANGED = "changed"
    """It is not what was sealed."""
    UNREADABLE = "unreadable"
    PARTLY = "partly"
    """Of a clip: some of its pictures cannot be read."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that is ready for a page, with its size in pixels."""

    content: bytes
    width: int
    height: int
    ending: str = "jpg"


@dataclass(frozen=True, slots=True)
class Pictures:
    """What there is to show. `photos` and `films` (only those with a fault) by the path of the
    file, `frames` by the session's id in the order of cameras and time, `documents` by their ids
    (only those that look like something)."""

    photos: dict[str, Picture | Fault]
    frames: dict[str, tuple[tuple[Cell, Picture], ...]]
    films: dict[str, Fault]
    documents: dict[str, Picture]


def gather(root: Path, contents: Contents, boxes: Sequence[Box]) -> Pictures:
    """The pictures of everything in `contents` that is not deleted. Blocks."""
    there = [session for session in contents.sessions if session.id not in contents.deleted]
    with ThreadPoolExecutor(WORKERS, "report") as workers:
        films = {
            clip.path: workers.submit(_film, root, clip, cells, boxes)
            for session in there
            for clip, cells in _by_clip(session)
        }
        photos = {
            shot.path: workers.submit(_photo, root, shot, boxes)
            for session in there
            for shot in session.shots
        }
        documents = {
            document.id: workers.submit(_document, root, document, boxes)
            for document in contents.documents
        }
        found = {path: each.result() for path, each in films.items()}
        return Pictures(
            photos={path: each.result() for path, each in photos.items()},
            frames={
                session.id: tuple(
                    each for clip, _ in _by_clip(session) for each in found[clip.path][0]
                )
                for session in there
            },
            films={path: fault for path, (_, fault) in found.items() if fault is not None},
            documents={
                id_: picture
                for id_, each in documents.items()
                if (picture := each.result()) is not None
            },
        )


def smaller(picture: Picture, share: float, quality: int) -> Picture:
    """The same with its edges `share` as long."""
    image = _opened(picture.content)
    image.thumbnail((max(8, picture.width * share), max(8, picture.height * share)))
    return _jpeg(image, quality)


def black_and_white(picture: Picture, share: float, *, lines: bool) -> Picture:
    """The same in two colours with its edges `share` as long: by what is darker than its
    neighbourhood where `lines` matter (labels, pages), else as dots."""
    image = _opened(picture.content).convert("L")
    image.thumbnail((max(8, picture.width * share), max(8, picture.height * share)))
    if lines:
        around = image.filter(ImageFilter.BoxBlur(max(image.size) / 32))
        darker = ImageChops.subtract(around, image, offset=-LINE_DEPTH)
        image = darker.point(lambda level: 0 if level > 0 else 255).convert("1")
    else:
        image = ImageOps.autocontrast(image, cutoff=1).convert("1")
    made = io.BytesIO()
    image.save(made, "PNG", optimize=True)
    return Picture(made.getvalue(), image.width, image.height, "png")


def _by_clip(session: Session) -> list[tuple[Clip, list[Cell]]]:
    """The clips of a session by camera and part, each with its cells of the sheet."""
    found = []
    for place, camera in enumerate(cameras_of(session)):
        cells = cells_of(session, camera, CELLS_BESIDE if place else CELLS)
        of_camera = sorted((c for c in session.clips if c.camera == camera), key=lambda c: c.part)
        found += [(clip, [cell for cell in cells if cell.clip == clip]) for clip in of_camera]
    return found


def _film(
    root: Path, clip: Clip, cells: Sequence[Cell], boxes: Sequence[Box]
) -> tuple[list[tuple[Cell, Picture]], Fault | None]:
    path, found = root / clip.path, list[tuple[Cell, Picture]]()
    fault = _fault(path, clip)
    if fault is not None or not cells:
        return [], fault
    lost = 0
    try:
        for cell, bgr in pictures(path, cells, FRAME_PX, threading.Event()):
            if bgr is None:
                lost += 1
                continue
            image = Image.fromarray(bgr[:, :, ::-1])
            cover(image, on(boxes, clip.camera, path.name))
            found.append((cell, _jpeg(image, QUALITY)))
    except FilmUnreadable:
        lost = len(cells)
    if not found:
        return [], Fault.UNREADABLE
    return found, Fault.PARTLY if lost else None


def _photo(root: Path, shot: Shot, boxes: Sequence[Box]) -> Picture | Fault:
    path = root / shot.path
    fault = _fault(path, shot)
    if fault is not None:
        return fault
    if shot.size_bytes > MOST_BYTES:
        return Fault.UNREADABLE
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != shot.sha256:
            return Fault.CHANGED
        edge = PHOTO_PX if shot.label_check is None else LABEL_PX
        image = _opened(content, edge)
    except UNREADABLE:
        return Fault.UNREADABLE
    cover(image, on(boxes, shot.slot, shot.camera, path.name))
    return _jpeg(image, QUALITY)


def _document(root: Path, document: Document, boxes: Sequence[Box]) -> Picture | None:
    thumbnail = thumbnails.of(root, document)
    if thumbnail is None:
        return None
    try:
        image = _opened(thumbnail.read_bytes())
    except UNREADABLE:
        return None
    cover(image, on(boxes, document.name, Path(document.path).name))
    return _jpeg(image, QUALITY)


def _fault(path: Path, item: Item) -> Fault | None:
    """What is wrong with a file, as far as its size tells."""
    try:
        if path.is_symlink() or not path.is_file():
            return Fault.MISSING
        size = path.stat().st_size
    except OSError:
        return Fault.MISSING
    return None if size == item.size_bytes else Fault.CHANGED


def _opened(content: bytes, edge: int = 0) -> Image.Image:
    """The picture, upright, in colour, at most `edge` long where that is given. Raises OSError,
    ValueError, SyntaxError."""
    image: Image.Image = Image.open(io.BytesIO(content), formats=FORMATS)
    if image.width * image.height > MOST_PIXELS:
        raise ValueError("too many pixels")
    if edge:
        image.draft("RGB", (edge, edge))
        image.thumbnail((edge, edge))
    return ImageOps.exif_transpose(image).convert("RGB")


def _jpeg(image: Image.Image, quality: int) -> Picture:
    made = io.BytesIO()
    image.convert("RGB").save(made, "JPEG", quality=quality)
    return Picture(made.getvalue(), image.width, image.height)
