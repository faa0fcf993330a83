"""A bench, an archive, cameras and a packer that answer the rules in any order, late or never.

`World` carries out no command: it notes each one as owed, and a story decides which is answered
next, and how. `tests.station.story_promises` watches the conversation.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

from station.rules.commands import (
    CheckCameras,
    Command,
    FileNote,
    LookUp,
    OpenSession,
    Say,
    SealSession,
    StartClip,
    StopClip,
    TakeShot,
)
from station.rules.events import (
    Acknowledged,
    Answered,
    CameraDown,
    CameraUp,
    CameraWarned,
    CancelAsked,
    CheckAsked,
    Checked,
    CheckFailed,
    ClipEnded,
    ClipStarted,
    ClockJumped,
    CodeSeen,
    Disk,
    DiskChanged,
    Event,
    FinishAsked,
    KindChosen,
    LookedUp,
    LookUpFailed,
    Moment,
    Opened,
    OpenFailed,
    PackerChosen,
    Prior,
    Recovered,
    Refused,
    RepairFailed,
    Scanned,
    Sealed,
    SealFailed,
    ShotAsked,
    ShotFailed,
    ShotTaken,
    ShutdownAsked,
    Tick,
)
from station.rules.state import Phase, Rules, Slot, initial
from station.session import step
from storage.records import (
    CheckDigit,
    Clip,
    Gap,
    LabelCheck,
    Shot,
    Status,
    Waybill,
)
from tests.station.playbook import camera_check
from tests.station.story_promises import NOON, ClipId, Promises, moment

CAMERAS = ("top", "side")
SLOTS = (Slot("item", "top"), Slot("lid", "side", required=False), Slot("label", "top"))
STRICT = Rules(
    slots=SLOTS,
    cameras=CAMERAS,
    rescan_finishes=True,
    allow_incomplete=False,
    allow_without_camera=False,
)
HASTY = Rules(slots=SLOTS[:1], cameras=CAMERAS[:1], idle_timeout_ms=60_000, max_ms=120_000)
RULES = (Rules(slots=SLOTS, cameras=CAMERAS), STRICT, HASTY)


def waybill(number: str) -> Waybill:
    """C has a wrong check digit, D is no listed carrier's."""
    check = CheckDigit.FAILED if number == "C" else None
    return Waybill(number, number, None if number == "D" else "ups", check)


# ---------------------------------------------------------------------------- the world


