"""The bench's shots: asks a camera for a still, looks at it, files it, and tells the rules.

`station.footage` finds the folder and the camera, and hands on what the camera answers. Looking (is
it legible, does the label show the scanned number) is done in a worker and may fail: the picture is
filed all the same. Decides nothing: a dark photo is told, not refused.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from station.desk import Desk
from station.places import Places
from station.replies import Replies
from station.rules import commands, events
from station.waybill import WaybillRules, understand
from storage.records import LabelCheck, Shot, Waybill

if TYPE_CHECKING:
    from capture import events as told
    from capture.camera import Camera
    from storage.archive import Archive

DARK_LEVEL = 30.0
"""Mean grey level below which a photo shows nothing; a lit bench is 80 and more."""
BLUR_LEVEL = 12.0
"""Variance of the Laplacian at half size below which no label text is legible."""
THUMB_WIDTH_PX = 96


def label_check(texts: list[str], expected: str, scan: WaybillRules) -> tuple[LabelCheck, str]:
    """Whether a label shot that shows `texts` proves `expected`, and the number that it shows.

    Any barcode that gives the expected number is a match: labels carry other codes too. A mismatch
    needs a tracking number of a known carrier, so that an order number beside an unreadable
    waybill accuses nobody.
    """
    seen = [found for text in texts if isinstance(found := understand(text, scan), Waybill)]
    if any(waybill.number == expected for waybill in seen):
        return LabelCheck.MATCH, expected
    named = [waybill.number for waybill in seen if waybill.carrier]
    return (LabelCheck.MISMATCH, named[0]) if named else (LabelCheck.UNREADABLE, "")


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

    def take(self, command: commands.TakeShot, folder: Path, camera: Camera) -> None:
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
        unread = (LabelCheck.UNREADABLE if command.check_label else None, "")
        # The picture is evidence, whatever becomes of reading it.
        check, read = await self._replies.attempt(
            f"looking at {info.path.name}", unread, self._look_at, command, info
        )
        shot = Shot(
            slot=command.slot,
            path=self._archive.relative(info.path),
            camera=taken.camera,
            taken_at=info.taken_at,
            label_check=check,
            width=info.width,
            height=info.height,
            size_bytes=info.size_bytes,
            sha256=info.sha256,
        )
        fault = ""
        if info.brightness < DARK_LEVEL:
            fault = "photo_dark"
        elif info.sharpness < BLUR_LEVEL:
            fault = "photo_blurred"
        self._replies.reply(
            self._archive.add_shot(command.session, shot),
            lambda _: self._desk.send(
                events.ShotTaken,
                session=command.session,
                shot_id=command.shot_id,
                shot=shot,
                read=read,
                fault=fault,
            ),
            lambda why: self.no_shot(command, why),
        )
        self._places.over(command.session, command.shot_id)

    def _look_at(
        self, command: commands.TakeShot, info: told.StillInfo
    ) -> tuple[LabelCheck | None, str]:
        """Runs in the pool: make the thumb, and decode a label shot."""
        import cv2

        from capture.barcode import read_still

        if place := self._places.get(command.session):
            height = max(1, round(THUMB_WIDTH_PX * info.height / info.width))
            thumb = cv2.resize(info.bgr, (THUMB_WIDTH_PX, height), interpolation=cv2.INTER_AREA)
            place.thumbs[command.slot] = thumb.astype("uint8", copy=False)
        if not command.check_label:
            return None, ""
        texts = [reading.text for reading in read_still(info.bgr)]
        return label_check(texts, command.number, self._scan_rules)
