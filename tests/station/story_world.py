"""A bench, an archive, cameras and a packer that answer the rules in any order, late or never.

`World` carries out no command: it notes each one as owed, and a story decides which is answered
next, and how. `Promises` watches the conversation from outside, from events and commands alone
wherever that is possible, and fails as soon as a promise of the rules is broken.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from station.rules.commands import (
    Command,
    Exit,
    FileGap,
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
    CancelAsked,
    ClipEnded,
    ClipStarted,
    ClockJumped,
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
    Scanned,
    Sealed,
    SealFailed,
    ShotAsked,
    ShotFailed,
    ShotTaken,
    ShutdownAsked,
    Tick,
)
from station.rules.state import Phase, Rules, Slot, State, initial
from station.session import step
from storage.records import (
    Clip,
    EndReason,
    Gap,
    LabelCheck,
    Shot,
    Status,
    Waybill,
)

NOON = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
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
WAIT_LIMIT_MS = 30_000
"""After this long the rules may go on without an answer."""

ClipId = tuple[str, str, int]


def moment(ms: int) -> Moment:
    return Moment(NOON + dt.timedelta(milliseconds=ms), ms)


def waybill(number: str) -> Waybill:
    return Waybill(number, number, None)


# ---------------------------------------------------------------------------- the promises


@dataclass
class SessionSeen:
    """What the commands and replies about one session have come to."""

    command: OpenSession
    opened: bool = False
    open_failed: bool = False
    sealed: SealSession | None = None
    told_missing: bool = False
    wrong_label: bool = False
    """Its wrong label was known, and not acknowledged, when it was ended."""
    slots_filled: set[str] = field(default_factory=set)
    gaps: list[Gap] = field(default_factory=list)
    given_up: int = 0


@dataclass
class ClipSeen:
    """`since` the trigger, `until` the first of its stop and its end."""

    since: dt.datetime
    until: dt.datetime | None = None
    started: bool = False
    stopped: bool = False
    ended: bool = False
    kept: bool = False


class Promises:
    """Looks at every step and fails when the rules broke one of their promises."""

    def __init__(self) -> None:
        self.sessions: dict[str, SessionSeen] = {}
        self.clips: dict[ClipId, ClipSeen] = {}
        self.settled: set[str] = set()
        self.exits = 0

    @property
    def at_hand(self) -> str:
        """The one session between `OpenSession` and `SealSession`, or ''."""
        unfinished = [
            name for name, seen in self.sessions.items() if not (seen.sealed or seen.open_failed)
        ]
        assert len(unfinished) <= 1, f"more than one session is open: {unfinished}"
        return unfinished[0] if unfinished else ""

    def check(self, before: State, event: Event, after: State, commands: list[Command]) -> None:
        self._told(event)
        self._ends(before, after)
        for command in commands:
            self._commanded(command, before, after, event.at)
        self._is_consistent(after)
        if not isinstance(event, Tick):
            assert commands or untouched(after) != untouched(before), f"lost silently: {event}"

    def check_end(self) -> None:
        """After everything was answered and the bench has left."""
        assert self.exits == 1, f"left {self.exits} times"
        for name, seen in self.sessions.items():
            assert seen.sealed or seen.open_failed, f"session {name} was never sealed"
        for clip_id, clip in self.clips.items():
            rolls = clip.started and not clip.ended
            assert clip.stopped or not rolls, f"clip {clip_id} rolls for ever"

    def _told(self, event: Event) -> None:
        match event:
            case Opened() if event.session in self.sessions:
                self.sessions[event.session].opened = True
            case OpenFailed() if event.session in self.sessions:
                self.sessions[event.session].open_failed = True
            case ClipStarted():
                self.clips[event.session, event.camera, event.part].started = True
            case ClipEnded():
                clip = self.clips[event.session, event.camera, event.part]
                clip.ended, clip.kept = True, event.clip is not None
                clip.until = clip.until or event.at.utc
            case ShotTaken() if event.session in self.sessions:
                self.sessions[event.session].slots_filled.add(event.shot.slot)
            case Sealed() | SealFailed():
                self.settled.add(event.session)

    def _ends(self, before: State, after: State) -> None:
        going_on = (Phase.OPENING, Phase.RECORDING)
        if self.at_hand and before.phase in going_on and after.phase not in going_on:
            seen = self.sessions[self.at_hand]
            wrong = ("expected", seen.command.waybill.number)
            seen.wrong_label = any(alarm.params[:1] == (wrong,) for alarm in after.alarms)

    def _commanded(self, command: Command, before: State, after: State, at: Moment) -> None:
        match command:
            case OpenSession():
                assert self.at_hand == "", f"{self.at_hand} is still open"
                assert command.session not in self.sessions
                assert before.disk is not Disk.FULL
                self.sessions[command.session] = SessionSeen(command)
            case StartClip():
                self._start(command, after)
            case StopClip():
                clip = self.clips[command.session, command.camera, command.part]
                assert clip.started, "a clip is stopped before it has started"
                assert not clip.stopped, "a clip is stopped twice"
                clip.stopped, clip.until = True, at.utc
            case TakeShot():
                assert command.session == self.at_hand
                assert self.sessions[command.session].opened, "a photo without a folder"
            case FileGap():
                assert command.session == self.at_hand
                ended = command.gap.ended_at
                assert ended is None or ended >= command.gap.started_at
                self.sessions[command.session].gaps.append(command.gap)
            case FileNote():
                assert command.session == self.at_hand
                self.sessions[command.session].given_up += command.note.what == "clip_unanswered"
            case Say() if command.key == "missing_shots":
                self.sessions[self.at_hand].told_missing = True
            case SealSession():
                self._seal(command, before)
            case Exit():
                self.exits += 1
                assert self.at_hand == ""
                handed_over = {name for name, seen in self.sessions.items() if seen.sealed}
                assert handed_over <= self.settled, "left before the archive answered"

    def _start(self, command: StartClip, after: State) -> None:
        assert command.session == self.at_hand
        assert after.is_up(command.camera)
        parts = [
            (part, clip)
            for (session, camera, part), clip in self.clips.items()
            if (session, camera) == (command.session, command.camera)
        ]
        assert all(clip.ended for _, clip in parts), "two parts of one camera roll"
        assert command.part == len(parts) + 1
        self.clips[command.session, command.camera, command.part] = ClipSeen(command.trigger.utc)

    def _seal(self, command: SealSession, before: State) -> None:
        assert command.session == self.at_hand
        seen = self.sessions[command.session]
        assert seen.opened, "sealed before its row was durable"
        own = {clip_id: c for clip_id, c in self.clips.items() if clip_id[0] == command.session}
        rolling = [clip_id for clip_id, clip in own.items() if not clip.ended]
        assert len(rolling) == seen.given_up, f"sealed while {rolling} roll"
        seen.sealed = command
        for camera in before.cameras:
            self._is_covered(seen, camera.name, command.ended_at)
        if command.end_reason in (EndReason.FINISH, EndReason.NEXT_SCAN):
            self._may_finish(before, seen)

    def _is_covered(self, seen: SessionSeen, name: str, ended_at: dt.datetime) -> None:
        """Every moment of the session has video of the camera, or a gap that says why not."""
        pieces = [(gap.started_at, gap.ended_at) for gap in seen.gaps if gap.camera == name]
        pieces += [
            (clip.since, clip.until)
            for (session, camera, _), clip in self.clips.items()
            if (session, camera) == (seen.command.session, name) and clip.kept
        ]
        covered = seen.command.opened_at
        for since, until in sorted(pieces, key=lambda piece: piece[0]):
            if since <= covered:
                covered = max(covered, until or ended_at)
        assert covered >= ended_at, f"{name}: neither video nor gap from {covered} on"

    def _may_finish(self, before: State, seen: SessionSeen) -> None:
        assert not seen.wrong_label, "a wrong label left the bench"
        missing = set(seen.command.required_slots) - seen.slots_filled
        assert not missing or before.rules.allow_incomplete
        assert not missing or seen.told_missing, f"{missing} were missing and nobody was told"

    def _is_consistent(self, state: State) -> None:
        with_session = state.phase in (Phase.OPENING, Phase.RECORDING, Phase.SEALING)
        assert (state.active is not None) == with_session
        if state.active is not None:
            assert state.active.session == self.at_hand
            for shot in state.active.shots:
                assert shot.path.startswith(f"{self.at_hand}/"), "a photo of another session"
        if state.phase in (Phase.LOOKING_UP, Phase.DECIDING):
            assert state.wanted is not None
        asked = {Phase.DECIDING: "duplicate"}.get(state.phase, "cancel")
        assert state.question is None or state.question.key == asked
        assert (state.question is not None) >= (state.phase is Phase.DECIDING)
        if state.phase in (Phase.IDLE, Phase.SEALING):
            assert state.question is None
        if state.phase is Phase.IDLE:
            assert state.wanted is None
        assert len(state.alarms) <= 20
        assert len({(alarm.key, alarm.params[:1]) for alarm in state.alarms}) == len(state.alarms)


def untouched(state: State) -> State:
    """`state` without the time of the last activity, which every event of the packer moves."""
    if state.active is None:
        return state
    active = replace(state.active, last_activity=moment(0), timeout_warned=False)
    return replace(state, active=active)


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
            self.owed.append(command)
        answerable = (LookUp, OpenSession, StartClip, StopClip, TakeShot, SealSession)
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
        if self.state.phase is Phase.IDLE and name in BY_PACKER and pick % 4:
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
            ClockJumped(self.now, -60_000),
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
        if pick % 5 == 0:
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
        self.tell(ClipEnded(self.now, session, camera, part, clip, why))

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
