"""The bench's shots: asks a camera for a still, looks at it, files it, and tells the rules.

`station.footage` finds the folder and the camera, and hands on what the camera answers. Looking (is
it legible, does the label show the scanned number) is done in a worker and may fail: the picture is
filed all the same. What is looked at is the file that was written, not what the camera still has in
memory. Decides nothing: a dark photo is told, not refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from station import photo
from station.desk import Desk
from station.places import Places
from station.replies import Replies
from station.rules import commands, events
from station.waybill import WaybillRules, understand
from storage.records import LabelCheck, Shot, Waybill

if TYPE_CHECKING:
    from capture import events as told
    from storage.archive import Archive

THUMB_WIDTH_PX = 96


class TakesStills(Protocol):
    """A camera, as far as shots are concerned."""

    def take_still(self, still_id: int, path: Path) -> None:
        """As `capture.camera.Camera.take_still`."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the photo's file showed: see `label_check`, and the share that is overexposed, 0-1."""

    check: LabelCheck | None
    read: str = ""
    glare: float = 0.0


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
        unread = Look(LabelCheck.UNREADABLE if command.check_label else None)
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
        )
        fault = ""
        if look.check is not LabelCheck.MATCH:  # what was read off it is legible, whatever else
            fault = photo.fault(info.sharpness, info.brightness, info.motion, look.glare)
        self._replies.reply(
            self._archive.add_shot(command.session, shot),
            lambda _: self._desk.send(
                events.ShotTaken,
                session=command.session,
                shot_id=command.shot_id,
                shot=shot,
                read=look.read,
                fault=fault,
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

        from capture.barcode import read_still
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
        shining = glare(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
        if not command.check_label:
            return Look(None, glare=shining)
        texts = [reading.text for reading in read_still(picture)]
        return Look(*label_check(texts, command.number, self._scan_rules), shining)
