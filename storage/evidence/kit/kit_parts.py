"""The making of each kind of file that a profile can ask for: video, stills, named photos, a PDF.

`kit.py` chooses the session and puts the folder in its place; here its files are written into it,
and what could not be made is said. Writes nothing else, and tells nobody.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from storage import files
from storage.archive import Archive
from storage.errors import ChecksumMismatch
from storage.evidence import film
from storage.evidence.events import Event, What, position_ms
from storage.evidence.film import FilmUnreadable
from storage.evidence.kit import clip_fit, clip_span, clip_text, picture_fit
from storage.evidence.kit.clip_span import Stretch, stretches
from storage.evidence.kit.clip_wanted import TooBig as VideoTooBig
from storage.evidence.kit.clip_wanted import Wanted
from storage.evidence.kit.kit_files import Made, Share, Source, name_of, sealed_bytes, sealed_path
from storage.evidence.kit.picture_fit import NoPicture, Picture
from storage.evidence.kit.profiles import Profile, Slot
from storage.evidence.kit.redact import Box, cover, on
from storage.evidence.kit.shortfalls import Lack, Shortfall
from storage.intake.pictures import picture as picture_of
from storage.later import Document, EvidenceGroup
from storage.records import Clip, Session, Shot, utc_text

FIRST_SHOTS = ("label", "sealed_box", "item", "packaging")
"""The photos that say most, where not all may be shown."""
APART_MS = 1_500
"""Pictures out of a video that are nearer to each other show the same."""
TRIMMED_MS = 2_000
"""A video that is shorter than its clip by less than this shows all of it."""
FRAME_WIDTH_PX = 7_680
DOCUMENT_EDGE_PX = 4_000


@dataclass
class Making:
    """One kit that is being made in `folder`, of `session`; `returned` is the newest return of the
    same parcel, `boxes` what is covered. `made` and `shortfalls` grow."""

    archive: Archive
    profile: Profile
    session: Session
    number: str
    returned: Session | None
    folder: Path
    boxes: tuple[Box, ...]
    made: list[Made] = field(default_factory=list)
    shortfalls: list[Shortfall] = field(default_factory=list)

    # --------------------------------------------------------------------------- video

    def video(self, share: Share) -> None:
        """What shows most in a minute, and its cover. Raises ChecksumMismatch, OSError."""
        if not self.profile.takes("mp4"):
            self._lacks(Lack.NOT_TAKEN, "video", type="mp4")
            return
        for stretch in stretches(self.session, self.profile.most("video_ms")):
            clip = stretch.clip
            source = sealed_path(self.archive.root, clip)
            try:
                self._one_video(stretch, source, share)
            except FilmUnreadable as error:
                self._lacks(Lack.UNREADABLE, PurePosixPath(clip.path).name, why=str(error))
                continue
            except VideoTooBig as error:
                most = self._most("video_bytes")
                near = _bytes(error.nearest_bytes)
                self._lacks(Lack.TOO_BIG, "video", limit=_bytes(most or 0), nearest=near)
            return
        if not self.session.clips:
            self._lacks(Lack.NO_VIDEO, "video", why="nothing was recorded / 没有录像")

    def _one_video(self, stretch: Stretch, source: Path, share: Share) -> None:
        clip = stretch.clip
        boxes = on(self.boxes, clip.camera, PurePosixPath(clip.path).name)
        wanted = Wanted(
            stretch.start_ms,
            stretch.end_ms,
            self.profile.most("video_ms"),
            self._most("video_bytes"),
            self.profile.most("video_height_px"),
            self._cues(clip, source),
            boxes,
        )
        path = self._path("video", "mp4", boxes)
        fitted = clip_fit.fit(source, path, wanted, share)
        self._tell_of_span(stretch, fitted.start_ms, fitted.end_ms)
        of = {
            "camera": clip.camera,
            "from_ms": fitted.start_ms,
            "to_ms": fitted.end_ms,
            "from": utc_text(clip.started_at + dt.timedelta(milliseconds=fitted.start_ms)),
            "to": utc_text(clip.started_at + dt.timedelta(milliseconds=fitted.end_ms)),
            "text": "written into the pictures" if wanted.cues else "in the pictures already",
        }
        self._add(path, fitted.made, [Source.of(clip)], fitted.settings, of, boxes)
        if self.profile.wants("cover"):
            at_ms = max(0, clip_span.cover_ms(stretch) - fitted.start_ms)
            _, cover_picture = next(film.frames(path, [at_ms], FRAME_WIDTH_PX, threading.Event()))
            image = Image.fromarray(np.ascontiguousarray(cover_picture[..., ::-1]))
            of = {"camera": clip.camera, "at_ms": fitted.start_ms + at_ms}
            made = "a picture of the video beside it"
            self._code("cover", image, made, [Source.of(clip)], of, boxes)

    def _tell_of_span(self, stretch: Stretch, start_ms: int, end_ms: int) -> None:
        clip = stretch.clip
        seen = [event for at, event in stretch.shown if start_ms <= at <= end_ms]
        whole = [*stretch.outside, *(event for _, event in stretch.shown)]
        missed = [event for event in whole if not any(event is each for each in seen)]
        if missed or end_ms - start_ms < clip.duration_ms - TRIMMED_MS:
            self._lacks(
                Lack.OUTSIDE,
                "video",
                shown=_clock(end_ms - start_ms),
                whole=_clock(clip.duration_ms),
                events=", ".join(_named(each) for each in sorted(missed, key=_when)) or "—",
            )
        for gap in self.session.gaps:
            if gap.camera == clip.camera:
                until = "…" if gap.ended_at is None else f"{gap.ended_at:%H:%M:%S}"
                when = f"{gap.started_at:%H:%M:%S}–{until} UTC"
                self._lacks(Lack.GAP, gap.camera, when=when, cause=gap.cause)

    def _cues(self, clip: Clip, source: Path) -> clip_text.Cues | None:
        """What must be written into a clip's pictures; None where it is in them already."""
        if not clip.copied:
            return None
        cues = clip_text.cues_of(source)
        if cues is None:
            self._lacks(Lack.NO_CLOCK, PurePosixPath(clip.path).name)
            number = self.session.waybill.number
            cues = clip_text.cues_from(clip.started_at, clip.duration_ms, number)
        return cues

    # -------------------------------------------------------------------------- stills

    def stills(self, share: Share) -> None:
        """The photos that count, and pictures out of the video where there are fewer. Raises
        ChecksumMismatch, OSError."""
        if not self.profile.takes("jpg"):
            self._lacks(Lack.NOT_TAKEN, "pictures", type="jpg")
            return
        wanted = self.profile.most("pictures") or len(FIRST_SHOTS)
        shots = _that_count(self.session)
        rank = {slot: place for place, slot in enumerate(FIRST_SHOTS)}
        chosen = sorted(shots, key=lambda shot: rank.get(shot.slot, len(rank)))[:wanted]
        done = 0
        for shot in (each for each in shots if each in chosen):
            done += self._shot(shot, shot.slot)
            share(done / wanted)
        for moment_ms, clip, picture in self._frames(wanted - done):
            done += self._frame(moment_ms, clip, picture)
            share(done / wanted)
        if done < wanted:
            self._lacks(Lack.FEWER_PICTURES, "pictures", made=str(done), wanted=str(wanted))

    def _shot(self, shot: Shot, name: str) -> bool:
        content = sealed_bytes(self.archive.root, shot)
        file = PurePosixPath(shot.path).name
        boxes = on(self.boxes, shot.slot, name, file, shot.camera)
        of = {"slot": shot.slot, "camera": shot.camera, "at": utc_text(shot.taken_at)}
        if shot.label_check is not None:
            of["label_check"] = shot.label_check.value
        return self._photo(name, content, [Source.of(shot)], of, boxes, file)

    def _frames(self, count: int) -> Iterator[tuple[int, Clip, Image.Image]]:
        """Pictures out of the video: when the parcel was scanned, when it was sealed, and evenly in
        between; none where a photo was taken."""
        ways = stretches(self.session, None)
        if count < 1 or not ways:
            return
        clip = ways[0].clip
        source = sealed_path(self.archive.root, clip)
        photos = [position_ms(clip, shot.taken_at) for shot in self.session.shots]
        taken = [at for at in photos if at is not None]
        ends = [at for at, event in ways[0].shown if event.what in (What.ENDED, What.OPENED)]
        even = [clip.duration_ms * step // 8 for step in (4, 2, 6, 1, 3, 5, 7)]
        moments: list[int] = []
        for at in (*reversed(ends), *even):
            near = [each for each in (*taken, *moments) if abs(each - at) < APART_MS]
            if not near and len(moments) < count:
                moments.append(at)
        moments.sort()
        cues = self._cues(clip, source)
        try:
            for index, bgr in film.frames(source, moments, FRAME_WIDTH_PX, threading.Event()):
                image = Image.fromarray(np.ascontiguousarray(bgr[..., ::-1]))
                if cues is not None:
                    line = clip_text.plate(cues.at(moments[index]), *image.size)
                    image.paste(Image.fromarray(line), (0, image.height - line.shape[0]))
                yield moments[index], clip, image
        except FilmUnreadable as error:
            self._lacks(Lack.UNREADABLE, PurePosixPath(clip.path).name, why=str(error))

    def _frame(self, at_ms: int, clip: Clip, image: Image.Image) -> bool:
        boxes = on(self.boxes, clip.camera, PurePosixPath(clip.path).name)
        cover(image, boxes)
        at = clip.started_at + dt.timedelta(milliseconds=at_ms)
        of = {"camera": clip.camera, "at_ms": at_ms, "at": utc_text(at)}
        made = "a picture of the video"
        return self._code("frame", image, made, [Source.of(clip)], of, boxes)

    # --------------------------------------------------------------------------- slots

    def slots(self, share: Share) -> None:
        """A photo for each slot that the profile names. Raises ChecksumMismatch, OSError."""
        if not self.profile.takes("jpg"):
            self._lacks(Lack.NOT_TAKEN, "pictures", type="jpg")
            return
        sessions = [each for each in (self.session, self.returned) if each is not None]
        shots = [shot for session in sessions for shot in _that_count(session)]
        used: set[str] = set()
        for index, slot in enumerate(self.profile.slots):
            if not self._slot(slot, shots, used):
                words = ", ".join(slot.documents) or slot.name
                title = f"{slot.title.en} / {slot.title.zh}"
                self._lacks(Lack.NO_SHOT, slot.name, title=title, words=words)
            share((index + 1) / len(self.profile.slots))

    def _slot(self, slot: Slot, shots: Sequence[Shot], used: set[str]) -> bool:
        for name in (slot.name, *slot.shots):
            for shot in shots:
                if shot.slot == name and shot.path not in used and self._shot(shot, slot.name):
                    used.add(shot.path)
                    if name != slot.name:
                        title = f"{slot.title.en} / {slot.title.zh}"
                        self._lacks(Lack.STAND_IN, slot.name, shot=name, title=title)
                    return True
        for document in self._documents(slot):
            if document.path not in used and self._document(slot, document):
                used.add(document.path)
                return True
        return False

    def _documents(self, slot: Slot) -> Iterator[Document]:
        """The newest first: a photo that was taken again is filed again."""
        for document, _, group in reversed(self.archive.documents_of(self.number)):
            name = document.name.casefold()
            if group is EvidenceGroup.MEDIA and any(word in name for word in slot.documents):
                yield document

    def _document(self, slot: Slot, document: Document) -> bool:
        """A picture from outside: decoded by a program of its own, which may die of it."""
        try:
            path = sealed_path(self.archive.root, document)
        except ChecksumMismatch:  # as in a package: a damaged one is left out by name
            self._lacks(Lack.UNREADABLE, slot.name, why=f"document {document.id} is damaged")
            return False
        edge_px = min(DOCUMENT_EDGE_PX, self.profile.most("picture_edge_px") or DOCUMENT_EDGE_PX)
        content = picture_of(path, edge_px, "jpeg")
        if content is None:
            self._lacks(Lack.UNREADABLE, slot.name, why="the file that was filed is no picture")
            return False
        boxes = on(self.boxes, slot.name, document.name)
        of = {"document": document.id, "filed_at": utc_text(document.filed_at)}
        return self._photo(slot.name, content, [Source.of(document)], of, boxes, slot.name)

    # -------------------------------------------------------------------------- shared

    def _photo(
        self,
        name: str,
        content: bytes,
        sources: list[Source],
        of: dict[str, Any],
        boxes: tuple[Box, ...],
        subject: str,
    ) -> bool:
        most, edge_px = self._most("picture_bytes"), self.profile.most("picture_edge_px")
        try:
            fitted = picture_fit.fit(content, most, edge_px, boxes)
        except NoPicture as error:
            self._lacks(Lack.UNREADABLE, subject, why=str(error))
            return False
        except picture_fit.TooBig as error:
            near = _bytes(error.nearest_bytes)
            self._lacks(Lack.TOO_BIG, subject, limit=_bytes(most or 0), nearest=near)
            return False
        self._keep(name, fitted, fitted.made, sources, of, boxes)
        return True

    def _code(
        self,
        name: str,
        image: Image.Image,
        made: str,
        sources: list[Source],
        of: dict[str, Any],
        boxes: tuple[Box, ...],
    ) -> bool:
        most = self._most("picture_bytes")
        try:
            fitted = picture_fit.coded(image, most, self.profile.most("picture_edge_px"))
        except picture_fit.TooBig as error:
            near = _bytes(error.nearest_bytes)
            self._lacks(Lack.TOO_BIG, name, limit=_bytes(most or 0), nearest=near)
            return False
        self._keep(name, fitted, made, sources, of, boxes)
        return True

    def _keep(
        self,
        name: str,
        fitted: Picture,
        made: str,
        sources: list[Source],
        of: dict[str, Any],
        boxes: tuple[Box, ...],
    ) -> None:
        path = self._path(name, "jpg", boxes)
        files.write_new(path, [fitted.content])
        self._add(path, made, sources, fitted.settings, of, boxes)

    def _path(self, name: str, ending: str, boxes: tuple[Box, ...]) -> Path:
        return self.folder / name_of(len(self.made) + 1, name, ending, bool(boxes))

    def _add(
        self,
        path: Path,
        made: str,
        sources: list[Source],
        settings: dict[str, Any] | dict[str, int] | dict[str, int | str],
        of: dict[str, Any],
        boxes: tuple[Box, ...],
    ) -> None:
        self.made.append(Made(path.name, made, tuple(sources), settings, of, boxes))

    def _most(self, name: str) -> int | None:
        """The smallest of the limits on the bytes of one file of that kind."""
        given = [self.profile.most(each) for each in (name, "file_bytes", "total_bytes")]
        return min((each for each in given if each is not None), default=None)

    def _lacks(self, lack: Lack, subject: str, **facts: str) -> None:
        shortfall = Shortfall(lack, subject, facts)
        if shortfall not in self.shortfalls:
            self.shortfalls.append(shortfall)


def _that_count(session: Session) -> list[Shot]:
    """Of each slot the last photo, in the order of the required slots, then as they were taken."""
    last = {shot.slot: shot for shot in session.shots}
    rank = {slot: place for place, slot in enumerate(session.required_slots)}
    return sorted(last.values(), key=lambda shot: (rank.get(shot.slot, len(rank)), shot.taken_at))


def _named(event: Event) -> str:
    what = event.what.value if event.shot is None else event.shot.slot
    return f"{what} {event.at.astimezone(dt.UTC):%H:%M:%S} UTC"


def _when(event: Event) -> dt.datetime:
    return event.at


def _clock(duration_ms: int) -> str:
    minutes, seconds = divmod(round(duration_ms / 1000), 60)
    return f"{minutes}:{seconds:02}"


def _bytes(count: int) -> str:
    return f"{count:,} B"
