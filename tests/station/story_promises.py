"""What the rules promise, looked at from outside: from events and commands alone wherever possible.

`Promises` watches the conversation between the rules and a `tests.station.story_world.World`, and
fails as soon as one of the promises is broken.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace

from station.rules.commands import (
    CheckCameras,
    Command,
    Exit,
    FileGap,
    FileNote,
    Log,
    LookUp,
    OpenSession,
    Say,
    SealSession,
    StartClip,
    StopClip,
    TakeShot,
)
from station.rules.events import (
    Answered,
    CameraWarned,
    CancelAsked,
    Checked,
    CheckFailed,
    ClipEnded,
    ClipStarted,
    Disk,
    Event,
    Moment,
    Opened,
    OpenFailed,
    Scanned,
    Sealed,
    SealFailed,
    ShotTaken,
    ShutdownAsked,
    Tick,
)
from station.rules.state import Phase, State
from station.session import step
from storage.records import (
    CheckDigit,
    EndReason,
    Gap,
)

NOON = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
ClipId = tuple[str, str, int]


def moment(ms: int) -> Moment:
    return Moment(NOON + dt.timedelta(milliseconds=ms), ms)


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
    holes: list[Gap] = field(default_factory=list)
    """What its clips were told to lack."""
    notes: list[str] = field(default_factory=list)
    mismatch: bool = False
    """One of its labels showed another number."""


@dataclass
class ClipSeen:
    """`since` the trigger, `until` the first of its stop and its end."""

    since: dt.datetime
    until: dt.datetime | None = None
    started: bool = False
    stopped: bool = False
    ended: bool = False
    kept: bool = False
    given_up: bool = False


class Promises:
    """Looks at every step and fails when the rules broke one of their promises."""

    def __init__(self) -> None:
        self.sessions: dict[str, SessionSeen] = {}
        self.clips: dict[ClipId, ClipSeen] = {}
        self.settled: set[str] = set()
        self.warnings: dict[str, str] = {}
        self.checking = False
        self.vouched: set[str] = set()
        """The numbers of no listed carrier that the packer said yes to."""
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
        self._vouches(before, event)
        self._stands_in_nobodys_way(before, event, after, commands)
        self._ends(before, after)
        for command in commands:
            self._commanded(command, before, after, event.at)
        self._notes_warnings(event, commands)
        self._goes_on_with_the_parcel(before, event, commands)
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
                if self.at_hand == event.session and event.clip and not clip.given_up:
                    self.sessions[event.session].holes += event.holes
                clip.ended, clip.kept = True, event.clip is not None
                clip.until = clip.until or event.at.utc
            case ShotTaken() if event.session in self.sessions:
                self.sessions[event.session].slots_filled.add(event.shot.slot)
            case CameraWarned():
                self.warnings[event.camera] = event.what
            case Checked() | CheckFailed():
                self.checking = False
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
                if command.waybill.carrier is None:
                    assert command.waybill.number in self.vouched, "nobody said yes to it"
                    self.vouched.remove(command.waybill.number)
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
                self._note(command)
            case CheckCameras():
                assert before.phase is Phase.IDLE, "a check while a parcel is packed"
                assert before.checking is None, "two checks at once"
                self.checking = True
            case Say() if command.key == "label_mismatch":
                self.sessions[self.at_hand].mismatch = True
            case Say() if command.key == "missing_shots":
                self.sessions[self.at_hand].told_missing = True
            case SealSession():
                self._seal(command, before)
            case Exit():
                self.exits += 1
                assert self.at_hand == ""
                handed_over = {name for name, seen in self.sessions.items() if seen.sealed}
                assert handed_over <= self.settled, "left before the archive answered"

    def _note(self, command: FileNote) -> None:
        seen, note = self.sessions[command.session], command.note
        seen.notes.append(f"{note.what} {note.text}")
        if note.what == "clip_unanswered":
            seen.given_up += 1
            camera, _, part, *_ = note.text.split()
            self.clips[command.session, camera, int(part)].given_up = True

    def _vouches(self, before: State, event: Event) -> None:
        """Yes is an answer, or the same scan again, to a question that can be seen."""
        if before.unlisted is None or before.question is not None or before.alarms:
            return
        number, scanned_ms = before.last_scan or ("", 0)
        again = isinstance(event, Scanned) and event.via == "wedge" and not before.closing
        if again and isinstance(event, Scanned) and event.waybill.number == before.unlisted.number:
            late = event.at.mono_ms - scanned_ms >= before.rules.repeat_scan_ms
            if number != before.unlisted.number or late:
                self.vouched.add(before.unlisted.number)
        elif isinstance(event, Answered) and event.yes:
            self.vouched.add(before.unlisted.number)

    def _stands_in_nobodys_way(
        self, before: State, event: Event, after: State, commands: list[Command]
    ) -> None:
        """The question about an unlisted number begins nothing, ends nothing, holds up nothing."""
        if isinstance(event, Scanned) and event.waybill.carrier is None:
            own = before.active is not None and before.active.waybill == event.waybill
            known = event.waybill.number in self.vouched
            if not (own or known):
                assert all(isinstance(command, Say | Log) for command in commands)
                moved = replace(_beside(after), alarms=before.alarms)  # it may tell of a full disk
                assert moved == _beside(before), "a number that nobody vouched for acted"
        if isinstance(event, Tick) and before.unlisted and not (before.question or before.alarms):
            shown_ms = event.at.mono_ms - before.unlisted.asked.mono_ms
            assert after.unlisted is None or shown_ms < before.rules.question_timeout_ms
        by_camera = isinstance(event, Scanned) and event.via != "wedge"
        unlisted = isinstance(event, Scanned) and event.waybill.carrier is None
        answers = isinstance(event, Answered | CancelAsked)
        if before.unlisted is not None and not (by_camera or unlisted or answers):
            would_be, would_do = step(replace(before, unlisted=None), event)
            assert _beside(after) == _beside(would_be), f"held up: {event}"
            stays = not isinstance(event, Scanned | Tick | ShutdownAsked)
            assert after.unlisted is not None or not stays, f"forgotten: {event}"
            done = [command for command in commands if not isinstance(command, Say)]
            assert done == [command for command in would_do if not isinstance(command, Say)]

    def _tells_of_doubts(self, seen: SessionSeen) -> None:
        """What makes a session's number doubtful stands in its record."""
        told = {note.split()[0] for note in seen.notes}
        waybill = seen.command.waybill
        assert ("unlisted" in told) == (waybill.carrier is None)
        assert ("check_digit" in told) == (waybill.check is CheckDigit.FAILED)
        assert bool({"label_acknowledged", "label_unacknowledged"} & told) == seen.mismatch

    def _notes_warnings(self, event: Event, commands: list[Command]) -> None:
        """A session knows each camera that does not work as asked, whichever came first."""
        if any(isinstance(command, OpenSession) for command in commands) and self.at_hand:
            told = {name for name, what in self.warnings.items() if what}
        elif isinstance(event, CameraWarned) and event.what and commands and self.at_hand:
            told = {event.camera}
        else:
            return
        notes = self.sessions[self.at_hand].notes
        for name in told:
            assert f"camera_warning {name} {self.warnings[name]}" in notes, (name, notes)

    def _goes_on_with_the_parcel(
        self, before: State, event: Event, commands: list[Command]
    ) -> None:
        """A check holds up no parcel."""
        free = before.phase is Phase.IDLE and before.disk is not Disk.FULL
        if isinstance(event, Scanned) and self.checking and free:
            refused = before.closing or before.blocked or before.last_scan is not None
            refused |= event.waybill.carrier is None or event.via != "wedge"
            assert refused or any(isinstance(command, LookUp) for command in commands)

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
        self._tells_of_doubts(seen)
        assert [hole for hole in seen.holes if hole not in seen.gaps] == [], "a hole was not filed"
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
        wanted = state.wanted
        if wanted is not None and wanted.waybill.carrier is None:
            assert state.vouched is not None
            assert state.vouched[0] == wanted.waybill.number
        assert not (state.closing and state.unlisted)
        assert len(state.alarms) <= 20
        assert len({(alarm.key, alarm.params[:1]) for alarm in state.alarms}) == len(state.alarms)


def _beside(state: State) -> State:
    """`state` without the question about an unlisted number, and without what every event moves."""
    return replace(untouched(state), unlisted=None, last_scan=None)


def untouched(state: State) -> State:
    """`state` without the time of the last activity, which every event of the packer moves."""
    if state.active is None:
        return state
    active = replace(state.active, last_activity=moment(0), timeout_warned=False)
    return replace(state, active=active)
