"""The bench's shots: asks a camera for a still, looks at it, files it, and tells the rules.

`station.footage` finds the folder and the camera, and hands on what the camera answers. Looking (is
it legible, does the label show the scanned number) is done in a worker and may fail: the picture is
filed all the same. What is looked at is the file that was written, not what the camera still has in
memory. Decides nothing: a dark photo is told, not refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from station import photo
from station.desk import Desk
from station.places import Places
from station.replies import Replies
from station.rules import commands, events
from station.waybill import WaybillRules, certain, understand
from storage.records import LabelCheck, Shot, Waybill

if TYPE_CHECKING:
    from capture import events as told
    from capture.engines import Grey
    from storage.archive import Archive

THUMB_WIDTH_PX = 96


class TakesStills(Protocol):
    """A camera, as far as shots are concerned."""

    def take_still(self, still_id: int, path: Path) -> None:
        """As `capture.camera.Camera.take_still`."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the photo's file showed: see `label_check`, and the message key of what is wrong."""

    check: LabelCheck | None
    read: str = ""
    fault: str = ""


def label_check(texts: Iterable[str], expected: str, scan: WaybillRules) -> tuple[LabelCheck, str]:
    """Whether a label shot that shows `texts` proves `expected`, and the number that it shows.

    Any barcode that gives the expected number is a match: labels carry other codes, too, and other
    carriers' numbers. A mismatch needs a number that is certain to be a carrier's, so that an
    order number beside an unreadable waybill accuses nobody; of several the first, which is the
    surest, is named.
    """
    shown = tuple(texts)
    if any(gives(text, expected, scan) for text in shown):
        return LabelCheck.MATCH, expected
    for text in shown:
        found = understand(text, scan)
        if isinstance(found, Waybill) and certain(found, scan):
            return LabelCheck.MISMATCH, found.number
    return LabelCheck.UNREADABLE, ""


def gives(text: str, expected: str, scan: WaybillRules) -> bool:
    """True where a barcode that says `text` shows the tracking number `expected`, alone or as one
    of several fields: carriers' two-dimensional codes hold addresses and links as well."""
    found = understand(text, scan)
    if isinstance(found, Waybill) and found.number == expected:
        return True
    field = rf"(?<![0-9A-Z-]){re.escape(expected)}(?![0-9A-Z-])"
    return re.search(field, text, re.ASCII | re.IGNORECASE) is not None


class Stills:
    """The shots of one bench. Every method is called on the loop but one."""

    def __init__(self, archive: Archive, desk: Desk, scan: WaybillRules, places: Places) -> None:
        self._archive = archive
        self._desk = desk
        self._scan_rules = scan
        self._places = places
        self._asked: dict[int, commands.TakeShot] = {}

    def start(self, replies: Replies) -> None:
        """What blocks runs in the pool of `replies` from now on."""
        self._replies = replies

    def take(self, command: commands.TakeShot, folder: Path, camera: TakesStills) -> None:
        """Ask `camera` for a still into the session's folder."""
        self._asked[command.shot_id] = command
        self._places.begun(command.session, command.shot_id)
        camera.take_still(command.shot_id, folder / f"{command.slot}-{command.shot_id:02d}.jpg")

    def taken(self, event: told.StillTaken) -> None:
        """The camera brought a still."""
        command = self._asked.pop(event.still_id)
        self._replies.spawn(self._file(command, event), partial(self.no_shot, command))

    def failed(self, event: told.StillFailed) -> None:
        """The camera brought none."""
        self.no_shot(self._asked.pop(event.still_id), event.why)

    def no_shot(self, command: commands.TakeShot, why: str) -> None:
        """Tell the rules that there is no such photo."""
        self._places.over(command.session, command.shot_id)
        self._desk.send(
            events.ShotFailed, session=command.session, shot_id=command.shot_id, why=why
        )

    async def _file(self, command: commands.TakeShot, taken: told.StillTaken) -> None:
        info = taken.info
        unread = Look(
            LabelCheck.UNREADABLE if command.check_label else None,
            fault=photo.fault(info.sharpness, info.brightness, info.motion, glare=0.0),
        )
        # The picture is evidence, whatever becomes of reading it.
        look = await self._replies.attempt(
            f"looking at {info.path.name}", unread, self._look_at, command, info
        )
        shot = Shot(
            slot=command.slot,
            path=self._archive.relative(info.path),
            camera=taken.camera,
            taken_at=info.taken_at,
            label_check=look.check,
            width=info.width,
            height=info.height,
            size_bytes=info.size_bytes,
            sha256=info.sha256,
            sharpness=info.sharpness,
            brightness=info.brightness,
            motion=info.motion,
            label_read=look.read if look.check is LabelCheck.MISMATCH else "",
        )
        self._replies.reply(
            self._archive.add_shot(command.session, shot),
            lambda _: self._desk.send(
                events.ShotTaken,
                session=command.session,
                shot_id=command.shot_id,
                shot=shot,
                read=look.read,
                fault=look.fault,
            ),
            lambda why: self.no_shot(command, why),
        )
        self._places.over(command.session, command.shot_id)

    def _look_at(self, command: commands.TakeShot, info: told.StillInfo) -> Look:
        """Runs in the pool: make the thumb, and decode a label shot.

        Raises OSError, and ValueError for a file that is no picture.
        """
        import cv2
        import numpy as np

        from capture.quality import glare

        # Not by its name: OpenCV's own reading fails on Windows for names beyond ASCII.
        data = np.frombuffer(info.path.read_bytes(), np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
        if picture is None:
            raise ValueError(f"{info.path.name} cannot be read back")
        if place := self._places.get(command.session):
            height = max(1, round(THUMB_WIDTH_PX * picture.shape[0] / picture.shape[1]))
            thumb = cv2.resize(picture, (THUMB_WIDTH_PX, height), interpolation=cv2.INTER_AREA)
            place.thumbs[command.slot] = thumb.astype("uint8", copy=False)
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        if command.check_label:
            return self._look_at_label(command.number, grey, info)
        fault = photo.fault(info.sharpness, info.brightness, info.motion, glare(grey))
        return Look(None, fault=fault)

    def _look_at_label(self, number: str, grey: Grey, info: told.StillInfo) -> Look:
        """All symbologies that waybills have, whatever the site's cameras look for: a photo takes
        its time, and what no carrier writes accuses nobody."""
        from capture.barcode import read_still
        from capture.legible import legibility

        def expected(reading: told.Reading) -> bool:
            return gives(reading.text, number, self._scan_rules)

        readings = read_still(grey, enough=expected)
        check, read = label_check((r.text for r in readings), number, self._scan_rules)
        if check is not LabelCheck.UNREADABLE:  # so it is legible, whatever else
            return Look(check, read)
        seen = legibility(grey, readings)
        return Look(check, fault=photo.advice(seen, info.motion, others=bool(readings)))