class World:
    """Everything around the rules. A move is one thing that happens; `pick` chooses among many."""

    def __init__(self, rules: Rules) -> None:
        self.state = initial(rules, "Kim")
        self.promises = Promises()
        self.ms = 1_000_000
        self.scans = 0
        self.owed: list[Command] = []
        self.rolling: list[ClipId] = []
        self.archived: dict[str, Prior] = {}
        self.seen: set[str] = set()
        self.told: list[tuple[Event, list[Command]]] = []

    def tell(self, event: Event) -> None:
        before = self.state
        self.state, commands = step(before, event)
        self.told.append((event, commands))
        self.promises.check(before, event, self.state, commands)
        self.seen.add(self.state.phase.value)
        for command in commands:
            self.seen.add(command.key if isinstance(command, Say) else type(command).__name__)
            if isinstance(command, SealSession):
                self.seen.add(command.end_reason.value)
            elif isinstance(command, FileNote):
                self.seen.add(f"note {command.note.what} {command.note.text.split()[-1]}")
            self.owed.append(command)
        answerable = (LookUp, OpenSession, StartClip, StopClip, TakeShot, SealSession, CheckCameras)
        self.owed = [command for command in self.owed if isinstance(command, answerable)]

    def conversation(self) -> str:
        """What was told (>>) and answered (<<), in the words of `tests.station.playbook`."""
        lines = []
        for event, commands in self.told:
            lines += [f">> {event}", *(f"   << {command}" for command in commands)]
        text = re.sub(r"datetime\.datetime\([^)]*\)", "...", "\n".join(lines))
        return text.replace("utc=..., ", "")

    def move(self, name: str, pick: int) -> None:
        """Let `name` happen, if it can. An idle packer mostly scans."""
        self.ms += 130
        idle = self.state.phase is Phase.IDLE and self.state.asking is None
        if idle and name in BY_PACKER and pick % 4:
            name = "scan"
        MOVES[name](self, pick)

    def settle(self, *, dead: bool) -> None:
        """Let the bench close, answer what is owed, and look back. `dead` cameras answer never."""
        self.tell(ShutdownAsked(self.now))
        for _ in range(1_000):
            if dead:
                mute = (StartClip, StopClip, TakeShot)
                self.owed = [command for command in self.owed if not isinstance(command, mute)]
            if self.owed:
                self.answer(0)
            elif self.promises.exits:
                break
            else:
                self.after(5)
        self.promises.check_end()

    @property
    def now(self) -> Moment:
        return moment(self.ms)

    def after(self, pick: int) -> None:
        waits_ms = (20, 250, 250, 1_000, 3_000, 31_000, 12_000, 3_000, 1_000, 65_000, 280_000)
        self.ms += waits_ms[pick % len(waits_ms)]
        self.tell(Tick(self.now))

    # ------------------------------------------------------------------ the packer

    def scan(self, pick: int) -> None:
        self.scans += 1
        via = "top" if pick % 5 == 4 else "wedge"
        self.tell(Scanned(self.now, waybill("ABCD"[pick % 4]), f"s{self.scans}", via))

    def photo(self, pick: int) -> None:
        slot = (None, None, None, None, "label", "item", "nothing")[pick % 7]
        self.tell(ShotAsked(self.now, slot, again=pick % 5 == 4))

    def choose(self, pick: int) -> None:
        chosen = (
            KindChosen(self.now),
            PackerChosen(self.now, "Bo"),
            Refused(self.now, "42", "scan_is_product"),
            Recovered(self.now, ("A",)),
            ClockJumped(self.now, -60_000, 5_000_000),
            CheckAsked(self.now),
            RepairFailed(self.now, "locked"),
            CheckAsked(self.now),
            CodeSeen(self.now, "top", "6901234567892", "scan_product_code"),
            CodeSeen(self.now, "top", "C", "check_digit", "C"),
        )
        self.tell(chosen[pick % len(chosen)])

    def shutdown(self, pick: int) -> None:
        """Seldom: little is told after it."""
        if pick == 76:
            self.tell(ShutdownAsked(self.now))

    # ------------------------------------------------------------------ cameras and disk

    def camera(self, pick: int) -> None:
        names = self.state.rules.cameras
        name = names[pick % len(names)]
        if pick % 7 == 3:
            self.tell(CameraWarned(self.now, name, "delivers 9 fps" if pick % 3 else ""))
        elif pick % 5 == 0:
            self.tell(CameraDown(self.now, name, "unplugged"))
        else:
            self.tell(CameraUp(self.now, name))

    def disk(self, pick: int) -> None:
        """Seldom full: nothing new is packed then."""
        level = (Disk.OK, Disk.OK, Disk.LOW, Disk.OK, Disk.LOW, Disk.OK, Disk.FULL)[pick % 7]
        self.tell(DiskChanged(self.now, level))

    def cut(self, pick: int) -> None:
        """A clip that ends by itself; its `StopClip`, if it comes, finds nothing to stop."""
        if self.rolling:
            self._end(self.rolling[pick % len(self.rolling)], kept=pick % 3 > 0, why="cut short")

    def _end(self, clip_id: ClipId, *, kept: bool, why: str = "") -> None:
        self.rolling.remove(clip_id)
        session, camera, part = clip_id
        clip = Clip(camera, part, "a", "h264", 1, 1, NOON, 1, 1, 1, 0, 1, "00") if kept else None
        holes = self._holes(camera) if part % 2 else ()
        self.tell(ClipEnded(self.now, session, camera, part, clip, why, holes))

    def _holes(self, camera: str) -> tuple[Gap, ...]:
        """Now and then what a slow disk has cost, up to some seconds."""
        if self.ms % 3:
            return ()
        until = moment(self.ms).utc
        since = until - dt.timedelta(milliseconds=self.ms % 4_000)
        return (Gap(camera, since, until, "the disk was too slow"),)

    # ------------------------------------------------------------------ replies

    def answer(self, pick: int) -> None:
        """Answer one of the commands that are owed an answer, well or badly."""
        if not self.owed:
            return
        command = self.owed.pop(pick % len(self.owed))
        bad = pick % 11 == 10
        match command:
            case LookUp():
                self._look_up(command, bad)
            case OpenSession():
                self._open(command, bad)
            case StartClip():
                self._start(command, bad)
            case StopClip():
                clip_id = (command.session, command.camera, command.part)
                if clip_id in self.rolling:
                    self._end(clip_id, kept=not bad, why="disk error" if bad else "")
            case TakeShot():
                self._shoot(command, pick)
            case SealSession():
                self._seal(command, bad)
            case CheckCameras():
                self._check(pick)

    def _look_up(self, command: LookUp, bad: bool) -> None:
        if bad:
            self.tell(LookUpFailed(self.now, command.number, "locked"))
        else:
            self.tell(LookedUp(self.now, command.number, self.archived.get(command.number)))

    def _open(self, command: OpenSession, bad: bool) -> None:
        if bad:
            self.tell(OpenFailed(self.now, command.session, "disk error"))
            return
        self.archived[command.waybill.number] = Prior(
            command.session,
            command.pass_no,
            command.opened_at,
            "bench",
            command.packer,
            command.kind,
            Status.OPEN,
        )
        self.tell(Opened(self.now, command.session))

    def _start(self, command: StartClip, bad: bool) -> None:
        clip_id = (command.session, command.camera, command.part)
        self.rolling.append(clip_id)
        if bad:
            self._end(clip_id, kept=False, why="no encoder")
        else:
            self.tell(ClipStarted(self.now, *clip_id))

    def _shoot(self, command: TakeShot, pick: int) -> None:
        if pick % 11 == 10:
            self.tell(ShotFailed(self.now, command.session, command.shot_id, "no frame"))
            return
        check = None
        if command.check_label:
            check = (LabelCheck.MATCH, LabelCheck.MISMATCH, LabelCheck.UNREADABLE)[pick % 3]
        path = f"{command.session}/{command.shot_id}.jpg"
        shot = Shot(command.slot, path, command.camera, NOON, check, 1, 1, 1, "00")
        fault = "photo_blurred" if pick % 5 == 4 else ""
        self.tell(ShotTaken(self.now, command.session, command.shot_id, shot, "Z", fault))

    def _check(self, pick: int) -> None:
        if pick % 3 == 1:
            self.tell(CheckFailed(self.now, "disk error"))
            return
        advice = "clean the lens" if pick % 3 == 0 else ""
        names = self.state.rules.cameras
        self.tell(Checked(self.now, tuple(camera_check(name, 0.33, advice) for name in names)))

    def _seal(self, command: SealSession, bad: bool) -> None:
        if bad:
            self.tell(SealFailed(self.now, command.session, "disk error"))
        else:
            self.tell(Sealed(self.now, command.session, command.status))


MOVES: dict[str, Callable[[World, int], None]] = {
    "answer": World.answer,
    "scan": World.scan,
    "photo": World.photo,
    "choose": World.choose,
    "camera": World.camera,
    "cut": World.cut,
    "after": World.after,
    "disk": World.disk,
    "finish": lambda world, _: world.tell(FinishAsked(world.now)),
    "cancel": lambda world, _: world.tell(CancelAsked(world.now)),
    "yes": lambda world, _: world.tell(Answered(world.now, True, "wrong item")),
    "no": lambda world, _: world.tell(Answered(world.now, False)),
    "acknowledge": lambda world, _: world.tell(Acknowledged(world.now)),
    "shutdown": World.shutdown,
}
BY_PACKER = ("photo", "finish", "cancel", "yes", "no")
